variable "name" {
  description = "The beginning of the names of everything that is made here, and the name of the charts' release."
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

variable "oidc_issuer" {
  description = "Who vouches for the service accounts of the cluster that Tasker runs in: output oidc_issuer of the module cluster, or that of one of yours."
  type        = string

  validation {
    condition     = startswith(var.oidc_issuer, "https://")
    error_message = "oidc_issuer is \"${var.oidc_issuer}\": the address of a cluster's issuer is allowed, which begins with https://."
  }
}

variable "namespace" {
  description = "The namespace of Kubernetes that Tasker runs in."
  type        = string
  default     = "tasker"

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.namespace)) && !contains(["default", "kube-system", "kube-public", "kube-node-lease"], var.namespace)
    error_message = "namespace is \"${var.namespace}\": up to 63 lower-case letters, digits and hyphens are allowed, and none of Kubernetes' own namespaces."
  }
}

variable "database" {
  description = "The outputs of the module postgres, or the same about a database of yours. Without migrate_user the role app_user owns the database, and migrates it."
  type = object({
    host             = string
    port             = optional(number, 5432)
    database         = optional(string, "tasker")
    database_options = optional(string, "sslmode=require")
    app_user         = optional(string, "tasker_app")
    app_secret       = string
    migrate_user     = optional(string)
    migrate_secret   = optional(string)
    max_connections  = number
  })

  validation {
    condition     = can(regex("(^|&)sslmode=(require|verify-ca|verify-full)(&|$)", var.database.database_options))
    error_message = "database.database_options is \"${var.database.database_options}\": it must have sslmode=require, verify-ca or verify-full, else passwords could cross the network in the clear."
  }

  validation {
    condition     = (var.database.migrate_user == null) == (var.database.migrate_secret == null)
    error_message = "database.migrate_user is ${jsonencode(var.database.migrate_user)}, database.migrate_secret ${jsonencode(var.database.migrate_secret)}: give both, or none if one role does everything."
  }

  validation {
    condition = alltrue([
      for secret in compact([var.database.app_secret, var.database.migrate_secret]) :
      can(regex("^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.KeyVault/vaults/[^/]+/secrets/[^/]+$", secret))
    ])
    error_message = "database.app_secret is \"${var.database.app_secret}\", database.migrate_secret ${jsonencode(var.database.migrate_secret)}: ids of secrets without their versions are allowed, such as /subscriptions/…/resourceGroups/mine/providers/Microsoft.KeyVault/vaults/mine/secrets/tasker-app."
  }

  validation {
    condition     = length(distinct([for secret in compact([var.database.app_secret, var.database.migrate_secret]) : dirname(secret)])) == 1
    error_message = "database.app_secret is \"${var.database.app_secret}\", database.migrate_secret ${jsonencode(var.database.migrate_secret)}: both must be in one vault."
  }
}

variable "connections" {
  description = "The same as in the module postgres. `release` starts no more servers and workers than that, except one server and one worker of each application while a new version takes over, and gives them pools of that size."
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

  validation {
    condition = (
      (var.connections.servers + 1) * var.connections.per_server +
      (var.connections.workers + var.connections.applications) * var.connections.per_worker +
      var.connections.others
    ) <= var.database.max_connections
    error_message = "connections is ${jsonencode(var.connections)}: together more than the ${var.database.max_connections} connections that the database accepts. Give the modules postgres and tasker the same connections."
  }
}

variable "release" {
  description = <<-EOT
    What is installed, once cluster, namespace and the Secret of `secret_manifests` are there. `charts` is a folder or an OCI address that has Tasker's charts, `version` their
    version, `image` that of the server with a tag or a digest, `workers` your applications by name, each with its image and how many pods at `most`. `values` are more values of
    a chart, in YAML; how many pods there are, of which image and with which pools, is said here and in `connections` only. Without it nothing is installed.
  EOT
  type = object({
    charts  = string
    version = optional(string)
    image   = string
    values  = optional(string, "")
    workers = optional(map(object({
      image  = string
      most   = optional(number, 2)
      values = optional(string, "")
    })), {})
  })
  default = null

  validation {
    condition     = try(!can(regex("^(https?:|oci://.*/$)", var.release.charts)) && (startswith(var.release.charts, "oci://") == (var.release.version != null)), var.release == null)
    error_message = "release.charts is ${try(jsonencode(var.release.charts), "")}, release.version ${try(jsonencode(var.release.version), "")}: an address that begins with oci:// and a version are allowed, or a folder without one."
  }

  validation {
    condition = try(alltrue([
      for image in concat([var.release.image], values(var.release.workers)[*].image) : can(regex("^[^:@]+(:[0-9]+/[^:@]+)?(:[\\w.-]+|(:[\\w.-]+)?@sha256:[0-9a-f]{64})$", image))
    ]), var.release == null)
    error_message = "release.image and those of release.workers are ${try(jsonencode(concat([var.release.image], values(var.release.workers)[*].image)), "")}: each needs a tag, such as registry.example/tasker-server:1.0.0, or a digest."
  }

  validation {
    condition     = try(alltrue([for name, worker in var.release.workers : can(regex("^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$", name)) && worker.most >= 1]), var.release == null)
    error_message = "release.workers has ${try(jsonencode(zipmap(keys(var.release.workers), values(var.release.workers)[*].most)), "")}: names of up to 20 lower-case letters, digits and hyphens are allowed, a letter first, with one pod or more."
  }

  validation {
    condition     = try(length(var.release.workers) <= var.connections.applications, var.release == null)
    error_message = "release.workers has ${try(length(var.release.workers), 0)} applications, connections.applications is ${var.connections.applications}: raise it, because a rollout starts one worker more of each."
  }

  validation {
    condition     = try(sum(concat([0], values(var.release.workers)[*].most)) <= var.connections.workers, var.release == null)
    error_message = "release.workers has ${try(jsonencode(zipmap(keys(var.release.workers), values(var.release.workers)[*].most)), "")}: together more than the ${var.connections.workers} workers in connections."
  }

  validation {
    condition = try(alltrue([
      for values in concat([var.release.values], values(var.release.workers)[*].values) : values == "" || can(keys(yamldecode(values)))
    ]), var.release == null)
    error_message = "release.values, or that of one of release.workers, is no YAML that sets values of a chart, such as `recovery: { enabled: true }`."
  }
}

variable "secrets_service_account" {
  description = "The service account of External Secrets, as namespace/name. It alone may read the passwords."
  type        = string
  default     = "external-secrets/external-secrets"

  validation {
    condition     = can(regex("^[a-z0-9-]+/[a-z0-9.-]+$", var.secrets_service_account))
    error_message = "secrets_service_account is \"${var.secrets_service_account}\": namespace/name is allowed, such as external-secrets/external-secrets."
  }
}

variable "labels" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}
