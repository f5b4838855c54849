output "cluster_name" {
  description = "The cluster's name."
  value       = azurerm_kubernetes_cluster.this.name
}

output "endpoint" {
  description = "The address of its API."
  value       = "https://${length(var.api_allowed_cidrs) == 0 ? azurerm_kubernetes_cluster.this.private_fqdn : azurerm_kubernetes_cluster.this.fqdn}"
}

output "ca_certificate" {
  description = "The certificate that signs the API's, in base64."
  # The rest of it is secret; this is not.
  value = nonsensitive(one(azurerm_kubernetes_cluster.this.kube_config[*].cluster_ca_certificate))
}

output "connect" {
  description = "The command that adds the cluster to kubectl's configuration."
  value       = "az aks get-credentials --name ${azurerm_kubernetes_cluster.this.name} --resource-group ${var.resource_group.name}"
}

output "oidc_issuer" {
  description = "Who vouches for the cluster's service accounts, for the module tasker."
  value       = azurerm_kubernetes_cluster.this.oidc_issuer_url
}
