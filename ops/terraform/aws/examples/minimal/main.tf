# To try Tasker: one zone is enough for everything, nothing is kept for long, and `terraform destroy` removes all of it.

provider "aws" {
  region = var.region
}

provider "helm" {
  kubernetes = {
    host                   = module.cluster.endpoint
    cluster_ca_certificate = base64decode(module.cluster.ca_certificate)

    exec = {
      api_version = "client.authentication.k8s.io/v1beta1"
      command     = "aws"
      args        = ["eks", "get-token", "--cluster-name", module.cluster.cluster_name, "--region", var.region]
    }
  }
}

locals {
  connections = {
    servers    = 1
    per_server = 65
    workers    = 1
    per_worker = 20
    others     = 15
  }
}

module "network" {
  source = "../../network"

  name              = var.name
  zones             = 2
  high_availability = false
}

module "postgres" {
  source = "../../postgres"

  name                = var.name
  network_id          = module.network.network_id
  subnet_ids          = module.network.database_subnet_ids
  client_cidrs        = [module.network.cidr]
  instance            = "db.t4g.small"
  storage_gib         = 20
  high_availability   = false
  deletion_protection = false
  backup_days         = 7
  connections         = local.connections
}

module "cluster" {
  source = "../../cluster"

  name              = var.name
  network_id        = module.network.network_id
  subnet_ids        = module.network.subnet_ids
  api_allowed_cidrs = var.api_allowed_cidrs
  node_size         = "t4g.medium"
  nodes             = { min = 2, max = 2 }
}

module "tasker" {
  source = "../../tasker"

  name         = var.name
  cluster_name = module.cluster.cluster_name
  database     = module.postgres
  connections  = local.connections
  release      = var.release
}
