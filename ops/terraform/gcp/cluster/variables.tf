variable "name" {
  description = "The cluster's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name is \"${var.name}\": 3 to 24 lower-case letters, digits and hyphens are allowed, a letter first, no hyphen last."
  }
}

variable "network_id" {
  description = "The network that the cluster is in: output network_id of the module network, or one of yours."
  type        = string
}

variable "subnet_ids" {
  description = "The subnet of the nodes, with secondary ranges called pods and services: output subnet_ids of the module network, or one of yours."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) == 1
    error_message = "subnet_ids has ${length(var.subnet_ids)}: exactly one is needed; it spans all zones of the region."
  }
}

variable "kubernetes_version" {
  description = "The minor version of Kubernetes. Look which ones your cloud supports, and raise it by one at a time."
  type        = string
  default     = "1.35"

  validation {
    condition     = can(regex("^1\\.(3[4-9]|[4-9][0-9])$", var.kubernetes_version))
    error_message = "kubernetes_version is \"${var.kubernetes_version}\": 1.34 or newer is allowed, without the patch version, such as 1.35; clouds have ended their standard support of older ones."
  }
}

variable "api_allowed_cidrs" {
  description = "The address ranges that may reach the API of Kubernetes from outside of the network. Without any, it can be reached from the network only."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.api_allowed_cidrs : can(cidrhost(cidr, 0)) && can(regex("/(1[6-9]|2[0-9]|3[0-2])$", cidr))])
    error_message = "api_allowed_cidrs is ${jsonencode(var.api_allowed_cidrs)}: ranges from /16 to /32 are allowed, such as 203.0.113.7/32. The whole internet is not."
  }
}

variable "deletion_protection" {
  description = "Whether the cluster refuses to be destroyed."
  type        = bool
  default     = true
}

variable "encryption_key" {
  description = "The key of Cloud KMS that encrypts the secrets of Kubernetes; GKE must be allowed to use it. Without one Google encrypts them with keys of its own."
  type        = string
  default     = null

  validation {
    condition     = var.encryption_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.encryption_key))
    error_message = "encryption_key is \"${coalesce(var.encryption_key, "null")}\": the name of a key of Cloud KMS is allowed, such as projects/mine/locations/europe-west3/keyRings/tasker/cryptoKeys/tasker, or null."
  }
}

variable "labels" {
  description = "Labels of everything that is made here."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "labels is ${jsonencode(var.labels)}: up to 63 lower-case letters, digits, hyphens and underscores are allowed in names and values, and a name begins with a letter."
  }
}
