locals {
  database     = "tasker"
  app_user     = "tasker_app"
  migrate_user = "tasker_migrate"

  # A rollout starts one server more, and one worker more of each application.
  needed = (
    (var.connections.servers + 1) * var.connections.per_server +
    (var.connections.workers + var.connections.applications) * var.connections.per_worker +
    var.connections.others
  )

  family = split(".", var.instance)[1]
  size   = split(".", var.instance)[2]
  # An xlarge has 16 GiB in the families t and m, and twice that in the family r.
  xlarges    = try({ micro = 1 / 16, small = 1 / 8, medium = 1 / 4, large = 1 / 2, xlarge = 1 }[local.size], tonumber(trimsuffix(local.size, "xlarge")))
  memory_gib = local.xlarges * (startswith(local.family, "r") ? 32 : 16)
  # What RDS itself allows is one connection for 9.1 MiB.
  possible = min(5000, floor(local.memory_gib * 100))
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
  tags       = var.labels
}

resource "aws_security_group" "this" {
  name        = "${var.name}-postgres"
  description = "PostgreSQL of Tasker"
  vpc_id      = var.network_id
  tags        = merge(var.labels, { Name = "${var.name}-postgres" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = toset(var.client_cidrs)

  security_group_id = aws_security_group.this.id
  description       = "Servers, workers and migrations"
  ip_protocol       = "tcp"
  from_port         = 5432
  to_port           = 5432
  cidr_ipv4         = each.value
  tags              = var.labels
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.name}-"
  family      = "postgres${var.postgres_version}"
  description = "PostgreSQL of Tasker"
  tags        = var.labels

  parameter {
    name         = "max_connections"
    value        = local.needed
    apply_method = "pending-reboot"
  }

  parameter {
    name         = "rds.force_ssl"
    value        = "1"
    apply_method = "immediate"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "this" {
  identifier = var.name
  tags       = var.labels

  engine                      = "postgres"
  engine_version              = var.postgres_version
  instance_class              = var.instance
  parameter_group_name        = aws_db_parameter_group.this.name
  auto_minor_version_upgrade  = true
  allow_major_version_upgrade = true
  multi_az                    = var.high_availability
  # What you apply happens when you apply it, not in a window of maintenance. A change of max_connections waits for a restart all the same.
  apply_immediately = true

  db_name  = local.database
  username = "postgres"
  # RDS makes the password, keeps it in Secrets Manager and changes it. It never enters the state.
  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.encryption_key

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  publicly_accessible    = false

  storage_type          = "gp3"
  allocated_storage     = var.storage_gib
  max_allocated_storage = var.storage_gib * 4
  storage_encrypted     = true
  kms_key_id            = var.encryption_key

  backup_retention_period  = var.backup_days
  delete_automated_backups = !var.deletion_protection
  copy_tags_to_snapshot    = true

  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = !var.deletion_protection
  final_snapshot_identifier = var.deletion_protection ? "${var.name}-final" : null

  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]
  # The smallest classes have no Performance Insights.
  performance_insights_enabled    = !contains(["micro", "small"], local.size)
  performance_insights_kms_key_id = contains(["micro", "small"], local.size) ? null : var.encryption_key

  lifecycle {
    precondition {
      condition     = local.needed <= local.possible
      error_message = "instance is \"${var.instance}\", which has memory for ${local.possible} connections, but connections needs ${local.needed}: take a larger instance, smaller pools, or fewer servers and workers."
    }
  }
}

# Only the secrets' places. Their values are put there once with the cloud's own command line, so no state and no plan ever holds them.
resource "aws_secretsmanager_secret" "app" {
  name        = "${var.name}/${local.app_user}"
  description = "The password of the role ${local.app_user} of ${var.name}"
  kms_key_id  = var.encryption_key
  # A destroyed secret keeps its name for as many days. What is protected can be had back.
  recovery_window_in_days = var.deletion_protection ? 30 : 0
  tags                    = var.labels
}

resource "aws_secretsmanager_secret" "migrate" {
  name                    = "${var.name}/${local.migrate_user}"
  description             = "The password of the role ${local.migrate_user} of ${var.name}"
  kms_key_id              = var.encryption_key
  recovery_window_in_days = var.deletion_protection ? 30 : 0
  tags                    = var.labels
}
