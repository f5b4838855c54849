variable "name" {
  description = "The cluster's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name is \"${var.name}\": 3 to 24 lower-case letters, digits and hyphens are allowed, a letter first, no hyphen last."
  }
}

variable "resource_group" {
  description = "The resource group that everything made here belongs to: an azurerm_resource_group."
  type = object({
    name     = string
    location = string
  })
}

variable "network_id" {
  description = "The network that the cluster is in. The subnets say so on this cloud already; it is compared with theirs nowhere."
  type        = string
}

variable "subnet_ids" {
  description = "The subnet of the nodes: output subnet_ids of the module network, or one of yours."
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
  description = "The address ranges that may reach the API of Kubernetes from outside of the network. Without any, it can be reached from the network only. A change from none to some, or back, replaces the cluster."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.api_allowed_cidrs : can(cidrhost(cidr, 0)) && can(regex("/(1[6-9]|2[0-9]|3[0-2])$", cidr))])
    error_message = "api_allowed_cidrs is ${jsonencode(var.api_allowed_cidrs)}: ranges from /16 to /32 are allowed, such as 203.0.113.7/32. The whole internet is not."
  }
}

variable "high_availability" {
  description = "Whether nodes are in three zones, and the control plane has the tier Standard, whose availability Azure guarantees, for a fee. The region must have three zones."
  type        = bool
  default     = true
}

variable "node_size" {
  description = "The machine type of the nodes. AKS wants four CPUs or more for those that its own pods run on, and none that are burstable."
  type        = string
  default     = "Standard_D4as_v5"

  validation {
    condition     = can(regex("^Standard_[AC-Z][A-Z]*([4-9]|[1-9][0-9]+)[a-z]*(_v[0-9]+)?$", var.node_size))
    error_message = "node_size is \"${var.node_size}\": a type of four CPUs or more is allowed that does not begin with Standard_B, such as Standard_D4as_v5; AKS supports no others."
  }
}

variable "nodes" {
  description = "The least and the greatest number of nodes."
  type = object({
    min = optional(number, 2)
    max = optional(number, 6)
  })
  default = {}

  validation {
    condition     = var.nodes.min >= 2 && var.nodes.max >= var.nodes.min && floor(var.nodes.min) == var.nodes.min && floor(var.nodes.max) == var.nodes.max
    error_message = "nodes is ${jsonencode(var.nodes)}: min must be a whole number, 2 or more, and max a whole number that is not below it."
  }
}

variable "encryption_key" {
  description = "The key of a vault, with its version, that encrypts Kubernetes' secrets: attribute resource_id of an azurerm_key_vault_key. AKS must reach the vault. Without one they are encrypted with keys of Azure's."
  type        = string
  default     = null

  validation {
    condition     = var.encryption_key == null || can(regex("^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.KeyVault/vaults/[^/]+/keys/[^/]+/versions/[^/]+$", var.encryption_key))
    error_message = "encryption_key is \"${coalesce(var.encryption_key, "null")}\": the id of a version of a key is allowed, such as /subscriptions/…/resourceGroups/mine/providers/Microsoft.KeyVault/vaults/mine/keys/tasker/versions/…, or null."
  }
}

variable "labels" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}
