locals {
  database     = "tasker"
  app_user     = "tasker_app"
  migrate_user = "tasker_migrate"
  admin_user   = "postgres"

  # A rollout starts one server more, and one worker more of each application.
  needed = (
    (var.connections.servers + 1) * var.connections.per_server +
    (var.connections.workers + var.connections.applications) * var.connections.per_worker +
    var.connections.others
  )

  memory_gib = try(tonumber(split("-", var.instance)[3]) / 1024, 0)
  # A connection takes about 10 MiB.
  possible = min(5000, floor(local.memory_gib * 100))
}

resource "google_sql_database_instance" "this" {
  name                = var.name
  database_version    = "POSTGRES_${var.postgres_version}"
  deletion_protection = var.deletion_protection
  encryption_key_name = var.encryption_key

  settings {
    tier                        = var.instance
    edition                     = "ENTERPRISE"
    availability_type           = var.high_availability ? "REGIONAL" : "ZONAL"
    deletion_protection_enabled = var.deletion_protection
    retain_backups_on_delete    = var.deletion_protection
    user_labels                 = var.labels

    disk_type             = "PD_SSD"
    disk_size             = var.storage_gib
    disk_autoresize       = true
    disk_autoresize_limit = var.storage_gib * 4

    ip_configuration {
      ipv4_enabled       = false
      private_network    = var.network_id
      allocated_ip_range = one(var.subnet_ids)
      ssl_mode           = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = var.backup_days
      }
    }

    database_flags {
      name  = "max_connections"
      value = tostring(local.needed)
    }

    database_flags {
      name  = "log_checkpoints"
      value = "on"
    }

    database_flags {
      name  = "log_connections"
      value = "on"
    }

    database_flags {
      name  = "log_disconnections"
      value = "on"
    }

    database_flags {
      name  = "log_lock_waits"
      value = "on"
    }
  }

  lifecycle {
    # It grows by itself.
    ignore_changes = [settings[0].disk_size]

    precondition {
      condition     = local.needed <= local.possible
      error_message = "instance is \"${var.instance}\", which has memory for ${local.possible} connections, but connections needs ${local.needed}: take a larger instance, smaller pools, or fewer servers and workers."
    }
  }
}

resource "google_sql_database" "this" {
  name     = local.database
  instance = google_sql_database_instance.this.name
}

# Only the secrets' places. Their values are put there once with the cloud's own command line, so no state and no plan ever holds them.
resource "google_secret_manager_secret" "this" {
  for_each = toset([local.admin_user, local.app_user, local.migrate_user])

  secret_id           = "${var.name}-${replace(each.key, "_", "-")}"
  deletion_protection = var.deletion_protection
  labels              = var.labels

  replication {
    auto {}
  }
}
