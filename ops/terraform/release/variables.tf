variable "name" {
  description = "The name of the server's release, and the beginning of those of the workers."
  type        = string
}

variable "namespace" {
  description = "The namespace of Kubernetes that Tasker runs in. It must be there, with the Secret that the values name."
  type        = string
}

variable "helm_values" {
  description = "Values of all charts, in YAML: output helm_values of the module values."
  type        = string
}

variable "server_values" {
  description = "More values of the server's chart, in YAML: output server_values of the module values."
  type        = string
}

variable "connections" {
  description = "The greatest number of servers, and how many connections a server and a worker open."
  type = object({
    servers    = number
    per_server = number
    per_worker = number
  })
}

variable "release" {
  description = "The input `release` of a module tasker."
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

  validation {
    condition = alltrue([
      for values in concat([var.release.values], values(var.release.workers)[*].values) :
      !can(yamldecode(values).replicas) && !can(yamldecode(values).autoscaling) && !can(yamldecode(values).keda.maxReplicas)
    ])
    error_message = "`values` of ${join(", ", [
      for name, values in merge({ "the server" = var.release.values }, { for name, worker in var.release.workers : name => worker.values }) : name
      if can(yamldecode(values).replicas) || can(yamldecode(values).autoscaling) || can(yamldecode(values).keda.maxReplicas)
    ])} has replicas, autoscaling or keda.maxReplicas: the database has connections for as many pods as connections.servers and `most` of a worker say. Set those."
  }

  validation {
    condition = alltrue([
      for values in concat([var.release.values], values(var.release.workers)[*].values) :
      !can(yamldecode(values).config.common.database.pool.max_connections) &&
      !can(yamldecode(values).config.orchestration.web.database_pools.web_api_max_connections) &&
      !contains(try(yamldecode(values).extraEnv[*].name, []), "TASKER_DATABASE__POOL_SIZE")
    ])
    error_message = "`values` of the server or of a worker has config.common.database.pool.max_connections, config.orchestration.web.database_pools.web_api_max_connections or the variable TASKER_DATABASE__POOL_SIZE: pools are as large as the database has connections for. Set connections.per_server or connections.per_worker."
  }

  validation {
    condition = alltrue([
      for values in concat([var.release.values], values(var.release.workers)[*].values) :
      !can(yamldecode(values).image.repository) && !can(yamldecode(values).image.tag) && !can(yamldecode(values).image.digest)
    ])
    error_message = "`values` of the server or of a worker has image.repository, image.tag or image.digest: set release.image, or that of the worker."
  }
}
