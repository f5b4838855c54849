# The module release is the same on all clouds. It is tested here, where tests are quickest.

mock_provider "helm" {}

variables {
  name          = "orders"
  namespace     = "tasker"
  helm_values   = "database: { host: db.mock.invalid }"
  server_values = "migration: { database: { user: tasker_migrate } }"
  connections   = { servers = 3, per_server = 95, per_worker = 28 }
  release = {
    charts = "../../helm"
    image  = "localhost:5000/tasker-server:0.1.0"
    values = "recovery: { enabled: true }"
    workers = {
      api = {
        image  = "registry.mock.invalid/api:1.0.0@sha256:0000000000000000000000000000000000000000000000000000000000000000"
        most   = 4
        values = "extraEnv: [{ name: RAILS_ENV, value: production }]"
      }
      one = { image = "registry.mock.invalid/one@sha256:0000000000000000000000000000000000000000000000000000000000000000", most = 1 }
    }
  }
}

run "installs_the_charts" {
  module {
    source = "../release"
  }

  assert {
    condition = [for values in helm_release.server.values : yamldecode(values)] == [
      yamldecode(var.helm_values),
      yamldecode(var.server_values),
      yamldecode(var.release.values),
      {
        autoscaling = { enabled = true, maxReplicas = 3, minReplicas = 2 }
        config = {
          common        = { database = { pool = { max_connections = 60 } } }
          orchestration = { web = { database_pools = { web_api_max_connections = 30 } } }
        }
        image    = { digest = "", repository = "localhost:5000/tasker-server", tag = "0.1.0" }
        replicas = 2
      },
    ]
    error_message = "the server's values must be those of the database, then who migrates, then yours, and last what keeps it within the connections: ${jsonencode(helm_release.server.values)}"
  }

  assert {
    condition     = helm_release.server.chart == "../../helm/tasker-orchestration" && helm_release.workers["api"].chart == "../../helm/tasker-worker" && helm_release.server.namespace == "tasker"
    error_message = "the charts are the server's and the workers'"
  }

  assert {
    condition     = { for name, release in helm_release.workers : name => [release.name, yamldecode(reverse(release.values)[0]).autoscaling.maxReplicas, yamldecode(reverse(release.values)[0]).autoscaling.minReplicas, yamldecode(reverse(release.values)[0]).autoscaling.enabled] } == { api = ["orders-api", 4, 2, true], one = ["orders-one", 1, 1, false] }
    error_message = "a worker has no more pods than it may have, and none of several needs an autoscaler"
  }

  assert {
    condition     = yamldecode(helm_release.workers["api"].values[3]).image == { digest = "sha256:${join("", [for _ in range(64) : "0"])}", repository = "registry.mock.invalid/api", tag = "1.0.0" } && yamldecode(helm_release.workers["one"].values[2]).image.tag == ""
    error_message = "an image may have a digest, with or without a tag"
  }

  assert {
    condition     = yamldecode(helm_release.workers["api"].values[1]).orchestrationUrl == "http://api-orders-tasker-orchestration:8080" && output.api_url == "http://api-orders-tasker-orchestration:8080"
    error_message = "workers must know the server's Service"
  }
}

run "workers_have_pools_within_the_connections" {
  command = plan

  module {
    source = "../release"
  }

  assert {
    condition     = yamldecode(helm_release.workers["api"].values[3]).extraEnv == [{ name = "RAILS_ENV", value = "production" }, { name = "TASKER_DATABASE__POOL_SIZE", value = "25" }]
    error_message = "a worker of 28 connections has a pool of 25, and keeps the variables that it was given"
  }

  assert {
    condition     = yamldecode(helm_release.workers["one"].values[2]).extraEnv == [{ name = "TASKER_DATABASE__POOL_SIZE", value = "25" }]
    error_message = "a worker of 28 connections has a pool of 25"
  }
}

run "the_smallest_server_has_the_smallest_pools" {
  command = plan

  module {
    source = "../release"
  }

  variables {
    connections = { servers = 1, per_server = 20, per_worker = 4 }
  }

  assert {
    condition = yamldecode(helm_release.server.values[3]).config == {
      common        = { database = { pool = { max_connections = 10 } } }
      orchestration = { web = { database_pools = { web_api_max_connections = 5 } } }
    }
    error_message = "10, 5 and 5 for listening are 20"
  }
}

run "keda_scales_instead_of_the_autoscaler" {
  command = plan

  module {
    source = "../release"
  }

  variables {
    release = {
      charts = "../../helm"
      image  = "localhost:5000/tasker-server:0.1.0"
      workers = {
        api = { image = "registry.mock.invalid/api:1.0.0", most = 4, values = "{ namespaces: [orders], keda: { enabled: true, minReplicas: 0 } }" }
        one = { image = "registry.mock.invalid/one:1.0.0", most = 4, values = "keda: { enabled: false }" }
      }
    }
  }

  assert {
    condition     = !yamldecode(helm_release.workers["api"].values[3]).autoscaling.enabled && yamldecode(helm_release.workers["api"].values[3]).keda == { maxReplicas = 4 }
    error_message = "of two autoscalers the chart takes none, and KEDA's may not start more than there are connections for"
  }

  assert {
    condition     = yamldecode(helm_release.workers["one"].values[3]).autoscaling.enabled && !can(yamldecode(helm_release.workers["one"].values[3]).keda)
    error_message = "without KEDA there is the autoscaler"
  }
}

run "a_name_that_holds_the_charts" {
  command = plan

  module {
    source = "../release"
  }

  variables {
    name = "tasker-orchestration"
  }

  assert {
    condition     = output.api_url == "http://api-tasker-orchestration:8080"
    error_message = "the chart does not repeat its name"
  }
}

run "replicas_in_values" {
  command = plan

  module {
    source = "../release"
  }

  variables {
    release = {
      charts = "../../helm"
      image  = "localhost:5000/tasker-server:0.1.0"
      values = "replicas: 9"
    }
  }

  expect_failures = [var.release]
}

run "an_autoscaler_in_values" {
  command = plan

  module {
    source = "../release"
  }

  variables {
    release = {
      charts  = "../../helm"
      image   = "localhost:5000/tasker-server:0.1.0"
      workers = { api = { image = "registry.mock.invalid/api:1.0.0", values = "autoscaling: { enabled: true, maxReplicas: 50 }" } }
    }
  }

  expect_failures = [var.release]
}

run "more_pods_of_keda_in_values" {
  command = plan

  module {
    source = "../release"
  }

  variables {
    release = {
      charts  = "../../helm"
      image   = "localhost:5000/tasker-server:0.1.0"
      workers = { api = { image = "registry.mock.invalid/api:1.0.0", values = "{ namespaces: [orders], keda: { enabled: true, maxReplicas: 50 } }" } }
    }
  }

  expect_failures = [var.release]
}

run "a_pool_of_the_server_in_values" {
  command = plan

  module {
    source = "../release"
  }

  variables {
    release = {
      charts = "../../helm"
      image  = "localhost:5000/tasker-server:0.1.0"
      values = "config: { common: { database: { pool: { max_connections: 500 } } } }"
    }
  }

  expect_failures = [var.release]
}

run "a_pool_of_the_api_in_values" {
  command = plan

  module {
    source = "../release"
  }

  variables {
    release = {
      charts = "../../helm"
      image  = "localhost:5000/tasker-server:0.1.0"
      values = "config: { orchestration: { web: { database_pools: { web_api_max_connections: 500 } } } }"
    }
  }

  expect_failures = [var.release]
}

run "a_pool_of_a_worker_in_values" {
  command = plan

  module {
    source = "../release"
  }

  variables {
    release = {
      charts  = "../../helm"
      image   = "localhost:5000/tasker-server:0.1.0"
      workers = { api = { image = "registry.mock.invalid/api:1.0.0", values = "extraEnv: [{ name: TASKER_DATABASE__POOL_SIZE, value: \"500\" }]" } }
    }
  }

  expect_failures = [var.release]
}

run "an_image_in_values" {
  command = plan

  module {
    source = "../release"
  }

  variables {
    release = {
      charts = "../../helm"
      image  = "localhost:5000/tasker-server:0.1.0"
      values = "image: { tag: latest }"
    }
  }

  expect_failures = [var.release]
}
