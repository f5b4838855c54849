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
  description = "The address range that Cloud SQL takes addresses from: output database_subnet_ids of the module network, or the name of a range of yours that is peered."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) == 1
    error_message = "subnet_ids has ${length(var.subnet_ids)}: exactly one is needed; it spans all zones of the region."
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
  description = "The tier: db-custom-, the number of CPUs, and the memory in MiB."
  type        = string
  default     = "db-custom-2-8192"

  validation {
    condition = can(regex("^db-custom-(1|[2468]|[1-8][02468]|9[0246])-[0-9]+$", var.instance)) && try(
      tonumber(split("-", var.instance)[3]) % 256 == 0 &&
      tonumber(split("-", var.instance)[3]) >= max(3840, tonumber(split("-", var.instance)[2]) * 0.9 * 1024) &&
      tonumber(split("-", var.instance)[3]) <= tonumber(split("-", var.instance)[2]) * 6.5 * 1024,
    false)
    error_message = "instance is \"${var.instance}\": db-custom-CPUS-MIB is allowed with 1 CPU or an even number up to 96, and a multiple of 256 MiB, 3840 or more, that is 0.9 to 6.5 GiB for each CPU, such as db-custom-2-8192."
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
  description = "Whether the server refuses to be destroyed."
  type        = bool
  default     = true
}

variable "backup_days" {
  description = "For how many days daily backups are kept. To any second the database can be restored for seven days back: Cloud SQL keeps its log for no longer."
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
  description = "The key of Cloud KMS that encrypts the disk and the backups; Cloud SQL must be allowed to use it. Without one Google encrypts them with keys of its own."
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
