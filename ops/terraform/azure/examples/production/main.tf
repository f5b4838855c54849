# Survives the loss of a zone, and refuses to be destroyed.

provider "azurerm" {
  subscription_id = var.subscription

  features {
    key_vault {
      # What is deleted by mistake can be had back.
      purge_soft_delete_on_destroy          = false
      purge_soft_deleted_secrets_on_destroy = false
    }
  }
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
  labels = { application = var.name }

  connections = {
    servers    = 3
    workers    = 8
    per_worker = 40
  }
}

resource "azurerm_resource_group" "this" {
  name     = var.name
  location = var.region
  tags     = local.labels
}

# The lock of module postgres is on all of it.
resource "azurerm_resource_group" "database" {
  name     = "${var.name}-database"
  location = var.region
  tags     = local.labels
}

module "network" {
  source = "../../network"

  name           = var.name
  resource_group = azurerm_resource_group.this
  labels         = local.labels
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
  instance              = "GP_Standard_D4ds_v5"
  storage_gib           = 256
  deletion_protection   = var.deletion_protection
  backup_days           = 30
  connections           = local.connections
  labels                = local.labels
}

module "cluster" {
  source = "../../cluster"

  name              = var.name
  resource_group    = azurerm_resource_group.this
  network_id        = module.network.network_id
  subnet_ids        = module.network.subnet_ids
  api_allowed_cidrs = var.api_allowed_cidrs
  nodes             = { min = 3, max = 9 }
  labels            = local.labels
}

module "tasker" {
  source = "../../tasker"

  name           = var.name
  resource_group = azurerm_resource_group.this
  oidc_issuer    = module.cluster.oidc_issuer
  database       = module.postgres
  connections    = local.connections
  release        = var.release
  labels         = local.labels
}
