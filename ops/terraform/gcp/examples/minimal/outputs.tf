output "connect" {
  description = "The command that adds the cluster to kubectl's configuration."
  value       = module.cluster.connect
}

output "postgres" {
  description = "The database: where it is, its roles, and where their passwords are."
  value       = module.postgres
}

output "helm_values" {
  description = "Values of the charts, in YAML."
  value       = module.tasker.helm_values
}

output "server_values" {
  description = "More values, of the server's chart alone, in YAML."
  value       = module.tasker.server_values
}

output "secret_manifests" {
  description = "Objects of External Secrets that bring the passwords into the namespace, in YAML."
  value       = module.tasker.secret_manifests
}

output "api_url" {
  description = "The server's REST API, for applications in the cluster; null while nothing is installed."
  value       = module.tasker.api_url
}
