# xtask: name = "terraform-aws"
# xtask: check = "../tools/check.py"
# xtask: inputs = ["ops/terraform/tools", "ops/terraform/values", "ops/terraform/release", "ops/terraform/README.md", "ops/terraform/gcp"]
# xtask: env = ["TASKER_TERRAFORM_PROVIDERS", "TF_PLUGIN_CACHE_DIR", "TF_CLI_CONFIG_FILE"]

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100"
    }
    helm = {
      source  = "hashicorp/helm"
      version = ">= 3.0"
    }
  }
}
