output "helm_values" {
  description = "Values of the charts, in YAML: `terraform output -raw helm_values`."
  value       = module.values.helm_values
}

output "server_values" {
  description = "More values, of the server's chart alone: which role migrates. In YAML: `terraform output -raw server_values`."
  value       = module.values.server_values
}

output "secret_manifests" {
  description = "Objects of External Secrets that bring the passwords into the namespace, in YAML: `terraform output -raw secret_manifests`."
  value       = module.values.secret_manifests
}

output "secrets_identity" {
  description = "The cloud's identity that External Secrets has, and that may read the passwords."
  value       = aws_iam_role.secrets.arn
}

output "api_url" {
  description = "The server's REST API, for applications in the cluster; null while nothing is installed."
  value       = one(module.release[*].api_url)
}
