output "helm_values" {
  description = "Values of the charts, in YAML."
  value = yamlencode({
    database = {
      host           = var.database.host
      port           = var.database.port
      name           = var.database.database
      user           = var.database.app_user
      options        = var.database.database_options
      existingSecret = { name = local.secret, passwordKey = "password" }
    }
  })
}

output "secret_manifests" {
  description = "Objects of External Secrets that bring the password into the namespace, in YAML."
  value       = join("---\n", [for manifest in local.manifests : yamlencode(manifest)])
}
