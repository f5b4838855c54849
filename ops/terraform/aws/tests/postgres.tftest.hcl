mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name         = "tasker"
  network_id   = "vpc-00000000000000000"
  subnet_ids   = ["subnet-0000000000000000a", "subnet-0000000000000000b"]
  client_cidrs = ["10.40.0.0/16"]
}

run "is_private_encrypted_and_restorable_by_default" {
  module {
    source = "./postgres"
  }

  assert {
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.storage_encrypted
    error_message = "the database must be private and encrypted"
  }

  assert {
    condition     = aws_db_instance.this.multi_az && aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot
    error_message = "the database must survive the loss of a zone and a destroy"
  }

  assert {
    condition     = aws_db_instance.this.apply_immediately
    error_message = "a larger class must be there before more connections are, not in the next window of maintenance"
  }

  assert {
    condition     = aws_db_instance.this.backup_retention_period == 14 && !aws_db_instance.this.delete_automated_backups
    error_message = "the database must be restorable"
  }

  assert {
    condition     = contains([for parameter in aws_db_parameter_group.this.parameter : parameter.value if parameter.name == "rds.force_ssl"], "1")
    error_message = "TLS must be enforced"
  }

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null
    error_message = "no password may enter the state"
  }

  assert {
    condition     = output.host == "tasker.mock.invalid" && output.port == 5432 && output.admin_secret != null
    error_message = "the outputs must say where the database is"
  }

  assert {
    condition     = aws_secretsmanager_secret.app.name == "tasker/tasker_app" && aws_secretsmanager_secret.migrate.name == "tasker/tasker_migrate" && output.migrate_user == "tasker_migrate"
    error_message = "migrations must have a role and a secret of their own"
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
    condition     = contains([for parameter in aws_db_parameter_group.this.parameter : parameter.value if parameter.name == "max_connections"], "700")
    error_message = "the parameter group must say the same number"
  }
}

run "a_class_with_just_enough_memory_is_taken" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance    = "db.t4g.micro"
    connections = { servers = 1, per_server = 20, workers = 1, per_worker = 20, others = 20 }
  }
}

run "one_connection_more_is_refused" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance    = "db.t4g.micro"
    connections = { servers = 1, per_server = 20, workers = 1, per_worker = 20, others = 21 }
  }

  expect_failures = [aws_db_instance.this]
}

run "a_class_of_the_family_r_has_twice_the_memory" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance    = "db.r7g.large"
    connections = { servers = 9, per_server = 120, workers = 8, per_worker = 40, others = 30 }
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

run "one_subnet" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    subnet_ids = ["subnet-0000000000000000a", "subnet-0000000000000000a"]
  }

  expect_failures = [var.subnet_ids]
}

run "no_client" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    client_cidrs = []
  }

  expect_failures = [var.client_cidrs]
}

run "the_whole_internet_as_client" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    client_cidrs = ["10.40.0.0/16", "0.0.0.0/0"]
  }

  expect_failures = [var.client_cidrs]
}

run "a_public_range_as_client" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    client_cidrs = ["203.0.113.0/24"]
  }

  expect_failures = [var.client_cidrs]
}

run "a_private_address_with_a_range_that_is_not" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    client_cidrs = ["10.0.0.0/1"]
  }

  expect_failures = [var.client_cidrs]
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

run "no_such_instance_class" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance = "m7g.large"
  }

  expect_failures = [var.instance]
}

run "too_small_a_disk" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    storage_gib = 10
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

run "a_key_without_its_arn" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    encryption_key = "alias/mine"
  }

  expect_failures = [var.encryption_key]
}

run "a_micro_of_a_family_that_has_none" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance    = "db.m7g.micro"
    connections = { servers = 1, per_server = 20, workers = 1, per_worker = 4, others = 1 }
  }

  expect_failures = [var.instance]
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
