mock_data "google_client_config" {
  defaults = {
    project = "mock"
    region  = "europe-west3"
  }
}

mock_data "google_project" {
  defaults = {
    number = "111122223333"
  }
}

mock_resource "google_sql_database_instance" {
  defaults = {
    private_ip_address = "10.40.192.3"
  }
}

mock_resource "google_secret_manager_secret" {
  defaults = {
    id = "projects/mock/secrets/mock"
  }
}

mock_resource "google_container_cluster" {
  defaults = {
    endpoint = "10.40.144.2"
  }
}
