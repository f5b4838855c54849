# xtask: name = "terraform-azure"
# xtask: check = "../tools/check.py"
# xtask: inputs = ["ops/terraform/tools", "ops/terraform/values", "ops/terraform/release", "ops/terraform/README.md", "ops/terraform/aws", "ops/terraform/gcp"]
# xtask: env = ["TASKER_TERRAFORM_PROVIDERS", "TF_PLUGIN_CACHE_DIR", "TF_CLI_CONFIG_FILE"]

terraform {
  required_version = ">= 1.11"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.55, < 5.0"
    }
    helm = {
      source  = "hashicorp/helm"
      version = ">= 3.0"
    }
  }
}
