output "cluster_name" {
  description = "The cluster's name, for the module tasker."
  value       = aws_eks_cluster.this.name

  # Nobody uses the cluster before it has nodes.
  depends_on = [aws_eks_node_group.this, aws_eks_addon.this]
}

output "endpoint" {
  description = "The address of its API."
  value       = aws_eks_cluster.this.endpoint
}

output "ca_certificate" {
  description = "The certificate that signs the API's, in base64."
  value       = aws_eks_cluster.this.certificate_authority[0].data
}

output "connect" {
  description = "The command that adds the cluster to kubectl's configuration."
  value       = "aws eks update-kubeconfig --name ${aws_eks_cluster.this.name} --region ${data.aws_region.current.name}"
}
