output "monitor_ids" {
  description = "The id of each monitor, by alert."
  value       = { for name, monitor in datadog_monitor.this : name => monitor.id }
}
