output "helm_values" {
  description = "Values of the charts, in YAML: `terraform output -raw helm_values`."
  value       = module.values.helm_values
}

output "secret_manifests" {
  description = "Objects of External Secrets that bring the password into the namespace, in YAML: `terraform output -raw secret_manifests`."
  value       = module.values.secret_manifests
}

output "secrets_identity" {
  description = "The cloud's identity that External Secrets has, and that may read the password."
  value       = aws_iam_role.secrets.arn
}

output "api_url" {
  description = "The server's REST API, for applications in the cluster; null while nothing is installed."
  value       = one(module.release[*].api_url)
}
