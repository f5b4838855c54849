variable "cluster" {
  description = "The tag `tasker_cluster` of the agents."
  type        = string
  default     = "production"
}
