# xtask: name = "terraform-gcp"
# xtask: check = "../tools/check.py"
# xtask: inputs = ["ops/terraform/tools", "ops/terraform/values", "ops/terraform/release", "ops/terraform/README.md", "ops/terraform/aws"]
# xtask: env = ["TASKER_TERRAFORM_PROVIDERS", "TF_PLUGIN_CACHE_DIR", "TF_CLI_CONFIG_FILE"]

terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50"
    }
    helm = {
      source  = "hashicorp/helm"
      version = ">= 3.0"
    }
  }
}
