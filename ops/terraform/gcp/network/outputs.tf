output "network_id" {
  description = "The network."
  value       = google_compute_network.this.id
}

output "cidr" {
  description = "Its address range."
  value       = var.cidr
}

output "subnet_ids" {
  description = "The private subnet for nodes, with a way out."
  value       = [google_compute_subnetwork.nodes.id]
}

output "database_subnet_ids" {
  description = "The private address range for databases."
  value       = [google_compute_global_address.databases.name]

  # No database can be made before it is peered.
  depends_on = [google_service_networking_connection.databases]
}
