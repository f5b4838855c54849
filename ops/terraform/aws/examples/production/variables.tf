variable "name" {
  description = "The beginning of all names."
  type        = string
  default     = "tasker"
}

variable "region" {
  description = "The region."
  type        = string
  default     = "eu-central-1"
}

variable "api_allowed_cidrs" {
  description = "Your own address, such as 203.0.113.7/32, from which kubectl and helm reach the cluster."
  type        = list(string)
  default     = []
}

variable "deletion_protection" {
  description = "Whether the database refuses to be destroyed. Turn it off and apply before you destroy."
  type        = bool
  default     = true
}

variable "release" {
  description = "What is installed, as the input of that name of the module tasker says. Leave it out until the cluster, its namespace and the password are there."
  type        = any
  default     = null
}
