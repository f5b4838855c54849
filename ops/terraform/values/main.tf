# What the three clouds' modules tasker have in common: it makes nothing, it only writes.

locals {
  secrets = merge(
    { app = "${var.name}-database" },
    var.database.migrate_user == null ? {} : { migrate = "${var.name}-migrate" },
  )

  store = {
    apiVersion = "external-secrets.io/v1"
    kind       = "SecretStore"
    metadata   = { name = var.name, namespace = var.namespace }
    spec       = { provider = var.store }
  }

  passwords = [for role, secret in local.secrets : {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata   = { name = secret, namespace = var.namespace }
    spec = {
      refreshInterval = "1h"
      secretStoreRef  = { kind = "SecretStore", name = var.name }
      target          = { name = secret }
      data            = [{ secretKey = "password", remoteRef = { key = var.remote_keys[role] } }]
    }
  }]
}
