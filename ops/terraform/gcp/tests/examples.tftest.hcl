mock_provider "google" {
  source = "./tests/mocks"
}

mock_provider "helm" {}

variables {
  project = "mock"
}

run "minimal" {
  module {
    source = "./examples/minimal"
  }

  variables {
    release = {
      charts  = "oci://registry.mock.invalid/charts"
      version = "0.1.0"
      image   = "registry.mock.invalid/tasker-server:0.1.0"
      workers = { orders = { image = "registry.mock.invalid/orders:1.0.0", most = 1 } }
    }
  }

  assert {
    condition     = yamldecode(output.helm_values).database.host == output.postgres.host && yamldecode(output.server_values).migration.database.user == output.postgres.migrate_user
    error_message = "the charts must get the database of the module postgres"
  }

  assert {
    condition     = output.postgres.max_connections == 100
    error_message = "one server and one worker need 100 connections"
  }
}

run "production" {
  module {
    source = "./examples/production"
  }

  variables {
    release = {
      charts  = "oci://registry.mock.invalid/charts"
      version = "0.1.0"
      image   = "registry.mock.invalid/tasker-server:0.1.0"
      workers = { orders = { image = "registry.mock.invalid/orders:1.0.0", most = 8 } }
    }
  }

  assert {
    condition     = yamldecode(output.helm_values).database.host == output.postgres.host && yamldecode(output.server_values).migration.database.user == output.postgres.migrate_user
    error_message = "the charts must get the database of the module postgres"
  }
}
