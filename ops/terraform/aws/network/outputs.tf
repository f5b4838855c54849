output "network_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Its address range."
  value       = aws_vpc.this.cidr_block
}

output "subnet_ids" {
  description = "Private subnets for nodes, with a way out."
  value       = [for zone in keys(local.zones) : aws_subnet.nodes[zone].id]
}

output "database_subnet_ids" {
  description = "Private subnets for databases, without a way out."
  value       = [for zone in keys(local.zones) : aws_subnet.database[zone].id]
}
