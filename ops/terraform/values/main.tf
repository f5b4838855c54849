# What the three clouds' modules tasker have in common: it makes nothing, it only writes.

locals {
  secret = "${var.name}-database"

  manifests = [
    {
      apiVersion = "external-secrets.io/v1"
      kind       = "SecretStore"
      metadata   = { name = var.name, namespace = var.namespace }
      spec       = { provider = var.store }
    },
    {
      apiVersion = "external-secrets.io/v1"
      kind       = "ExternalSecret"
      metadata   = { name = local.secret, namespace = var.namespace }
      spec = {
        refreshInterval = "1h"
        secretStoreRef  = { kind = "SecretStore", name = var.name }
        target          = { name = local.secret }
        data            = [{ secretKey = "password", remoteRef = { key = var.remote_key } }]
      }
    },
  ]
}
