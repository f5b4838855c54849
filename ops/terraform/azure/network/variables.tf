variable "name" {
  description = "The beginning of the names of everything that is made here."
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

variable "cidr" {
  description = "The private address range of the network, from /16 to /20."
  type        = string
  default     = "10.40.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.).*/(16|17|18|19|20)$", var.cidr))
    error_message = "cidr is \"${var.cidr}\": a private range from /16 to /20 is allowed, such as 10.40.0.0/16."
  }
}

variable "labels" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}
