variable "name" {
  description = "The name of the database server and of the vault for its passwords. Both must be globally unique in Azure, such as contoso-tasker."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name is \"${var.name}\": 3 to 24 lower-case letters, digits and single hyphens are allowed, a letter first, no hyphen last."
  }
}

variable "resource_group" {
  description = "The resource group that everything made here belongs to: an azurerm_resource_group. Nothing else should be in it, because `deletion_protection` locks all of it."
  type = object({
    id       = string
    name     = string
    location = string
  })
}

variable "network_id" {
  description = "The network that the server is in: output network_id of the module network, or one of yours."
  type        = string
}

variable "subnet_ids" {
  description = "The subnet for the server, delegated to Microsoft.DBforPostgreSQL/flexibleServers: output database_subnet_ids of the module network, or one of yours. Its security group says who may connect."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) == 1
    error_message = "subnet_ids has ${length(var.subnet_ids)}: exactly one is needed; it spans all zones of the region."
  }
}

variable "secrets_subnet_ids" {
  description = "The subnets from which the passwords can be read, with the service endpoint Microsoft.KeyVault: output subnet_ids of the module network, or the subnet of your cluster's nodes."
  type        = list(string)

  validation {
    condition     = length(var.secrets_subnet_ids) > 0
    error_message = "secrets_subnet_ids is empty: the cluster could not read the password. Give the subnet of its nodes."
  }
}

variable "secrets_allowed_cidrs" {
  description = "The public addresses from which the passwords can be written and read, such as that of the machine that applies this. Without any, it must be in one of the subnets."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.secrets_allowed_cidrs : can(cidrhost(cidr, 0)) && can(regex("/(1[6-9]|2[0-9]|3[0-2])$", cidr))])
    error_message = "secrets_allowed_cidrs is ${jsonencode(var.secrets_allowed_cidrs)}: ranges from /16 to /32 are allowed, such as 203.0.113.7/32. The whole internet is not."
  }
}

variable "passwords" {
  description = "The passwords of the roles of the administrator, of servers and workers, and of migrations. They are written to the server and to the vault, and kept in no state and no plan. Azure's provider asks for them at every apply, and looks at them when passwords_version has changed."
  type = object({
    admin   = string
    app     = string
    migrate = string
  })
  sensitive = true
  ephemeral = true

  validation {
    condition     = alltrue([for password in values(var.passwords) : alltrue([for needed in ["^[A-Za-z0-9]{32,64}$", "[A-Z]", "[a-z]", "[0-9]"] : can(regex(needed, password))])])
    error_message = "passwords.admin, passwords.app and passwords.migrate: 32 to 64 letters and digits are allowed for each, with a capital, a small letter and a digit, as Azure asks for. `echo A$(openssl rand -hex 24)` prints one."
  }

  validation {
    condition     = length(distinct(values(var.passwords))) == 3
    error_message = "two of passwords.admin, passwords.app and passwords.migrate are the same: the application could change the schema, or more. Give three."
  }
}

variable "passwords_version" {
  description = "Raise it to have the passwords written again, to the server and to the vault. Run roles.sql then."
  type        = number
  default     = 1

  validation {
    condition     = var.passwords_version >= 1 && floor(var.passwords_version) == var.passwords_version
    error_message = "passwords_version is ${var.passwords_version}: a whole number, 1 or more, is allowed."
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
  description = "The tier and the machine type, such as GP_Standard_D2ds_v5. Those that begin with B_ have no standby."
  type        = string
  default     = "GP_Standard_D2ds_v5"

  validation {
    condition     = can(regex("^(B_Standard_B(2s|(1|2|4|8|12|16|20)ms)|GP_Standard_D(2|4|8|16|32|48|64|96)(s_v3|ds_v4|ds_v5|ads_v5)|MO_Standard_E(2|4|8|16|20|32|48|64|96)(s_v3|ds_v4|ds_v5|ads_v5))$", var.instance))
    error_message = "instance is \"${var.instance}\": a tier and a type of the families B, D or E is allowed, such as GP_Standard_D2ds_v5."
  }
}

variable "storage_gib" {
  description = "The size of the disk at first, in GiB: 32, doubled as often as you like, up to 16384. It grows by itself."
  type        = number
  default     = 128

  validation {
    condition     = contains([32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384], var.storage_gib)
    error_message = "storage_gib is ${var.storage_gib}: 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192 and 16384 are allowed."
  }
}

variable "high_availability" {
  description = "Whether a standby in another zone takes over when the server fails. It doubles the price."
  type        = bool
  default     = true
}

variable "deletion_protection" {
  description = "Whether the server refuses to be destroyed: a lock on its resource group. Turn it off and apply before you destroy."
  type        = bool
  default     = true
}

variable "purge_protection" {
  description = "Whether a deleted password can be had back for 90 days, whoever deleted it. Azure never turns it off again, and the vault's name is taken for as long."
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

variable "extensions" {
  description = "Extensions of PostgreSQL that may be created, in upper case, such as PG_STAT_STATEMENTS. Tasker needs none: PGMQ comes in as plain SQL."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for extension in var.extensions : can(regex("^[A-Z][A-Z0-9_-]*$", extension))])
    error_message = "extensions is ${jsonencode(var.extensions)}: names in upper case are allowed, such as PG_STAT_STATEMENTS."
  }
}

variable "encryption_key" {
  description = "The key of a vault, without a version, that encrypts the disk and the backups: attribute resource_versionless_id of an azurerm_key_vault_key. The vault must have purge protection and take rights from Azure. Without one they are encrypted with keys of Azure's. A change replaces the server."
  type        = string
  default     = null

  validation {
    condition     = var.encryption_key == null || can(regex("^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.KeyVault/vaults/[^/]+/keys/[^/]+$", var.encryption_key))
    error_message = "encryption_key is \"${coalesce(var.encryption_key, "null")}\": the id of a key without its version is allowed, such as /subscriptions/…/resourceGroups/mine/providers/Microsoft.KeyVault/vaults/mine/keys/tasker, or null."
  }
}

variable "labels" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}
