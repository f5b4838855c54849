variable "name" {
  description = "The beginning of the names of everything that is made here."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name is \"${var.name}\": 3 to 24 lower-case letters, digits and hyphens are allowed, a letter first, no hyphen last."
  }
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

variable "zones" {
  description = "In how many availability zones there are subnets."
  type        = number
  default     = 3

  validation {
    condition     = contains([2, 3], var.zones)
    error_message = "zones is ${var.zones}: 2 or 3 are allowed. The database and the cluster need two."
  }
}

variable "high_availability" {
  description = "Whether the way out of the network survives the loss of a zone. It costs one NAT gateway for each zone instead of one."
  type        = bool
  default     = true
}

variable "labels" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}
