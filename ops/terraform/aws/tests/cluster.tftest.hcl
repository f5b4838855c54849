mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name       = "tasker"
  network_id = "vpc-00000000000000000"
  subnet_ids = ["subnet-0000000000000000a", "subnet-0000000000000000b"]
}

run "its_api_is_private_by_default" {
  module {
    source = "./cluster"
  }

  assert {
    condition     = !aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].endpoint_private_access
    error_message = "the API must be reachable from the network only"
  }

  assert {
    condition     = aws_launch_template.nodes.metadata_options[0].http_tokens == "required" && aws_launch_template.nodes.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "pods must not reach the rights of their node"
  }

  assert {
    condition     = aws_launch_template.nodes.block_device_mappings[0].ebs[0].encrypted == "true"
    error_message = "disks of nodes must be encrypted"
  }

  assert {
    condition     = aws_eks_node_group.this.ami_type == "AL2023_ARM_64_STANDARD"
    error_message = "m7g is an ARM type"
  }

  assert {
    condition     = aws_eks_cluster.this.upgrade_policy[0].support_type == "STANDARD"
    error_message = "extended support is dear, and nobody asked for it"
  }

  assert {
    condition     = output.connect == "aws eks update-kubeconfig --name tasker --region eu-central-1"
    error_message = "the command to connect must name the cluster and its region"
  }
}

run "an_intel_type_gets_an_intel_image" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    node_size = "m7i.large"
  }

  assert {
    condition     = aws_eks_node_group.this.ami_type == "AL2023_x86_64_STANDARD"
    error_message = "m7i is an x86 type"
  }
}

run "whoever_is_named_reaches_the_api" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    api_allowed_cidrs = ["203.0.113.7/32"]
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["203.0.113.7/32"])
    error_message = "only the named range may reach the API"
  }
}

run "the_whole_internet_at_the_api" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    api_allowed_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.api_allowed_cidrs]
}

run "half_of_the_internet_at_the_api" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    api_allowed_cidrs = ["0.0.0.0/1", "128.0.0.0/1"]
  }

  expect_failures = [var.api_allowed_cidrs]
}

run "cluster_in_one_subnet" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    subnet_ids = ["subnet-0000000000000000a"]
  }

  expect_failures = [var.subnet_ids]
}

run "kubernetes_with_a_patch_version" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    kubernetes_version = "1.35.1"
  }

  expect_failures = [var.kubernetes_version]
}

run "fewer_nodes_at_most_than_at_least" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    nodes = { min = 3, max = 2 }
  }

  expect_failures = [var.nodes]
}

run "nodes_that_hold_no_pods" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    node_size = "t4g.micro"
  }

  expect_failures = [var.node_size]
}

run "cluster_key_without_its_arn" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    encryption_key = "alias/mine"
  }

  expect_failures = [var.encryption_key]
}

run "a_kubernetes_out_of_standard_support" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    kubernetes_version = "1.33"
  }

  expect_failures = [var.kubernetes_version]
}

run "name_with_a_capital" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    name = "Tasker"
  }

  expect_failures = [var.name]
}
