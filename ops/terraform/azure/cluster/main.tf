data "azurerm_client_config" "current" {}

locals {
  # /subscriptions/…/resourceGroups/…/providers/Microsoft.KeyVault/vaults/VAULT/keys/KEY/versions/VERSION
  key = split("/", coalesce(var.encryption_key, "/"))
}

resource "azurerm_user_assigned_identity" "this" {
  name                = "${var.name}-cluster"
  resource_group_name = var.resource_group.name
  location            = var.resource_group.location
  tags                = var.labels
}

# The cluster makes load balancers in the subnet.
resource "azurerm_role_assignment" "network" {
  scope                = one(var.subnet_ids)
  role_definition_name = "Network Contributor"
  principal_id         = azurerm_user_assigned_identity.this.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "key" {
  count = var.encryption_key == null ? 0 : 1

  scope                = split("/versions/", var.encryption_key)[0]
  role_definition_name = "Key Vault Crypto User"
  principal_id         = azurerm_user_assigned_identity.this.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_kubernetes_cluster" "this" {
  name                              = var.name
  resource_group_name               = var.resource_group.name
  location                          = var.resource_group.location
  dns_prefix                        = var.name
  kubernetes_version                = var.kubernetes_version
  sku_tier                          = var.high_availability ? "Standard" : "Free"
  automatic_upgrade_channel         = "patch"
  private_cluster_enabled           = length(var.api_allowed_cidrs) == 0
  role_based_access_control_enabled = true
  # Nobody gets in with a certificate; Entra ID says who somebody is, and Azure what they may do.
  local_account_disabled = true
  azure_policy_enabled   = true
  # Pods have identities of Azure.
  oidc_issuer_enabled       = true
  workload_identity_enabled = true
  tags                      = var.labels

  azure_active_directory_role_based_access_control {
    azure_rbac_enabled = true
  }

  dynamic "api_server_access_profile" {
    for_each = length(var.api_allowed_cidrs) > 0 ? [var.api_allowed_cidrs] : []

    content {
      authorized_ip_ranges = api_server_access_profile.value
    }
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.this.id]
  }

  default_node_pool {
    name                        = "nodes"
    temporary_name_for_rotation = "rotation"
    vm_size                     = var.node_size
    vnet_subnet_id              = one(var.subnet_ids)
    zones                       = var.high_availability ? ["1", "2", "3"] : null
    auto_scaling_enabled        = true
    min_count                   = var.nodes.min
    max_count                   = var.nodes.max
    os_disk_size_gb             = 64
    max_pods                    = 110
    tags                        = var.labels

    # What Azure sets itself; without it every plan would take it away.
    upgrade_settings {
      max_surge = "10%"
    }
  }

  # Network policies take effect with Cilium. Pods and services have addresses that no private network uses.
  network_profile {
    network_plugin      = "azure"
    network_plugin_mode = "overlay"
    network_policy      = "cilium"
    network_data_plane  = "cilium"
    outbound_type       = "loadBalancer"
    load_balancer_sku   = "standard"
    pod_cidr            = "100.64.0.0/16"
    service_cidr        = "100.65.0.0/16"
    dns_service_ip      = "100.65.0.10"
  }

  dynamic "key_management_service" {
    for_each = var.encryption_key[*]

    content {
      key_vault_key_id         = "https://${local.key[8]}.vault.azure.net/keys/${local.key[10]}/${local.key[12]}"
      key_vault_network_access = "Public"
    }
  }

  depends_on = [
    azurerm_role_assignment.network,
    azurerm_role_assignment.key,
  ]
}

# Whoever applies this first may do everything in the cluster. Nobody else may do anything until you say so.
resource "azurerm_role_assignment" "admin" {
  scope                = azurerm_kubernetes_cluster.this.id
  role_definition_name = "Azure Kubernetes Service RBAC Cluster Admin"
  principal_id         = data.azurerm_client_config.current.object_id

  lifecycle {
    ignore_changes = [principal_id]
  }
}

resource "azurerm_log_analytics_workspace" "this" {
  name                         = "${var.name}-cluster"
  resource_group_name          = var.resource_group.name
  location                     = var.resource_group.location
  sku                          = "PerGB2018"
  retention_in_days            = 90
  local_authentication_enabled = false
  tags                         = var.labels
}

# kube-audit-admin leaves out what only reads, which is most of it.
resource "azurerm_monitor_diagnostic_setting" "this" {
  name                           = "audit"
  target_resource_id             = azurerm_kubernetes_cluster.this.id
  log_analytics_workspace_id     = azurerm_log_analytics_workspace.this.id
  log_analytics_destination_type = "Dedicated"

  dynamic "enabled_log" {
    for_each = toset(["kube-audit-admin", "guard"])

    content {
      category = enabled_log.value
    }
  }
}
