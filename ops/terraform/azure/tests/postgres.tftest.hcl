mock_provider "azurerm" {
  source = "./tests/mocks"
}

variables {
  name               = "contoso-tasker"
  resource_group     = { id = "/subscriptions/mock/resourceGroups/tasker-database", name = "tasker-database", location = "germanywestcentral" }
  network_id         = "/subscriptions/mock/resourceGroups/tasker/providers/Microsoft.Network/virtualNetworks/tasker"
  subnet_ids         = ["/subscriptions/mock/resourceGroups/tasker/providers/Microsoft.Network/virtualNetworks/tasker/subnets/tasker-databases"]
  secrets_subnet_ids = ["/subscriptions/mock/resourceGroups/tasker/providers/Microsoft.Network/virtualNetworks/tasker/subnets/tasker-nodes"]
  passwords = {
    admin   = "A0123456789abcdef0123456789abcdef"
    app     = "Afedcba9876543210fedcba9876543210"
    migrate = "Acba9876543210fedcba9876543210fed"
  }
}

run "is_private_encrypted_and_restorable_by_default" {
  module {
    source = "./postgres"
  }

  assert {
    condition     = !azurerm_postgresql_flexible_server.this.public_network_access_enabled && azurerm_postgresql_flexible_server.this.delegated_subnet_id == var.subnet_ids[0] && azurerm_postgresql_flexible_server.this.private_dns_zone_id == azurerm_private_dns_zone.this.id
    error_message = "the database must be reachable from the network only"
  }

  assert {
    condition     = azurerm_postgresql_flexible_server_configuration.this["require_secure_transport"].value == "on" && azurerm_postgresql_flexible_server_configuration.this["ssl_min_protocol_version"].value == "TLSv1.2"
    error_message = "TLS must be enforced"
  }

  assert {
    condition     = azurerm_postgresql_flexible_server.this.high_availability[0].mode == "ZoneRedundant" && azurerm_postgresql_flexible_server.this.backup_retention_days == 14 && azurerm_postgresql_flexible_server.this.auto_grow_enabled
    error_message = "the database must survive the loss of a zone, be restorable, and not fill up"
  }

  assert {
    condition     = azurerm_management_lock.this[0].scope == var.resource_group.id && azurerm_management_lock.this[0].lock_level == "CanNotDelete"
    error_message = "nothing in the group may be deleted"
  }

  assert {
    condition     = azurerm_postgresql_flexible_server.this.administrator_password == null && azurerm_postgresql_flexible_server.this.administrator_password_wo == null && alltrue([for secret in azurerm_key_vault_secret.this : secret.value == null && secret.value_wo == null])
    error_message = "no password may enter the state"
  }

  assert {
    condition     = azurerm_postgresql_flexible_server.this.administrator_password_wo_version == 1 && alltrue([for secret in azurerm_key_vault_secret.this : secret.value_wo_version == 1])
    error_message = "server and vault must get the passwords together"
  }

  assert {
    condition     = azurerm_private_dns_zone.this.name == "contoso-tasker.private.postgres.database.azure.com" && azurerm_private_dns_zone_virtual_network_link.this.virtual_network_id == var.network_id
    error_message = "the network must know the server's name"
  }

  assert {
    condition     = output.host == azurerm_postgresql_flexible_server.this.fqdn && output.port == 5432 && output.admin_user == "tasker_admin" && azurerm_key_vault_secret.this["tasker_migrate"].name == "tasker-migrate"
    error_message = "the outputs must say where the database is"
  }
}

run "somebody_else_applies_it" {
  module {
    source = "./postgres"
  }

  override_data {
    target = data.azurerm_client_config.current
    values = { object_id = "00000000-0000-0000-0000-000000000009" }
  }

  assert {
    condition     = azurerm_role_assignment.writer.principal_id == "00000000-0000-0000-0000-000000000002"
    error_message = "the lock would hold the right of whoever made the vault"
  }
}

run "a_disk_that_has_grown_is_left_alone" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    storage_gib = 64
  }

  assert {
    condition     = azurerm_postgresql_flexible_server.this.storage_mb == 131072
    error_message = "a smaller disk would be a new server"
  }
}

run "passwords_are_readable_for_whom_you_name_only" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    secrets_allowed_cidrs = ["203.0.113.7/32"]
  }

  assert {
    condition     = azurerm_key_vault.this.network_acls[0].default_action == "Deny" && azurerm_key_vault.this.network_acls[0].bypass == "None" && azurerm_key_vault.this.network_acls[0].ip_rules == toset(["203.0.113.7/32"]) && azurerm_key_vault.this.network_acls[0].virtual_network_subnet_ids == toset(var.secrets_subnet_ids)
    error_message = "the vault must be closed but for the subnets and addresses that are named"
  }

  assert {
    condition     = azurerm_key_vault.this.rbac_authorization_enabled && azurerm_key_vault.this.purge_protection_enabled
    error_message = "rights must be those of Azure, and deleted passwords come back"
  }

  assert {
    condition     = azurerm_role_assignment.writer.role_definition_name == "Key Vault Secrets Officer" && azurerm_role_assignment.writer.principal_id == "00000000-0000-0000-0000-000000000002"
    error_message = "whoever applies this writes the passwords, and nobody else"
  }
}

run "without_protection_there_is_no_lock" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    deletion_protection = false
  }

  assert {
    condition     = length(azurerm_management_lock.this) == 0
    error_message = "the lock must go before the server can"
  }
}

run "accepts_as_many_connections_as_servers_and_workers_open" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    connections = { servers = 3, per_server = 100, workers = 5, per_worker = 40, applications = 2, others = 20 }
  }

  assert {
    condition     = output.max_connections == 700
    error_message = "3 servers of 100 and one more, 5 workers of 40 and one more of each of two applications, and 20 others are 700 connections, not ${output.max_connections}"
  }

  assert {
    condition     = azurerm_postgresql_flexible_server_configuration.this["max_connections"].value == "715"
    error_message = "Azure keeps 15 of them for itself"
  }
}

run "two_gib_for_each_burstable_cpu" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance          = "B_Standard_B2s"
    high_availability = false
    connections       = { servers = 1, per_server = 180, workers = 1, per_worker = 20, others = 14 }
  }
}

run "four_gib_for_each_cpu" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance          = "GP_Standard_D2ds_v5"
    high_availability = true
    connections       = { servers = 1, per_server = 395, workers = 1, per_worker = 20, others = 14 }
  }
}

run "eight_gib_for_each_cpu" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance          = "MO_Standard_E4ds_v5"
    high_availability = true
    connections       = { servers = 1, per_server = 1680, workers = 1, per_worker = 20, others = 22 }
  }
}

run "one_connection_more_is_refused" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    connections = { servers = 1, per_server = 395, workers = 1, per_worker = 20, others = 15 }
  }

  expect_failures = [azurerm_postgresql_flexible_server.this]
}

run "the_smallest_has_too_few_for_any" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance          = "B_Standard_B1ms"
    high_availability = false
    connections       = { servers = 1, per_server = 20, workers = 1, per_worker = 4, others = 1 }
  }

  expect_failures = [azurerm_postgresql_flexible_server.this]
}

run "one_connection_more_on_a_burstable_instance_is_refused" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance          = "B_Standard_B2s"
    high_availability = false
    connections       = { servers = 1, per_server = 180, workers = 1, per_worker = 20, others = 15 }
  }

  expect_failures = [azurerm_postgresql_flexible_server.this]
}

run "a_standby_of_a_burstable_instance" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance    = "B_Standard_B2ms"
    connections = { servers = 1, per_server = 65, workers = 1, per_worker = 20 }
  }

  expect_failures = [azurerm_postgresql_flexible_server.this]
}

run "extensions_that_are_named_can_be_created" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    extensions = ["PG_STAT_STATEMENTS", "PG_CRON"]
  }

  assert {
    condition     = azurerm_postgresql_flexible_server_configuration.this["azure.extensions"].value == "PG_STAT_STATEMENTS,PG_CRON"
    error_message = "both must be allowed"
  }
}

run "a_key_of_yours_encrypts_disk_and_backups" {
  module {
    source = "./postgres"
  }

  variables {
    encryption_key = "/subscriptions/mock/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/contoso/keys/tasker"
  }

  assert {
    condition     = azurerm_postgresql_flexible_server.this.customer_managed_key[0].key_vault_key_id == "https://contoso.vault.azure.net/keys/tasker"
    error_message = "the server wants the key's address"
  }

  assert {
    condition     = azurerm_role_assignment.key[0].scope == var.encryption_key && azurerm_role_assignment.key[0].principal_id == azurerm_user_assigned_identity.key[0].principal_id
    error_message = "the server must be allowed to use that key"
  }

  assert {
    condition     = azurerm_postgresql_flexible_server.this.identity[0].identity_ids == toset([azurerm_user_assigned_identity.key[0].id])
    error_message = "the server must have that identity"
  }
}

run "name_with_a_capital" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    name = "Tasker"
  }

  expect_failures = [var.name]
}

run "name_with_two_hyphens" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    name = "contoso--tasker"
  }

  expect_failures = [var.name]
}

run "two_subnets" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    subnet_ids = ["a", "b"]
  }

  expect_failures = [var.subnet_ids]
}

run "postgres_16" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    postgres_version = "16"
  }

  expect_failures = [var.postgres_version]
}

run "no_such_instance" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance = "GP_Gen5_2"
  }

  expect_failures = [var.instance]
}

run "a_disk_between_two_sizes" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    storage_gib = 100
  }

  expect_failures = [var.storage_gib]
}

run "too_few_days_of_backups" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    backup_days = 1
  }

  expect_failures = [var.backup_days]
}

run "a_pool_that_would_lock_up" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    connections = { per_server = 10 }
  }

  expect_failures = [var.connections]
}

run "half_a_server" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    connections = { servers = 0.5 }
  }

  expect_failures = [var.connections]
}

run "an_extension_in_lower_case" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    extensions = ["pg_cron"]
  }

  expect_failures = [var.extensions]
}

run "a_key_with_its_version" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    encryption_key = "/subscriptions/mock/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/contoso/keys/tasker/versions/abc"
  }

  expect_failures = [var.encryption_key]
}

run "a_vault_that_the_cluster_cannot_reach" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    secrets_subnet_ids = []
  }

  expect_failures = [var.secrets_subnet_ids]
}

run "the_whole_internet_at_the_vault" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    secrets_allowed_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.secrets_allowed_cidrs]
}

run "a_short_password" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    passwords = { admin = "A0123456789abcdef0123456789abcdef", app = "secret", migrate = "Acba9876543210fedcba9876543210fed" }
  }

  expect_failures = [var.passwords]
}

run "a_password_that_needs_encoding" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    passwords = { admin = "A0123456789abcdef0123456789abcdef", app = "Afedcba9876543210fedcba987654321@", migrate = "Acba9876543210fedcba9876543210fed" }
  }

  expect_failures = [var.passwords]
}

run "a_password_without_a_capital" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    passwords = { admin = "A0123456789abcdef0123456789abcdef", app = "fedcba9876543210fedcba9876543210", migrate = "Acba9876543210fedcba9876543210fed" }
  }

  expect_failures = [var.passwords]
}

run "a_password_without_a_small_letter" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    passwords = { admin = "A0123456789abcdef0123456789abcdef", app = "AFEDCBA9876543210FEDCBA9876543210", migrate = "Acba9876543210fedcba9876543210fed" }
  }

  expect_failures = [var.passwords]
}

run "a_password_without_a_digit" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    passwords = { admin = "A0123456789abcdef0123456789abcdef", app = "AfedcbaAfedcbaAfedcbaAfedcbaAfedcba", migrate = "Acba9876543210fedcba9876543210fed" }
  }

  expect_failures = [var.passwords]
}

run "a_role_that_migrates_with_the_applications_password" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    passwords = { admin = "A0123456789abcdef0123456789abcdef", app = "Afedcba9876543210fedcba9876543210", migrate = "Afedcba9876543210fedcba9876543210" }
  }

  expect_failures = [var.passwords]
}

run "an_administrator_with_the_applications_password" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    passwords = { admin = "A0123456789abcdef0123456789abcdef", app = "A0123456789abcdef0123456789abcdef", migrate = "Acba9876543210fedcba9876543210fed" }
  }

  expect_failures = [var.passwords]
}

run "passwords_of_version_zero" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    passwords_version = 0
  }

  expect_failures = [var.passwords_version]
}

run "no_workers" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    connections = { workers = 0 }
  }

  expect_failures = [var.connections]
}

run "fewer_servers_than_none" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    connections = { servers = -1 }
  }

  expect_failures = [var.connections]
}

run "half_a_connection" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    connections = { per_worker = 20.5 }
  }

  expect_failures = [var.connections]
}

run "no_applications" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    connections = { applications = 0 }
  }

  expect_failures = [var.connections]
}

run "a_worker_without_a_pool" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    connections = { per_worker = 3 }
  }

  expect_failures = [var.connections]
}
