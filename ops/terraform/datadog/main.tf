# The monitors are those that `cargo xtask codegen` writes from ops/monitoring/catalogue. Nothing of them is repeated here.

locals {
  folder         = "${path.module}/../../monitoring/datadog-monitors"
  catalogue      = { for file in fileset(local.folder, "*.json") : trimsuffix(file, ".json") => jsondecode(file("${local.folder}/${file}")) }
  with_threshold = [for name, monitor in local.catalogue : name if monitor.type == "query alert"]

  # The last line of a message is the handle of the catalogue's own settings.
  texts    = { for name, monitor in local.catalogue : name => regex("^(?s:(.*))\n@[^\n]*$", monitor.message)[0] }
  severity = { for name, monitor in local.catalogue : name => [for tag in monitor.tags : trimprefix(tag, "severity:") if startswith(tag, "severity:")][0] }

  # In a query, and in a service check.
  scoped = {
    for name, monitor in local.catalogue : name => var.cluster == null ? monitor.query : replace(
      replace(monitor.query, "tasker_cluster:*", "tasker_cluster:${var.cluster}"),
      "\").by(", "\",\"tasker_cluster:${var.cluster}\").by("
    )
  }
  queries = {
    for name, query in local.scoped : name => contains(keys(var.thresholds), name) ? replace(query, "/[0-9.]+$/", var.thresholds[name]) : query
  }
}

resource "datadog_monitor" "this" {
  for_each = { for name, monitor in local.catalogue : name => monitor if !contains(var.disabled, name) }

  name     = replace(each.value.name, "/^\\[Tasker\\]/", var.prefix)
  type     = each.value.type
  query    = local.queries[each.key]
  message  = join("\n", concat([local.texts[each.key]], var.notify[local.severity[each.key]]))
  priority = each.value.priority
  tags     = concat(each.value.tags, var.tags)

  include_tags        = each.value.options.include_tags
  notify_audit        = each.value.options.notify_audit
  notify_no_data      = each.value.options.notify_no_data
  no_data_timeframe   = try(each.value.options.no_data_timeframe, null)
  renotify_interval   = each.value.options.renotify_interval
  require_full_window = each.value.options.require_full_window

  monitor_thresholds {
    critical = try(var.thresholds[each.key], each.value.options.thresholds.critical)
    warning  = try(each.value.options.thresholds.warning, null)
    ok       = try(each.value.options.thresholds.ok, null)
  }
}
