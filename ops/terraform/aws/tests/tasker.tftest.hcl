mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "helm" {}

variables {
  name         = "tasker"
  cluster_name = "tasker"
  database = {
    host            = "db.mock.invalid"
    app_secret      = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:tasker/tasker_app-AbCdEf"
    max_connections = 580
  }
}

run "renders_values_and_where_the_password_is" {
  module {
    source = "./tasker"
  }

  assert {
    condition     = yamldecode(output.helm_values).database.host == "db.mock.invalid" && yamldecode(output.helm_values).database.existingSecret.name == "tasker-database"
    error_message = "the values must name the database and the secret"
  }

  assert {
    condition     = [for part in split("---\n", output.secret_manifests) : yamldecode(part).kind] == ["SecretStore", "ExternalSecret"]
    error_message = "External Secrets needs a store and a secret"
  }

  assert {
    condition     = aws_eks_pod_identity_association.secrets.namespace == "external-secrets" && aws_eks_pod_identity_association.secrets.service_account == "external-secrets"
    error_message = "only External Secrets may read the password"
  }

  assert {
    condition     = output.api_url == null
    error_message = "nothing may be installed unless it is asked for"
  }
}

run "one_role_migrates_if_there_is_no_other" {
  module {
    source = "./tasker"
  }

  assert {
    condition     = yamldecode(output.server_values) == {} && length(split("---\n", output.secret_manifests)) == 2 && length(data.aws_iam_policy_document.read.statement[0].resources) == 1
    error_message = "nobody may read what is not there"
  }
}

run "migrations_have_a_role_of_their_own" {
  module {
    source = "./tasker"
  }

  variables {
    database = {
      host            = "db.mock.invalid"
      app_secret      = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:tasker/tasker_app-AbCdEf"
      migrate_user    = "tasker_migrate"
      migrate_secret  = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:tasker/tasker_migrate-AbCdEf"
      max_connections = 580
    }
  }

  assert {
    condition     = yamldecode(output.server_values).migration.database == { user = "tasker_migrate", existingSecret = { name = "tasker-migrate", passwordKey = "password" } }
    error_message = "the server's chart must migrate as that role"
  }

  assert {
    condition     = yamldecode(output.helm_values).database.user == "tasker_app" && !can(yamldecode(output.helm_values).migration)
    error_message = "servers and workers must not have it"
  }

  assert {
    condition     = { for part in split("---\n", output.secret_manifests) : yamldecode(part).metadata.name => try(yamldecode(part).spec.data[0].remoteRef.key, "") } == { tasker = "", tasker-database = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:tasker/tasker_app-AbCdEf", tasker-migrate = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:tasker/tasker_migrate-AbCdEf" }
    error_message = "External Secrets must bring both passwords"
  }

  assert {
    condition     = data.aws_iam_policy_document.read.statement[0].resources == toset([var.database.app_secret, var.database.migrate_secret])
    error_message = "External Secrets may read both passwords, and nothing else"
  }
}

run "a_role_that_migrates_without_its_password" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    database = {
      host            = "db.mock.invalid"
      app_secret      = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:tasker/tasker_app-AbCdEf"
      migrate_user    = "tasker_migrate"
      max_connections = 580
    }
  }

  expect_failures = [var.database]
}

run "more_connections_than_the_database_accepts" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    connections = { workers = 40 }
  }

  expect_failures = [var.connections]
}

run "a_database_without_tls" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    database = {
      host             = "db.mock.invalid"
      app_secret       = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:tasker/tasker_app-AbCdEf"
      max_connections  = 580
      database_options = "sslmode=prefer"
    }
  }

  expect_failures = [var.database]
}

run "a_namespace_of_kubernetes" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    namespace = "kube-system"
  }

  expect_failures = [var.namespace]
}

run "a_service_account_without_its_namespace" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    secrets_service_account = "external-secrets"
  }

  expect_failures = [var.secrets_service_account]
}

run "charts_of_a_registry_without_a_version" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    release = {
      charts = "oci://registry.mock.invalid/charts"
      image  = "registry.mock.invalid/tasker-server:0.1.0"
    }
  }

  expect_failures = [var.release]
}

run "charts_at_an_address_that_helm_cannot_use" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    release = {
      charts = "https://charts.mock.invalid"
      image  = "registry.mock.invalid/tasker-server:0.1.0"
    }
  }

  expect_failures = [var.release]
}

run "an_image_without_a_tag" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    release = {
      charts = "../../helm"
      image  = "localhost:5000/tasker-server"
    }
  }

  expect_failures = [var.release]
}

run "a_worker_whose_name_no_release_can_have" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    release = {
      charts  = "../../helm"
      image   = "registry.mock.invalid/tasker-server:0.1.0"
      workers = { Orders = { image = "registry.mock.invalid/orders:1.0.0" } }
    }
  }

  expect_failures = [var.release]
}

run "more_workers_than_connections_says" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    release = {
      charts  = "../../helm"
      image   = "registry.mock.invalid/tasker-server:0.1.0"
      workers = { orders = { image = "registry.mock.invalid/orders:1.0.0", most = 5 } }
    }
  }

  expect_failures = [var.release]
}

run "values_that_are_no_yaml_of_a_chart" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    release = {
      charts = "../../helm"
      image  = "registry.mock.invalid/tasker-server:0.1.0"
      values = "recovery.enabled"
    }
  }

  expect_failures = [var.release]
}

run "no_workers" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    connections = { workers = 0 }
  }

  expect_failures = [var.connections]
}

run "fewer_servers_than_none" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    connections = { servers = -1 }
  }

  expect_failures = [var.connections]
}

run "half_a_connection" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    connections = { per_worker = 20.5 }
  }

  expect_failures = [var.connections]
}

run "no_applications" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    connections = { applications = 0 }
  }

  expect_failures = [var.connections]
}

run "a_worker_without_a_pool" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    connections = { per_worker = 3 }
  }

  expect_failures = [var.connections]
}

run "a_server_that_stops_answering" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    connections = { per_server = 19 }
  }

  expect_failures = [var.connections]
}

run "more_applications_than_connections_says" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    release = {
      charts  = "../../helm"
      image   = "registry.mock.invalid/tasker-server:0.1.0"
      workers = { orders = { image = "registry.mock.invalid/orders:1.0.0", most = 1 }, invoices = { image = "registry.mock.invalid/orders:1.0.0", most = 1 } }
    }
  }

  expect_failures = [var.release]
}

run "name_with_a_capital" {
  command = plan

  module {
    source = "./tasker"
  }

  variables {
    name = "Tasker"
  }

  expect_failures = [var.name]
}
