data "aws_availability_zones" "available" {
  state = "available"

  # Local zones have neither RDS nor EKS.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  zones    = { for index in range(var.zones) : data.aws_availability_zones.available.names[index] => index }
  gateways = var.high_availability ? local.zones : { for zone, index in local.zones : zone => index if index == 0 }
  labels   = merge(var.labels, { Name = var.name })
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_hostnames = true
  tags                 = local.labels
}

# Whoever forgets a security group gets this one, which lets nothing through.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
  tags   = merge(local.labels, { Name = "${var.name}-unused" })
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = local.labels
}

# Eighths 0 to 2 of the range hold nodes, the fourth load balancers and NAT gateways, the fifth databases. A third zone that is added later moves
# nothing that is there.
resource "aws_subnet" "nodes" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr, 3, each.value)
  tags              = merge(local.labels, { Name = "${var.name}-nodes-${each.key}", "kubernetes.io/role/internal-elb" = "1" })
}

resource "aws_subnet" "edge" {
  for_each = local.zones

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.cidr, 6, 24 + each.value)
  map_public_ip_on_launch = false
  tags                    = merge(local.labels, { Name = "${var.name}-edge-${each.key}", "kubernetes.io/role/elb" = "1" })
}

resource "aws_subnet" "database" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr, 6, 32 + each.value)
  tags              = merge(local.labels, { Name = "${var.name}-database-${each.key}" })
}

resource "aws_route_table" "edge" {
  vpc_id = aws_vpc.this.id
  tags   = merge(local.labels, { Name = "${var.name}-edge" })
}

resource "aws_route" "edge" {
  route_table_id         = aws_route_table.edge.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "edge" {
  for_each = aws_subnet.edge

  subnet_id      = each.value.id
  route_table_id = aws_route_table.edge.id
}

resource "aws_eip" "nat" {
  for_each = local.gateways

  domain = "vpc"
  tags   = merge(local.labels, { Name = "${var.name}-nat-${each.key}" })
}

resource "aws_nat_gateway" "this" {
  for_each = local.gateways

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.edge[each.key].id
  tags          = merge(local.labels, { Name = "${var.name}-${each.key}" })

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route_table" "nodes" {
  for_each = local.zones

  vpc_id = aws_vpc.this.id
  tags   = merge(local.labels, { Name = "${var.name}-nodes-${each.key}" })
}

resource "aws_route" "nodes" {
  for_each = local.zones

  route_table_id         = aws_route_table.nodes[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[var.high_availability ? each.key : one(keys(local.gateways))].id
}

resource "aws_route_table_association" "nodes" {
  for_each = local.zones

  subnet_id      = aws_subnet.nodes[each.key].id
  route_table_id = aws_route_table.nodes[each.key].id
}

# Databases have no way out.
resource "aws_route_table" "database" {
  vpc_id = aws_vpc.this.id
  tags   = merge(local.labels, { Name = "${var.name}-database" })
}

resource "aws_route_table_association" "database" {
  for_each = aws_subnet.database

  subnet_id      = each.value.id
  route_table_id = aws_route_table.database.id
}
