data "google_client_config" "current" {}

# Autopilot: Google runs the nodes, pods have workload identity, and network policies take effect.
resource "google_container_cluster" "this" {
  name                = var.name
  location            = data.google_client_config.current.region
  enable_autopilot    = true
  min_master_version  = var.kubernetes_version
  network             = var.network_id
  subnetwork          = one(var.subnet_ids)
  deletion_protection = var.deletion_protection
  resource_labels     = var.labels

  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = length(var.api_allowed_cidrs) == 0
  }

  master_authorized_networks_config {
    gcp_public_cidrs_access_enabled = false

    dynamic "cidr_blocks" {
      for_each = toset(var.api_allowed_cidrs)

      content {
        cidr_block = cidr_blocks.value
      }
    }
  }

  release_channel {
    channel = "REGULAR"
  }

  dynamic "database_encryption" {
    for_each = var.encryption_key[*]

    content {
      state    = "ENCRYPTED"
      key_name = database_encryption.value
    }
  }
}
