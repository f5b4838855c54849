mock_provider "azurerm" {
  source = "./tests/mocks"
}

mock_provider "helm" {}

variables {
  subscription = "00000000-0000-0000-0000-000000000000"
  name         = "contoso-tasker"
  passwords = {
    admin   = "A0123456789abcdef0123456789abcdef"
    app     = "Afedcba9876543210fedcba9876543210"
    migrate = "Acba9876543210fedcba9876543210fed"
  }
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
    condition     = output.postgres.max_connections == 185
    error_message = "two servers of 65, two workers of 20 and 15 others need 185 connections"
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

# What the policy must hold for, too: an API that one address reaches, and workers that KEDA scales.
run "production_reached_from_one_address" {
  module {
    source = "./examples/production"
  }

  variables {
    api_allowed_cidrs = ["203.0.113.7/32"]
    release = {
      charts  = "oci://registry.mock.invalid/charts"
      version = "0.1.0"
      image   = "registry.mock.invalid/tasker-server:0.1.0"
      workers = {
        orders = {
          image  = "registry.mock.invalid/orders:1.0.0"
          most   = 8
          values = "{ namespaces: [orders], keda: { enabled: true, minReplicas: 0 } }"
        }
      }
    }
  }

  assert {
    condition     = startswith(output.connect, "az aks")
    error_message = "whoever is named reaches the cluster's API"
  }
}
