output "cluster_name" {
  description = "The cluster's name."
  value       = google_container_cluster.this.name
}

output "endpoint" {
  description = "The address of its API."
  value       = "https://${google_container_cluster.this.endpoint}"
}

output "ca_certificate" {
  description = "The certificate that signs the API's, in base64."
  value       = one(google_container_cluster.this.master_auth[*].cluster_ca_certificate)
}

output "connect" {
  description = "The command that adds the cluster to kubectl's configuration."
  value       = "gcloud container clusters get-credentials ${google_container_cluster.this.name} --region ${data.google_client_config.current.region} --project ${data.google_client_config.current.project}"
}
