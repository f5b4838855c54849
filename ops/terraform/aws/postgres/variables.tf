variable "name" {
  description = "The database server's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name is \"${var.name}\": 3 to 24 lower-case letters, digits and single hyphens are allowed, a letter first, no hyphen last."
  }
}

variable "network_id" {
  description = "The network that the server is in: output network_id of the module network, or one of yours."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets for the server, in two availability zones or more: output database_subnet_ids of the module network, or some of yours."
  type        = list(string)

  validation {
    condition     = length(distinct(var.subnet_ids)) >= 2
    error_message = "subnet_ids has ${length(distinct(var.subnet_ids))}: two or more are needed, in different availability zones."
  }
}

variable "client_cidrs" {
  description = "The private address ranges that may connect, such as output cidr of the module network."
  type        = list(string)

  validation {
    condition     = length(var.client_cidrs) > 0
    error_message = "client_cidrs is empty: nobody could connect. Give the range of the cluster's nodes, such as 10.40.0.0/16."
  }

  validation {
    condition     = alltrue([for cidr in var.client_cidrs : can(cidrhost(cidr, 0)) && can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", cidr)) && can(regex("/([89]|[12][0-9]|3[0-2])$", cidr))])
    error_message = "client_cidrs is ${jsonencode(var.client_cidrs)}: only private ranges (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, or parts of them) are allowed."
  }
}

variable "postgres_version" {
  description = "The major version of PostgreSQL. Look whether your region offers 18 before you choose it."
  type        = string
  default     = "17"

  validation {
    condition     = contains(["17", "18"], var.postgres_version)
    error_message = "postgres_version is \"${var.postgres_version}\": Tasker needs 17 or 18."
  }
}

variable "instance" {
  description = "The instance class, such as db.m7g.large."
  type        = string
  default     = "db.m7g.large"

  validation {
    condition     = can(regex("^db\\.((t3|t4g)\\.(micro|small|medium|large|xlarge|2xlarge)|[mr][5-8][a-z]*\\.(large|xlarge|[0-9]+xlarge))$", var.instance))
    error_message = "instance is \"${var.instance}\": a class of the families t3 and t4g, or one of m5 to m8 and r5 to r8 that is large or more, is allowed, such as db.m7g.large."
  }
}

variable "storage_gib" {
  description = "The size of the disk at first, in GiB. It grows by itself to four times that."
  type        = number
  default     = 100

  validation {
    condition     = var.storage_gib >= 20 && var.storage_gib <= 16384 && floor(var.storage_gib) == var.storage_gib
    error_message = "storage_gib is ${var.storage_gib}: a whole number from 20 to 16384 is allowed."
  }
}

variable "high_availability" {
  description = "Whether a standby in another zone takes over when the server fails. It doubles the price."
  type        = bool
  default     = true
}

variable "deletion_protection" {
  description = "Whether the server refuses to be destroyed. When it is off, there is no final snapshot either."
  type        = bool
  default     = true
}

variable "backup_days" {
  description = "For how many days back the database can be restored to any second."
  type        = number
  default     = 14

  validation {
    condition     = var.backup_days >= 7 && var.backup_days <= 35 && floor(var.backup_days) == var.backup_days
    error_message = "backup_days is ${var.backup_days}: a whole number from 7 to 35 is allowed."
  }
}

variable "connections" {
  description = <<-EOT
    The greatest number of servers and workers, how many connections each of them opens, and of how many applications the workers are. A server opens the sum of Core's
    common.database.pool.max_connections, orchestration.web.database_pools.web_api_max_connections and 5 for listening, a worker common.database.pool.max_connections and 3;
    `release` of the module tasker sets these pools. One server more, and one worker more of each application, are counted, too: a rollout starts them. `others` is for you, for
    migrations, recovery and monitoring.
  EOT
  type = object({
    servers      = optional(number, 2)
    per_server   = optional(number, 95)
    workers      = optional(number, 4)
    per_worker   = optional(number, 53)
    applications = optional(number, 1)
    others       = optional(number, 30)
  })
  default = {}

  validation {
    condition     = alltrue([for number in values(var.connections) : number >= 1 && floor(number) == number])
    error_message = "connections is ${jsonencode(var.connections)}: each of its numbers must be a whole number, 1 or more."
  }

  validation {
    condition     = var.connections.per_server >= 20
    error_message = "connections.per_server is ${var.connections.per_server}: a server with fewer than 20 connections stops answering under load, because creating a task takes two at once."
  }

  validation {
    condition     = var.connections.per_worker >= 4
    error_message = "connections.per_worker is ${var.connections.per_worker}: 4 or more are allowed, because a worker takes three for listening."
  }
}

variable "encryption_key" {
  description = "The ARN of the KMS key that encrypts the disk, the backups and the secrets. Without one they are encrypted with keys of AWS in your account."
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
