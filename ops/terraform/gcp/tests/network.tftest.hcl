mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  name = "tasker"
}

run "ranges_do_not_overlap" {
  module {
    source = "./network"
  }

  assert {
    condition     = google_compute_subnetwork.nodes.ip_cidr_range == "10.40.128.0/20" && google_compute_global_address.databases.address == "10.40.192.0" && google_compute_global_address.databases.prefix_length == 20
    error_message = "the ranges of nodes and databases must not move"
  }

  assert {
    condition     = [for range in google_compute_subnetwork.nodes.secondary_ip_range : range.ip_cidr_range] == ["10.40.0.0/17", "10.40.144.0/20"]
    error_message = "the ranges of pods and services must not move"
  }

  assert {
    condition     = !google_compute_network.this.auto_create_subnetworks && google_compute_subnetwork.nodes.private_ip_google_access
    error_message = "there must be no other subnets, and nodes must reach Google's services without a public address"
  }
}

run "a_public_range" {
  command = plan

  module {
    source = "./network"
  }

  variables {
    cidr = "172.32.0.0/16"
  }

  expect_failures = [var.cidr]
}

run "too_small_a_range" {
  command = plan

  module {
    source = "./network"
  }

  variables {
    cidr = "10.0.0.0/24"
  }

  expect_failures = [var.cidr]
}

run "name_that_ends_with_a_hyphen" {
  command = plan

  module {
    source = "./network"
  }

  variables {
    name = "tasker-"
  }

  expect_failures = [var.name]
}
