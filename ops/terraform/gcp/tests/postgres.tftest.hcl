mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  name       = "tasker"
  network_id = "projects/mock/global/networks/tasker"
  subnet_ids = ["tasker-databases"]
}

run "is_private_encrypted_and_restorable_by_default" {
  module {
    source = "./postgres"
  }

  assert {
    condition     = !google_sql_database_instance.this.settings[0].ip_configuration[0].ipv4_enabled && google_sql_database_instance.this.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY"
    error_message = "the database must be private, and TLS enforced"
  }

  assert {
    condition     = google_sql_database_instance.this.settings[0].availability_type == "REGIONAL" && google_sql_database_instance.this.deletion_protection && google_sql_database_instance.this.settings[0].deletion_protection_enabled
    error_message = "the database must survive the loss of a zone and a destroy"
  }

  assert {
    condition     = google_sql_database_instance.this.settings[0].backup_configuration[0].point_in_time_recovery_enabled && google_sql_database_instance.this.settings[0].backup_configuration[0].backup_retention_settings[0].retained_backups == 14
    error_message = "the database must be restorable"
  }

  assert {
    condition     = toset([for flag in google_sql_database_instance.this.settings[0].database_flags : flag.name if flag.value == "on"]) == toset(["log_checkpoints", "log_connections", "log_disconnections", "log_lock_waits"])
    error_message = "it must be logged who connects, and what waits"
  }

  assert {
    condition     = google_sql_database_instance.this.root_password == null
    error_message = "no password may enter the state"
  }

  assert {
    condition     = output.host == "10.40.192.3" && output.port == 5432 && google_secret_manager_secret.this["tasker_migrate"].secret_id == "tasker-tasker-migrate"
    error_message = "the outputs must say where the database is"
  }
}

run "two_ranges" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    subnet_ids = ["a", "b"]
  }

  expect_failures = [var.subnet_ids]
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
    condition     = contains([for flag in google_sql_database_instance.this.settings[0].database_flags : flag.value if flag.name == "max_connections"], "700")
    error_message = "the flags must say the same number"
  }
}

run "a_class_with_just_enough_memory_is_taken" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance    = "db-custom-1-3840"
    connections = { servers = 1, per_server = 100, workers = 1, per_worker = 60, others = 55 }
  }
}

run "one_connection_more_is_refused" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance    = "db-custom-1-3840"
    connections = { servers = 1, per_server = 100, workers = 1, per_worker = 60, others = 56 }
  }

  expect_failures = [google_sql_database_instance.this]
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
    instance = "db-f1-micro"
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

run "a_key_without_its_ring" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    encryption_key = "mine"
  }

  expect_failures = [var.encryption_key]
}

run "labels_with_a_capital" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    labels = { Team = "orders" }
  }

  expect_failures = [var.labels]
}

run "a_label_whose_value_has_a_capital" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    labels = { team = "Orders" }
  }

  expect_failures = [var.labels]
}

run "an_odd_number_of_cpus" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance    = "db-custom-3-12288"
    connections = { servers = 1, per_server = 20, workers = 1, per_worker = 4, others = 1 }
  }

  expect_failures = [var.instance]
}

run "too_little_memory_for_its_cpus" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance    = "db-custom-8-4096"
    connections = { servers = 1, per_server = 20, workers = 1, per_worker = 4, others = 1 }
  }

  expect_failures = [var.instance]
}

run "too_much_memory_for_its_cpu" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance    = "db-custom-1-6912"
    connections = { servers = 1, per_server = 20, workers = 1, per_worker = 4, others = 1 }
  }

  expect_failures = [var.instance]
}

run "less_memory_than_any_server_has" {
  command = plan

  module {
    source = "./postgres"
  }

  variables {
    instance    = "db-custom-1-3584"
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
