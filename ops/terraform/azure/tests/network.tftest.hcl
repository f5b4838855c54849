mock_provider "azurerm" {
  source = "./tests/mocks"
}

variables {
  name           = "tasker"
  resource_group = { name = "tasker", location = "germanywestcentral" }
}

run "ranges_do_not_overlap" {
  module {
    source = "./network"
  }

  assert {
    condition     = one(azurerm_subnet.nodes.address_prefixes) == "10.40.0.0/17" && one(azurerm_subnet.databases.address_prefixes) == "10.40.128.0/20"
    error_message = "the ranges of nodes and databases must not move"
  }

  assert {
    condition     = !azurerm_subnet.nodes.default_outbound_access_enabled && !azurerm_subnet.databases.default_outbound_access_enabled
    error_message = "nothing may go out by an address that Azure lends"
  }

  assert {
    condition     = azurerm_subnet.databases.delegation[0].service_delegation[0].name == "Microsoft.DBforPostgreSQL/flexibleServers"
    error_message = "the subnet for databases must be delegated to them"
  }

  assert {
    condition     = contains(azurerm_subnet.nodes.service_endpoints, "Microsoft.KeyVault") && contains(azurerm_subnet.databases.service_endpoints, "Microsoft.Storage")
    error_message = "nodes must reach the vault, and databases the storage of their log"
  }
}

run "databases_take_connections_from_nodes_only" {
  module {
    source = "./network"
  }

  assert {
    condition = [for rule in azurerm_network_security_group.databases.security_rule : [rule.access, rule.destination_port_range, rule.source_address_prefixes] if rule.name == "clients"] == [
      ["Allow", "5432", toset(["10.40.0.0/17", "10.40.128.0/20"])]
    ]
    error_message = "nodes and the standby must reach port 5432"
  }

  assert {
    condition = toset([for rule in azurerm_network_security_group.databases.security_rule : "${rule.direction} ${coalesce(rule.source_address_prefix, "-")} ${coalesce(rule.destination_address_prefix, "-")}" if rule.access == "Deny"]) == toset([
      "Inbound VirtualNetwork *",
      "Outbound * Internet",
    ])
    error_message = "the rest of the network and the internet must be denied"
  }

  assert {
    condition = alltrue([
      for direction in ["Inbound", "Outbound"] :
      max([for rule in azurerm_network_security_group.databases.security_rule : rule.priority if rule.direction == direction && rule.access == "Allow"]...) < one([for rule in azurerm_network_security_group.databases.security_rule : rule.priority if rule.direction == direction && rule.access == "Deny"])
    ])
    error_message = "what is allowed must come before what is denied"
  }

  assert {
    condition     = azurerm_subnet_network_security_group_association.databases.subnet_id == azurerm_subnet.databases.id
    error_message = "the rules must be those of the subnet for databases"
  }
}

run "a_public_range" {
  command = plan

  module {
    source = "./network"
  }

  variables {
    cidr = "172.32.0.0/16"
  }

  expect_failures = [var.cidr]
}

run "too_small_a_range" {
  command = plan

  module {
    source = "./network"
  }

  variables {
    cidr = "10.0.0.0/24"
  }

  expect_failures = [var.cidr]
}

run "name_that_ends_with_a_hyphen" {
  command = plan

  module {
    source = "./network"
  }

  variables {
    name = "tasker-"
  }

  expect_failures = [var.name]
}
