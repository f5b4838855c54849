mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  name       = "tasker"
  network_id = "projects/mock/global/networks/tasker"
  subnet_ids = ["projects/mock/regions/europe-west3/subnetworks/tasker-nodes"]
}

run "its_api_is_private_by_default" {
  module {
    source = "./cluster"
  }

  assert {
    condition     = google_container_cluster.this.private_cluster_config[0].enable_private_endpoint && google_container_cluster.this.private_cluster_config[0].enable_private_nodes
    error_message = "the API must be reachable from the network only, and nodes have private addresses"
  }

  assert {
    condition     = google_container_cluster.this.deletion_protection
    error_message = "the cluster must refuse to be destroyed"
  }

  assert {
    condition     = output.connect == "gcloud container clusters get-credentials tasker --region europe-west3 --project mock"
    error_message = "the command to connect must name the cluster, its region and its project"
  }
}

run "whoever_is_named_reaches_the_api" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    api_allowed_cidrs = ["203.0.113.7/32"]
  }

  assert {
    condition     = !google_container_cluster.this.private_cluster_config[0].enable_private_endpoint && [for block in google_container_cluster.this.master_authorized_networks_config[0].cidr_blocks : block.cidr_block] == ["203.0.113.7/32"]
    error_message = "only the named range may reach the API"
  }
}

run "cluster_without_a_subnet" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    subnet_ids = []
  }

  expect_failures = [var.subnet_ids]
}

run "the_whole_internet_at_the_api" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    api_allowed_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.api_allowed_cidrs]
}

run "half_of_the_internet_at_the_api" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    api_allowed_cidrs = ["0.0.0.0/1", "128.0.0.0/1"]
  }

  expect_failures = [var.api_allowed_cidrs]
}

run "kubernetes_with_a_patch_version" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    kubernetes_version = "1.35.1"
  }

  expect_failures = [var.kubernetes_version]
}

run "cluster_key_without_its_ring" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    encryption_key = "mine"
  }

  expect_failures = [var.encryption_key]
}

run "a_kubernetes_out_of_standard_support" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    kubernetes_version = "1.33"
  }

  expect_failures = [var.kubernetes_version]
}

run "labels_with_a_capital" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    labels = { Team = "orders" }
  }

  expect_failures = [var.labels]
}

run "a_label_whose_value_has_a_capital" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    labels = { team = "Orders" }
  }

  expect_failures = [var.labels]
}

run "name_with_a_capital" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    name = "Tasker"
  }

  expect_failures = [var.name]
}
