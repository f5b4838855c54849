variable "notify" {
  description = "Whom the monitors tell, by severity: handles of Datadog, such as @pagerduty-Tasker or @slack-tasker."
  type = object({
    critical = list(string)
    warning  = list(string)
  })

  validation {
    condition     = length(var.notify.critical) > 0
    error_message = "notify.critical is empty: give at least one handle, such as @pagerduty-Tasker, or nobody hears that Tasker stands still."
  }

  validation {
    condition     = alltrue([for handle in concat(var.notify.critical, var.notify.warning) : can(regex("^@[^\\s@{}]+(@[^\\s@{}]+)?$", handle))])
    error_message = "notify has ${join(", ", [for handle in concat(var.notify.critical, var.notify.warning) : "\"${handle}\"" if !can(regex("^@[^\\s@{}]+(@[^\\s@{}]+)?$", handle))])}: a handle begins with @ and has no spaces, such as @slack-tasker or @ops@example.org."
  }
}

variable "prefix" {
  description = "The beginning of the name of each monitor."
  type        = string
  default     = "[Tasker]"

  validation {
    condition     = can(regex("^[^\\s{}]([^{}]{0,48}[^\\s{}])?$", var.prefix))
    error_message = "prefix is \"${var.prefix}\": 1 to 50 characters are allowed, without braces, and without a space at the beginning or the end."
  }
}

variable "tags" {
  description = "Tags of each monitor, beside `service:tasker`, `severity:…` and `alert:…`. They change no query."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for tag in var.tags : can(regex("^[a-z][a-z0-9_./-]*:[^\\s,]+$", tag)) && !can(regex("^(service|severity|alert):", tag))])
    error_message = "tags has ${join(", ", [for tag in var.tags : "\"${tag}\"" if !can(regex("^[a-z][a-z0-9_./-]*:[^\\s,]+$", tag)) || can(regex("^(service|severity|alert):", tag))])}: a tag is key:value in lower case, such as team:orders, and the keys service, severity and alert are taken."
  }
}

variable "cluster" {
  description = "The only installation that the monitors watch: the tag `tasker_cluster` of its agents. Without one they watch all."
  type        = string
  default     = null

  validation {
    condition     = var.cluster == null || can(regex("^[a-z][a-z0-9_.-]*$", var.cluster))
    error_message = "cluster is \"${coalesce(var.cluster, "null")}\": lower-case letters, digits, `_`, `.` and `-` are allowed, a letter first."
  }
}

variable "disabled" {
  description = "Alerts that get no monitor, such as TaskerQueueDeep."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.disabled, keys(local.catalogue))) == 0
    error_message = "disabled has ${join(", ", setsubtract(var.disabled, keys(local.catalogue)))}: no such alert. They are named like the files in ops/monitoring/datadog-monitors."
  }
}

variable "thresholds" {
  description = "Thresholds of your own, by alert, such as { TaskerTasksSlow = 30 }. The others are those of the catalogue."
  type        = map(number)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.thresholds), local.with_threshold)) == 0
    error_message = "thresholds has ${join(", ", setsubtract(keys(var.thresholds), local.with_threshold))}: no such alert, or one that counts failed checks and has no threshold."
  }

  validation {
    condition     = alltrue([for threshold in values(var.thresholds) : threshold >= 0])
    error_message = "thresholds has a number below 0, which no metric of Tasker reaches."
  }
}
