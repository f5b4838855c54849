mock_provider "azurerm" {
  source = "./tests/mocks"
}

variables {
  name           = "tasker"
  resource_group = { name = "tasker", location = "germanywestcentral" }
  network_id     = "/subscriptions/mock/resourceGroups/tasker/providers/Microsoft.Network/virtualNetworks/tasker"
  subnet_ids     = ["/subscriptions/mock/resourceGroups/tasker/providers/Microsoft.Network/virtualNetworks/tasker/subnets/tasker-nodes"]
}

run "its_api_is_private_by_default" {
  module {
    source = "./cluster"
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.private_cluster_enabled && length(azurerm_kubernetes_cluster.this.api_server_access_profile) == 0 && output.endpoint == "https://mock.privatelink.germanywestcentral.azmk8s.io"
    error_message = "the API must be reachable from the network only"
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.local_account_disabled && azurerm_kubernetes_cluster.this.azure_active_directory_role_based_access_control[0].azure_rbac_enabled
    error_message = "nobody may get in without Entra ID, and Azure must decide what they may do"
  }

  assert {
    condition     = azurerm_role_assignment.admin.scope == azurerm_kubernetes_cluster.this.id && azurerm_role_assignment.admin.principal_id == "00000000-0000-0000-0000-000000000002"
    error_message = "whoever applies this must get into the cluster"
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.oidc_issuer_enabled && azurerm_kubernetes_cluster.this.workload_identity_enabled && output.oidc_issuer == azurerm_kubernetes_cluster.this.oidc_issuer_url
    error_message = "pods must have identities of Azure"
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.network_profile[0].network_policy == "cilium"
    error_message = "the charts' network policies must take effect"
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.sku_tier == "Standard" && azurerm_kubernetes_cluster.this.default_node_pool[0].zones == toset(["1", "2", "3"])
    error_message = "the cluster must survive the loss of a zone"
  }

  assert {
    condition     = contains([for log in azurerm_monitor_diagnostic_setting.this.enabled_log : log.category], "kube-audit-admin")
    error_message = "there must be an audit log"
  }

  assert {
    condition     = azurerm_role_assignment.network.scope == var.subnet_ids[0] && azurerm_kubernetes_cluster.this.identity[0].identity_ids == toset([azurerm_user_assigned_identity.this.id])
    error_message = "the cluster's identity must have rights in the subnet, and nowhere else"
  }

  assert {
    condition     = output.connect == "az aks get-credentials --name tasker --resource-group tasker"
    error_message = "the command to connect must name the cluster and its group"
  }
}

run "somebody_else_applies_it" {
  module {
    source = "./cluster"
  }

  override_data {
    target = data.azurerm_client_config.current
    values = { object_id = "00000000-0000-0000-0000-000000000009" }
  }

  assert {
    condition     = azurerm_role_assignment.admin.principal_id == "00000000-0000-0000-0000-000000000002"
    error_message = "whoever made the cluster must still get into it"
  }
}

run "whoever_is_named_reaches_the_api" {
  module {
    source = "./cluster"
  }

  variables {
    api_allowed_cidrs = ["203.0.113.7/32"]
  }

  assert {
    condition     = !azurerm_kubernetes_cluster.this.private_cluster_enabled && azurerm_kubernetes_cluster.this.api_server_access_profile[0].authorized_ip_ranges == toset(["203.0.113.7/32"])
    error_message = "only the named range may reach the API"
  }

  assert {
    condition     = output.endpoint == "https://mock.hcp.germanywestcentral.azmk8s.io"
    error_message = "an API that is open to somebody has another name"
  }
}

run "costs_less_without_high_availability" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    high_availability = false
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.sku_tier == "Free" && azurerm_kubernetes_cluster.this.default_node_pool[0].zones == null
    error_message = "the control plane must be free, and the region need not have zones"
  }
}

run "a_key_of_yours_encrypts_secrets" {
  module {
    source = "./cluster"
  }

  variables {
    encryption_key = "/subscriptions/mock/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/contoso/keys/tasker/versions/abc"
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.key_management_service[0].key_vault_key_id == "https://contoso.vault.azure.net/keys/tasker/abc"
    error_message = "AKS wants the key's address, with its version"
  }

  assert {
    condition     = azurerm_role_assignment.key[0].scope == "/subscriptions/mock/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/contoso/keys/tasker"
    error_message = "the cluster must be allowed to use that key, in every version"
  }
}

run "a_key_without_its_version" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    encryption_key = "/subscriptions/mock/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/contoso/keys/tasker"
  }

  expect_failures = [var.encryption_key]
}

run "cluster_without_a_subnet" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    subnet_ids = []
  }

  expect_failures = [var.subnet_ids]
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

run "nodes_of_two_cpus" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    node_size = "Standard_D2as_v5"
  }

  expect_failures = [var.node_size]
}

run "burstable_nodes" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    node_size = "Standard_B4ms"
  }

  expect_failures = [var.node_size]
}

run "a_single_node" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    nodes = { min = 1 }
  }

  expect_failures = [var.nodes]
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

run "cluster_with_a_capital" {
  command = plan

  module {
    source = "./cluster"
  }

  variables {
    name = "Tasker"
  }

  expect_failures = [var.name]
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
