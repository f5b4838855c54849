variable "name" {
  description = "The name of the charts' release."
  type        = string
}

variable "namespace" {
  description = "The namespace of Kubernetes that Tasker runs in."
  type        = string
}

variable "database" {
  description = "The outputs of a module postgres."
  type = object({
    host             = string
    port             = number
    database         = string
    database_options = string
    app_user         = string
    migrate_user     = optional(string)
  })
}

variable "store" {
  description = "`provider` of a SecretStore of External Secrets."
  type        = any
}

variable "remote_keys" {
  description = "What the cloud's store calls the passwords of servers and workers, and of migrations, if those have a role of their own."
  type = object({
    app     = string
    migrate = optional(string)
  })
}
