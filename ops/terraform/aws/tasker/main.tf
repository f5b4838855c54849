data "aws_region" "current" {}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "read" {
  statement {
    actions   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    resources = compact([var.database.app_secret, var.database.migrate_secret])
  }

  dynamic "statement" {
    for_each = var.encryption_key[*]

    content {
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role" "secrets" {
  name               = "${var.name}-secrets"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = var.labels
}

resource "aws_iam_role_policy" "secrets" {
  name   = "read"
  role   = aws_iam_role.secrets.id
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_eks_pod_identity_association" "secrets" {
  cluster_name    = var.cluster_name
  namespace       = split("/", var.secrets_service_account)[0]
  service_account = split("/", var.secrets_service_account)[1]
  role_arn        = aws_iam_role.secrets.arn
  tags            = var.labels
}

module "values" {
  source = "../../values"

  name        = var.name
  namespace   = var.namespace
  database    = var.database
  remote_keys = { app = var.database.app_secret, migrate = var.database.migrate_secret }

  store = {
    aws = {
      service = "SecretsManager"
      region  = data.aws_region.current.name
    }
  }
}

module "release" {
  source = "../../release"
  count  = var.release == null ? 0 : 1

  name          = var.name
  namespace     = var.namespace
  helm_values   = module.values.helm_values
  server_values = module.values.server_values
  connections   = var.connections
  release       = var.release
}
