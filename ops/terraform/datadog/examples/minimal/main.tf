# DD_API_KEY and DD_APP_KEY say whose account it is, and DD_HOST on which site of Datadog.
provider "datadog" {}

module "monitors" {
  source = "../.."

  notify     = { critical = ["@pagerduty-Tasker"], warning = ["@slack-tasker"] }
  tags       = ["team:orders"]
  cluster    = var.cluster
  thresholds = { TaskerTasksSlow = 30 }
}
