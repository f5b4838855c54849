locals {
  # A subnet spans all zones of a region. Half of the range is for nodes; databases have a sixteenth.
  nodes     = cidrsubnet(var.cidr, 1, 0)
  databases = cidrsubnet(var.cidr, 4, 8)
}

resource "azurerm_virtual_network" "this" {
  name                = var.name
  resource_group_name = var.resource_group.name
  location            = var.resource_group.location
  address_space       = [var.cidr]
  tags                = var.labels
}

# Nodes have private addresses only, and go out through the cluster's load balancer. Their security group is the cluster's, too. The service endpoint lets a vault
# of keys tell this subnet from others.
resource "azurerm_subnet" "nodes" {
  name                            = "${var.name}-nodes"
  resource_group_name             = var.resource_group.name
  virtual_network_name            = azurerm_virtual_network.this.name
  address_prefixes                = [local.nodes]
  service_endpoints               = ["Microsoft.KeyVault"]
  default_outbound_access_enabled = false
}

# Servers write their log to a storage account of Azure's: the service endpoint is the way there.
resource "azurerm_subnet" "databases" {
  name                            = "${var.name}-databases"
  resource_group_name             = var.resource_group.name
  virtual_network_name            = azurerm_virtual_network.this.name
  address_prefixes                = [local.databases]
  service_endpoints               = ["Microsoft.Storage"]
  default_outbound_access_enabled = false

  delegation {
    name = "postgres"

    service_delegation {
      name    = "Microsoft.DBforPostgreSQL/flexibleServers"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

# A server and its standby talk to each other, nodes talk to both, and nobody else does. What is denied here would be allowed by Azure's own rules.
resource "azurerm_network_security_group" "databases" {
  name                = "${var.name}-databases"
  resource_group_name = var.resource_group.name
  location            = var.resource_group.location
  tags                = var.labels

  security_rule {
    name                         = "clients"
    priority                     = 100
    direction                    = "Inbound"
    access                       = "Allow"
    protocol                     = "Tcp"
    source_address_prefixes      = [local.nodes, local.databases]
    source_port_range            = "*"
    destination_address_prefixes = [local.databases]
    destination_port_range       = "5432"
  }

  security_rule {
    name                       = "nobody-else"
    priority                   = 200
    direction                  = "Inbound"
    access                     = "Deny"
    protocol                   = "*"
    source_address_prefix      = "VirtualNetwork"
    source_port_range          = "*"
    destination_address_prefix = "*"
    destination_port_range     = "*"
  }

  # Storage is for the log; the other two are for a key of yours.
  dynamic "security_rule" {
    for_each = { Storage = 100, AzureKeyVault = 101, AzureActiveDirectory = 102 }

    content {
      name                       = security_rule.key
      priority                   = security_rule.value
      direction                  = "Outbound"
      access                     = "Allow"
      protocol                   = "Tcp"
      source_address_prefix      = "*"
      source_port_range          = "*"
      destination_address_prefix = security_rule.key
      destination_port_range     = "443"
    }
  }

  security_rule {
    name                       = "nowhere-else"
    priority                   = 200
    direction                  = "Outbound"
    access                     = "Deny"
    protocol                   = "*"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "Internet"
    destination_port_range     = "*"
  }
}

resource "azurerm_subnet_network_security_group_association" "databases" {
  subnet_id                 = azurerm_subnet.databases.id
  network_security_group_id = azurerm_network_security_group.databases.id
}
