variable "name" {
  description = "The cluster's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name is \"${var.name}\": 3 to 24 lower-case letters, digits and hyphens are allowed, a letter first, no hyphen last."
  }
}

variable "network_id" {
  description = "The network that the cluster is in. The subnets say so on this cloud already; it is compared with theirs nowhere."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets for nodes, in two availability zones or more: output subnet_ids of the module network, or some of yours."
  type        = list(string)

  validation {
    condition     = length(distinct(var.subnet_ids)) >= 2
    error_message = "subnet_ids has ${length(distinct(var.subnet_ids))}: two or more are needed, in different availability zones."
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

variable "node_size" {
  description = "The machine type of the nodes."
  type        = string
  default     = "m7g.large"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9]+$", var.node_size)) && !can(regex("\\.(nano|micro)$", var.node_size))
    error_message = "node_size is \"${var.node_size}\": a type of small or more is allowed, such as m7g.large; smaller ones hold too few pods."
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
    condition     = var.nodes.min >= 1 && var.nodes.max >= var.nodes.min && floor(var.nodes.min) == var.nodes.min && floor(var.nodes.max) == var.nodes.max
    error_message = "nodes is ${jsonencode(var.nodes)}: min must be a whole number, 1 or more, and max a whole number that is not below it."
  }
}

variable "encryption_key" {
  description = "The ARN of the KMS key that encrypts Kubernetes' secrets. Without one they are encrypted with a key of AWS. A change replaces the cluster."
  type        = string
  default     = null

  validation {
    condition     = var.encryption_key == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.encryption_key))
    error_message = "encryption_key is \"${coalesce(var.encryption_key, "null")}\": the ARN of a KMS key is allowed, such as arn:aws:kms:eu-central-1:111122223333:key/…, or null."
  }
}

variable "labels" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}
