data "google_client_config" "current" {}

data "google_project" "current" {}

locals {
  service_account = split("/", var.secrets_service_account)
  # The service account of Kubernetes itself: no account of Google's stands between, and no annotation is needed.
  pool      = "projects/${data.google_project.current.number}/locations/global/workloadIdentityPools/${data.google_client_config.current.project}.svc.id.goog"
  principal = "principal://iam.googleapis.com/${local.pool}/subject/ns/${local.service_account[0]}/sa/${local.service_account[1]}"
}

resource "google_secret_manager_secret_iam_member" "secrets" {
  secret_id = var.database.app_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = local.principal
}

resource "google_secret_manager_secret_iam_member" "migrate" {
  # The secret itself may not be there yet; that there is a role is known.
  count = var.database.migrate_user == null ? 0 : 1

  secret_id = var.database.migrate_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = local.principal
}

module "values" {
  source = "../../values"

  name        = var.name
  namespace   = var.namespace
  database    = var.database
  remote_keys = { app = basename(var.database.app_secret), migrate = try(basename(var.database.migrate_secret), null) }

  store = {
    gcpsm = {
      projectID = data.google_client_config.current.project
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
