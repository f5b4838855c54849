mock_data "azurerm_client_config" {
  defaults = {
    tenant_id = "00000000-0000-0000-0000-000000000001"
    object_id = "00000000-0000-0000-0000-000000000002"
  }
}

mock_resource "azurerm_resource_group" {
  defaults = {
    id = "/subscriptions/mock/resourceGroups/mock"
  }
}

mock_resource "azurerm_subnet" {
  defaults = {
    id = "/subscriptions/mock/resourceGroups/mock/providers/Microsoft.Network/virtualNetworks/mock/subnets/mock"
  }
}

mock_resource "azurerm_postgresql_flexible_server" {
  defaults = {
    fqdn = "mock.postgres.database.azure.com"
  }
}

mock_resource "azurerm_key_vault" {
  defaults = {
    id = "/subscriptions/mock/resourceGroups/mock/providers/Microsoft.KeyVault/vaults/mock"
  }
}

mock_resource "azurerm_key_vault_secret" {
  defaults = {
    resource_versionless_id = "/subscriptions/mock/resourceGroups/mock/providers/Microsoft.KeyVault/vaults/mock/secrets/tasker-app"
  }
}

mock_resource "azurerm_user_assigned_identity" {
  defaults = {
    id           = "/subscriptions/mock/resourceGroups/mock/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mock"
    client_id    = "00000000-0000-0000-0000-000000000003"
    principal_id = "00000000-0000-0000-0000-000000000004"
  }
}

mock_resource "azurerm_kubernetes_cluster" {
  defaults = {
    id              = "/subscriptions/mock/resourceGroups/mock/providers/Microsoft.ContainerService/managedClusters/mock"
    fqdn            = "mock.hcp.germanywestcentral.azmk8s.io"
    private_fqdn    = "mock.privatelink.germanywestcentral.azmk8s.io"
    oidc_issuer_url = "https://germanywestcentral.oic.prod-aks.azure.com/mock/mock/"
  }
}
