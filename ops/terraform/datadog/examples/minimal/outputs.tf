output "monitors" {
  description = "The id of each monitor, by alert."
  value       = module.monitors.monitor_ids
}
