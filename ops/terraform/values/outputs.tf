output "helm_values" {
  description = "Values of the charts, in YAML."
  value = yamlencode({
    database = {
      host           = var.database.host
      port           = var.database.port
      name           = var.database.database
      user           = var.database.app_user
      options        = var.database.database_options
      existingSecret = { name = local.secrets.app, passwordKey = "password" }
    }
  })
}

output "server_values" {
  description = "More values, of the server's chart alone, in YAML."
  value = yamlencode(var.database.migrate_user == null ? {} : {
    migration = {
      database = {
        user           = var.database.migrate_user
        existingSecret = { name = local.secrets.migrate, passwordKey = "password" }
      }
    }
  })
}

output "secret_manifests" {
  description = "Objects of External Secrets that bring the passwords into the namespace, in YAML."
  value       = join("---\n", [yamlencode(local.store), join("---\n", [for password in local.passwords : yamlencode(password)])])
}
