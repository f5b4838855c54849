# xtask: name = "terraform-datadog"
# xtask: check = "../tools/check.py"
# xtask: inputs = ["ops/terraform/tools", "ops/terraform/README.md", "ops/monitoring/datadog-monitors"]

terraform {
  required_version = ">= 1.9"

  required_providers {
    datadog = {
      source  = "DataDog/datadog"
      version = ">= 3.82"
    }
  }
}
