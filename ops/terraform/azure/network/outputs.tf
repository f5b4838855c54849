output "network_id" {
  description = "The network."
  value       = azurerm_virtual_network.this.id
}

output "cidr" {
  description = "Its address range."
  value       = var.cidr
}

output "subnet_ids" {
  description = "The private subnet for nodes; they go out through the cluster's load balancer."
  value       = [azurerm_subnet.nodes.id]
}

output "database_subnet_ids" {
  description = "The private subnet for databases, without a way out."
  value       = [azurerm_subnet.databases.id]

  # No database is made before the subnet is closed.
  depends_on = [azurerm_subnet_network_security_group_association.databases]
}
