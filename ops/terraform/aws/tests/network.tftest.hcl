mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "tasker"
}

run "every_zone_has_its_own_way_out" {
  module {
    source = "./network"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(output.subnet_ids) == 3 && length(output.database_subnet_ids) == 3
    error_message = "three zones need three subnets of each kind and three NAT gateways"
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.nodes), values(aws_subnet.edge), values(aws_subnet.database)) : coalesce(subnet.map_public_ip_on_launch, false) == false])
    error_message = "nothing may get a public address by itself"
  }

  assert {
    condition     = [for subnet in values(aws_subnet.nodes) : subnet.cidr_block] == ["10.40.0.0/19", "10.40.32.0/19", "10.40.64.0/19"]
    error_message = "the ranges of the nodes must not move"
  }

  assert {
    condition     = [for subnet in values(aws_subnet.database) : subnet.cidr_block] == ["10.40.128.0/22", "10.40.132.0/22", "10.40.136.0/22"]
    error_message = "the ranges of the databases must not move"
  }

  assert {
    condition     = [for subnet in values(aws_subnet.edge) : subnet.cidr_block] == ["10.40.96.0/22", "10.40.100.0/22", "10.40.104.0/22"]
    error_message = "the ranges of the load balancers must not move"
  }
}

run "one_way_out_is_enough_to_try" {
  command = plan

  module {
    source = "./network"
  }

  variables {
    zones             = 2
    high_availability = false
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.nodes) == 2
    error_message = "two zones must share one NAT gateway"
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

run "one_zone" {
  command = plan

  module {
    source = "./network"
  }

  variables {
    zones = 1
  }

  expect_failures = [var.zones]
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
