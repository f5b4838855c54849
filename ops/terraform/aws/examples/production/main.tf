# Survives the loss of a zone: a standby of the database, nodes and ways out in three zones, one key of yours for everything that is stored.

provider "aws" {
  region = var.region

  default_tags {
    tags = { application = var.name }
  }
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

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "key" {
  statement {
    sid       = "Account"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }
}

resource "aws_kms_key" "this" {
  description             = "Everything that ${var.name} stores"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
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
  client_cidrs        = [module.network.cidr]
  instance            = "db.m7g.large"
  storage_gib         = 200
  backup_days         = 30
  deletion_protection = var.deletion_protection
  connections         = local.connections
  encryption_key      = aws_kms_key.this.arn
}

module "cluster" {
  source = "../../cluster"

  name              = var.name
  network_id        = module.network.network_id
  subnet_ids        = module.network.subnet_ids
  api_allowed_cidrs = var.api_allowed_cidrs
  nodes             = { min = 3, max = 9 }
  encryption_key    = aws_kms_key.this.arn
}

module "tasker" {
  source = "../../tasker"

  name           = var.name
  cluster_name   = module.cluster.cluster_name
  database       = module.postgres
  connections    = local.connections
  release        = var.release
  encryption_key = aws_kms_key.this.arn
}
