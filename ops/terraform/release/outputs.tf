output "api_url" {
  description = "The server's REST API, for applications in the cluster."
  value       = local.url
}
