# The module release is the same on all clouds. It is tested here, where tests are quickest.

mock_provider "helm" {}

variables {
  name          = "orders"
  namespace     = "tasker"
  helm_values   = "database: { host: db.mock.invalid }"
  server_values = "migration: { database: { user: tasker_migrate } }"
  servers       = 3
  release = {
    charts = "../../helm"
    image  = "localhost:5000/tasker-server:0.1.0"
    values = "recovery: { enabled: true }"
    workers = {
      api = { image = "registry.mock.invalid/api:1.0.0@sha256:0000000000000000000000000000000000000000000000000000000000000000", most = 4 }
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
      {
        autoscaling = { enabled = true, maxReplicas = 3, minReplicas = 2 }
        image       = { digest = "", repository = "localhost:5000/tasker-server", tag = "0.1.0" }
        replicas    = 2
      },
      yamldecode(var.release.values),
    ]
    error_message = "the server's values must be those of the database, then who migrates, then its own, and yours last: ${jsonencode(helm_release.server.values)}"
  }

  assert {
    condition     = helm_release.server.chart == "../../helm/tasker-orchestration" && helm_release.workers["api"].chart == "../../helm/tasker-worker" && helm_release.server.namespace == "tasker"
    error_message = "the charts are the server's and the workers'"
  }

  assert {
    condition     = { for name, release in helm_release.workers : name => [release.name, yamldecode(release.values[1]).autoscaling.maxReplicas, yamldecode(release.values[1]).autoscaling.minReplicas, yamldecode(release.values[1]).autoscaling.enabled] } == { api = ["orders-api", 4, 2, true], one = ["orders-one", 1, 1, false] }
    error_message = "a worker has no more pods than it may have, and none of several needs an autoscaler"
  }

  assert {
    condition     = yamldecode(helm_release.workers["api"].values[1]).image == { digest = "sha256:${join("", [for _ in range(64) : "0"])}", repository = "registry.mock.invalid/api", tag = "1.0.0" } && yamldecode(helm_release.workers["one"].values[1]).image.tag == ""
    error_message = "an image may have a digest, with or without a tag"
  }

  assert {
    condition     = yamldecode(helm_release.workers["api"].values[2]).orchestrationUrl == "http://api-orders-tasker-orchestration:8080" && output.api_url == "http://api-orders-tasker-orchestration:8080"
    error_message = "workers must know the server's Service"
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
