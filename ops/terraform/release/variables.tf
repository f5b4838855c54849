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

variable "servers" {
  description = "The greatest number of servers."
  type        = number
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
}
