locals {
  service_account = split("/", var.secrets_service_account)
  # /subscriptions/…/resourceGroups/…/providers/Microsoft.KeyVault/vaults/VAULT/secrets/SECRET
  vault = split("/", var.database.app_secret)[8]
}

resource "azurerm_user_assigned_identity" "secrets" {
  name                = "${var.name}-secrets"
  resource_group_name = var.resource_group.name
  location            = var.resource_group.location
  tags                = var.labels
}

# Whoever the cluster says is that service account has the identity.
resource "azurerm_federated_identity_credential" "secrets" {
  name                = "${var.name}-secrets"
  resource_group_name = var.resource_group.name
  parent_id           = azurerm_user_assigned_identity.secrets.id
  issuer              = var.oidc_issuer
  subject             = "system:serviceaccount:${local.service_account[0]}:${local.service_account[1]}"
  audience            = ["api://AzureADTokenExchange"]
}

# It may read these secrets, and not the administrator's in the same vault.
resource "azurerm_role_assignment" "secrets" {
  scope                = var.database.app_secret
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.secrets.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "migrate" {
  # The secret itself may not be there yet; that there is a role is known.
  count = var.database.migrate_user == null ? 0 : 1

  scope                = var.database.migrate_secret
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.secrets.principal_id
  principal_type       = "ServicePrincipal"
}

module "values" {
  source = "../../values"

  name        = var.name
  namespace   = var.namespace
  database    = var.database
  remote_keys = { app = basename(var.database.app_secret), migrate = try(basename(var.database.migrate_secret), null) }

  store = {
    azurekv = {
      authType = "WorkloadIdentity"
      vaultUrl = "https://${local.vault}.vault.azure.net"
    }
  }
}

module "release" {
  source = "../../release"
  count  = var.release == null ? 0 : 1

  name          = var.name
  namespace     = var.namespace
  helm_values   = module.values.helm_values
  server_values = module.values.server_values
  connections   = var.connections
  release       = var.release
}
