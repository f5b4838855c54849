# Survives the loss of a zone, and refuses to be destroyed.

provider "google" {
  project = var.project
  region  = var.region

  default_labels = { application = var.name }
}

provider "helm" {
  kubernetes = {
    host                   = module.cluster.endpoint
    cluster_ca_certificate = base64decode(module.cluster.ca_certificate)

    exec = {
      api_version = "client.authentication.k8s.io/v1beta1"
      command     = "gke-gcloud-auth-plugin"
    }
  }
}

locals {
  connections = {
    servers    = 3
    workers    = 8
    per_worker = 40
  }
}

module "network" {
  source = "../../network"

  name = var.name
}

module "postgres" {
  source = "../../postgres"

  name                = var.name
  network_id          = module.network.network_id
  subnet_ids          = module.network.database_subnet_ids
  instance            = "db-custom-4-16384"
  storage_gib         = 200
  backup_days         = 30
  deletion_protection = var.deletion_protection
  connections         = local.connections
}

module "cluster" {
  source = "../../cluster"

  name                = var.name
  network_id          = module.network.network_id
  subnet_ids          = module.network.subnet_ids
  api_allowed_cidrs   = var.api_allowed_cidrs
  deletion_protection = var.deletion_protection
}

module "tasker" {
  source = "../../tasker"

  name        = var.name
  database    = module.postgres
  connections = local.connections
  release     = var.release
}
