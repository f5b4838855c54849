# To try Tasker: one zone is enough for everything, and `terraform destroy` removes all of it.

provider "azurerm" {
  subscription_id = var.subscription

  features {}
}

provider "helm" {
  kubernetes = {
    host                   = module.cluster.endpoint
    cluster_ca_certificate = base64decode(module.cluster.ca_certificate)

    exec = {
      api_version = "client.authentication.k8s.io/v1beta1"
      # The server is AKS, whatever the cluster.
      command = "kubelogin"
      args    = ["get-token", "--login", "azurecli", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"]
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

resource "azurerm_resource_group" "this" {
  name     = var.name
  location = var.region
}

resource "azurerm_resource_group" "database" {
  name     = "${var.name}-database"
  location = var.region
}

module "network" {
  source = "../../network"

  name           = var.name
  resource_group = azurerm_resource_group.this
}

module "postgres" {
  source = "../../postgres"

  name                  = var.name
  resource_group        = azurerm_resource_group.database
  network_id            = module.network.network_id
  subnet_ids            = module.network.database_subnet_ids
  secrets_subnet_ids    = module.network.subnet_ids
  secrets_allowed_cidrs = var.api_allowed_cidrs
  passwords             = var.passwords
  passwords_version     = var.passwords_version
  instance              = "B_Standard_B2s"
  storage_gib           = 32
  high_availability     = false
  deletion_protection   = false
  purge_protection      = false
  backup_days           = 7
  connections           = local.connections
}

module "cluster" {
  source = "../../cluster"

  name              = var.name
  resource_group    = azurerm_resource_group.this
  network_id        = module.network.network_id
  subnet_ids        = module.network.subnet_ids
  api_allowed_cidrs = var.api_allowed_cidrs
  high_availability = false
  nodes             = { min = 2, max = 2 }
}

module "tasker" {
  source = "../../tasker"

  name           = var.name
  resource_group = azurerm_resource_group.this
  oidc_issuer    = module.cluster.oidc_issuer
  database       = module.postgres
  connections    = local.connections
  release        = var.release
}
