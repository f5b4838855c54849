data "azurerm_client_config" "current" {}

locals {
  database     = "tasker"
  app_user     = "tasker_app"
  migrate_user = "tasker_migrate"
  admin_user   = "tasker_admin"

  # A rollout starts one server more, and one worker more of each application.
  needed = (
    (var.connections.servers + 1) * var.connections.per_server +
    (var.connections.workers + var.connections.applications) * var.connections.per_worker +
    var.connections.others
  )

  # Azure keeps 15 connections for itself, and advises against more than its own defaults: 107 for each GiB, and 50 on the smallest.
  reserved   = 15
  size       = regex("^(B|GP|MO)_Standard_[BDE]([0-9]+)([a-z]*)", var.instance)
  memory_gib = tonumber(local.size[1]) * { B = local.size[2] == "ms" ? 4 : 2, GP = 4, MO = 8 }[local.size[0]]
  possible   = (var.instance == "B_Standard_B1ms" ? 50 : min(5000, floor(local.memory_gib * 107.42))) - local.reserved

  # /subscriptions/…/resourceGroups/…/providers/Microsoft.KeyVault/vaults/VAULT/keys/KEY
  key = split("/", coalesce(var.encryption_key, "/"))
}

# Nothing in the group can be deleted, by Terraform or by anybody else. Everything here depends on it, so `terraform destroy` begins with the database, and is refused;
# a lock on the server itself would be the first to go.
resource "azurerm_management_lock" "this" {
  count = var.deletion_protection ? 1 : 0

  name       = "${var.name}-postgres"
  scope      = var.resource_group.id
  lock_level = "CanNotDelete"
  notes      = "The database of Tasker: set deletion_protection to false and apply before you destroy it."
}

# The first part may be neither missing nor the server's name.
resource "azurerm_private_dns_zone" "this" {
  name                = "${var.name}.private.postgres.database.azure.com"
  resource_group_name = var.resource_group.name
  tags                = var.labels

  depends_on = [azurerm_management_lock.this]
}

resource "azurerm_private_dns_zone_virtual_network_link" "this" {
  name                  = var.name
  resource_group_name   = var.resource_group.name
  private_dns_zone_name = azurerm_private_dns_zone.this.name
  virtual_network_id    = var.network_id
  tags                  = var.labels
}

resource "azurerm_user_assigned_identity" "key" {
  count = var.encryption_key == null ? 0 : 1

  name                = "${var.name}-postgres"
  resource_group_name = var.resource_group.name
  location            = var.resource_group.location
  tags                = var.labels

  depends_on = [azurerm_management_lock.this]
}

resource "azurerm_role_assignment" "key" {
  count = var.encryption_key == null ? 0 : 1

  scope                = var.encryption_key
  role_definition_name = "Key Vault Crypto Service Encryption User"
  principal_id         = azurerm_user_assigned_identity.key[0].principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_postgresql_flexible_server" "this" {
  name                = var.name
  resource_group_name = var.resource_group.name
  location            = var.resource_group.location
  version             = var.postgres_version
  sku_name            = var.instance
  tags                = var.labels

  # Write-only: in no state and in no plan.
  administrator_login               = local.admin_user
  administrator_password_wo         = var.passwords.admin
  administrator_password_wo_version = var.passwords_version

  public_network_access_enabled = false
  delegated_subnet_id           = one(var.subnet_ids)
  private_dns_zone_id           = azurerm_private_dns_zone.this.id

  storage_mb            = var.storage_gib * 1024
  auto_grow_enabled     = true
  backup_retention_days = var.backup_days

  dynamic "high_availability" {
    for_each = var.high_availability ? ["ZoneRedundant"] : []

    content {
      mode = high_availability.value
    }
  }

  dynamic "identity" {
    for_each = azurerm_user_assigned_identity.key

    content {
      type         = "UserAssigned"
      identity_ids = [identity.value.id]
    }
  }

  # Without a version: a new one is used by itself.
  dynamic "customer_managed_key" {
    for_each = azurerm_user_assigned_identity.key

    content {
      key_vault_key_id                  = "https://${local.key[8]}.vault.azure.net/keys/${local.key[10]}"
      primary_user_assigned_identity_id = customer_managed_key.value.id
    }
  }

  lifecycle {
    # It grows by itself, and a smaller disk would be a new server; a failover swaps the zones.
    ignore_changes = [storage_mb, zone, high_availability[0].standby_availability_zone]

    precondition {
      condition     = local.needed <= local.possible
      error_message = "instance is \"${var.instance}\", which accepts ${local.possible} connections, but connections needs ${local.needed}: take a larger instance, smaller pools, or fewer servers and workers."
    }

    precondition {
      condition     = !var.high_availability || !startswith(var.instance, "B_")
      error_message = "instance is \"${var.instance}\", and high_availability is true: a burstable instance has no standby. Take one that begins with GP_ or MO_, or set high_availability to false."
    }
  }

  depends_on = [
    azurerm_management_lock.this,
    azurerm_private_dns_zone_virtual_network_link.this,
    azurerm_role_assignment.key,
  ]
}

# The first one is read at a start only: a change restarts the server.
resource "azurerm_postgresql_flexible_server_configuration" "this" {
  for_each = merge(
    {
      max_connections          = tostring(local.needed + local.reserved)
      require_secure_transport = "on"
      ssl_min_protocol_version = "TLSv1.2"
    },
    length(var.extensions) > 0 ? { "azure.extensions" = join(",", var.extensions) } : {},
  )

  server_id = azurerm_postgresql_flexible_server.this.id
  name      = each.key
  value     = each.value
}

# The passwords, readable for those who have a right to the one secret, from the subnets and addresses that you name.
resource "azurerm_key_vault" "this" {
  name                       = var.name
  resource_group_name        = var.resource_group.name
  location                   = var.resource_group.location
  tenant_id                  = data.azurerm_client_config.current.tenant_id
  sku_name                   = "standard"
  rbac_authorization_enabled = true
  purge_protection_enabled   = var.purge_protection
  tags                       = var.labels

  network_acls {
    default_action             = "Deny"
    bypass                     = "None"
    virtual_network_subnet_ids = var.secrets_subnet_ids
    ip_rules                   = var.secrets_allowed_cidrs
  }

  depends_on = [azurerm_management_lock.this]
}

# Whoever applies this first writes the passwords. Somebody else needs a right of their own: this one would be taken away for theirs, and the lock holds it.
resource "azurerm_role_assignment" "writer" {
  scope                = azurerm_key_vault.this.id
  role_definition_name = "Key Vault Secrets Officer"
  principal_id         = data.azurerm_client_config.current.object_id

  lifecycle {
    ignore_changes = [principal_id]
  }
}

# They come after the server, because a vault learns of a right only some minutes after it is given, and a server takes longer than that to make.
resource "azurerm_key_vault_secret" "this" {
  # The names only: a password may be no part of a resource's address.
  for_each = { (local.admin_user) = "admin", (local.app_user) = "app", (local.migrate_user) = "migrate" }

  key_vault_id     = azurerm_key_vault.this.id
  name             = replace(each.key, "_", "-")
  content_type     = "the password of the role ${each.key}"
  value_wo         = var.passwords[each.value]
  value_wo_version = var.passwords_version
  tags             = var.labels

  depends_on = [
    azurerm_role_assignment.writer,
    azurerm_postgresql_flexible_server.this,
  ]
}

# The last to be made and so the first to go. A lock does not hold passwords and parameters, but they stay while this does.
resource "azurerm_postgresql_flexible_server_database" "this" {
  name      = local.database
  server_id = azurerm_postgresql_flexible_server.this.id
  charset   = "UTF8"
  collation = "en_US.utf8"

  depends_on = [
    azurerm_postgresql_flexible_server_configuration.this,
    azurerm_key_vault_secret.this,
  ]
}
