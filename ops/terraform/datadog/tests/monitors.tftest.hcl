mock_provider "datadog" {}

variables {
  notify = { critical = ["@pagerduty-Tasker", "@ops@example.org"], warning = ["@slack-tasker-low"] }
}

run "every_file_is_a_monitor" {
  assert {
    condition     = sort(keys(datadog_monitor.this)) == sort([for file in fileset("../../monitoring/datadog-monitors", "*.json") : trimsuffix(file, ".json")])
    error_message = "monitors and files must be the same"
  }

  assert {
    condition     = length(datadog_monitor.this) > 30
    error_message = "the files must be found"
  }

  assert {
    condition = alltrue([for name, monitor in datadog_monitor.this : monitor.query == jsondecode(file("../../monitoring/datadog-monitors/${name}.json")).query
    && monitor.name == jsondecode(file("../../monitoring/datadog-monitors/${name}.json")).name])
    error_message = "without inputs, queries and names must be those of the files"
  }

  assert {
    condition = alltrue([for name, monitor in datadog_monitor.this :
    tonumber(one(monitor.monitor_thresholds).critical) == jsondecode(file("../../monitoring/datadog-monitors/${name}.json")).options.thresholds.critical])
    error_message = "without inputs, thresholds must be those of the files"
  }

  # The module names each option; one that the generator adds must be added here and there.
  assert {
    condition = length(setsubtract(
      flatten([for name in keys(datadog_monitor.this) : keys(jsondecode(file("../../monitoring/datadog-monitors/${name}.json")).options)]),
      ["include_tags", "no_data_timeframe", "notify_audit", "notify_no_data", "renotify_interval", "require_full_window", "thresholds"]
    )) == 0
    error_message = "a file has an option that main.tf drops"
  }

  assert {
    condition = alltrue([for name, monitor in datadog_monitor.this : endswith(monitor.message, contains(monitor.tags, "severity:critical")
    ? "/docs/runbooks/${name}.md\n@pagerduty-Tasker\n@ops@example.org" : "/docs/runbooks/${name}.md\n@slack-tasker-low")])
    error_message = "a message must end with its runbook and the handles of its severity"
  }

  assert {
    condition     = !anytrue([for monitor in datadog_monitor.this : can(regex("@slack-tasker(\n|$)", monitor.message))])
    error_message = "the handle of the catalogue's settings must be gone"
  }
}

run "one_cluster" {
  variables {
    cluster = "production"
  }

  assert {
    condition     = alltrue([for monitor in datadog_monitor.this : strcontains(monitor.query, "tasker_cluster:production") && !strcontains(monitor.query, "tasker_cluster:*")])
    error_message = "each query must be limited to the cluster"
  }

  assert {
    condition     = startswith(datadog_monitor.this["TaskerWorkersDown"].query, "\"tasker.openmetrics.health\".over(\"component:worker\",\"tasker_cluster:production\").by(")
    error_message = "service checks must be limited to the cluster, too"
  }
}

run "thresholds_prefix_tags_and_disabled" {
  variables {
    thresholds = { TaskerTasksSlow = 30, TaskerHandlerFailing = 0.25 }
    prefix     = "[Tasker staging]"
    tags       = ["team:orders"]
    disabled   = ["TaskerQueueDeep"]
  }

  assert {
    condition     = endswith(datadog_monitor.this["TaskerTasksSlow"].query, " > 30") && one(datadog_monitor.this["TaskerTasksSlow"].monitor_thresholds).critical == "30"
    error_message = "a threshold is in the query and beside it"
  }

  assert {
    condition     = endswith(datadog_monitor.this["TaskerHandlerFailing"].query, " > 0.25")
    error_message = "a threshold may be a fraction"
  }

  assert {
    condition     = endswith(datadog_monitor.this["TaskerQueueNotRead"].query, " > 300")
    error_message = "the other thresholds must stay"
  }

  assert {
    condition     = alltrue([for monitor in datadog_monitor.this : startswith(monitor.name, "[Tasker staging] ") && contains(monitor.tags, "team:orders") && contains(monitor.tags, "service:tasker")])
    error_message = "each monitor must have the prefix and the tags"
  }

  assert {
    condition     = !contains(keys(datadog_monitor.this), "TaskerQueueDeep") && contains(keys(datadog_monitor.this), "TaskerQueueNotRead")
    error_message = "what is disabled, and only that, must have no monitor"
  }
}

run "nobody_is_told_of_critical_alerts" {
  command = plan

  variables {
    notify = { critical = [], warning = ["@slack-tasker"] }
  }

  expect_failures = [var.notify]
}

run "a_handle_without_its_sign" {
  command = plan

  variables {
    notify = { critical = ["pagerduty-Tasker"], warning = [] }
  }

  expect_failures = [var.notify]
}

run "a_prefix_with_a_variable_of_datadog" {
  command = plan

  variables {
    prefix = "{{host.name}}"
  }

  expect_failures = [var.prefix]
}

run "a_tag_without_a_key" {
  command = plan

  variables {
    tags = ["orders"]
  }

  expect_failures = [var.tags]
}

run "a_tag_that_the_monitors_have" {
  command = plan

  variables {
    tags = ["severity:low"]
  }

  expect_failures = [var.tags]
}

run "a_cluster_that_would_end_the_scope" {
  command = plan

  variables {
    cluster = "production} by {host"
  }

  expect_failures = [var.cluster]
}

run "an_alert_that_is_not_there" {
  command = plan

  variables {
    disabled = ["TaskerQueueDepth"]
  }

  expect_failures = [var.disabled]
}

run "a_threshold_of_a_service_check" {
  command = plan

  variables {
    thresholds = { TaskerServerDown = 5 }
  }

  expect_failures = [var.thresholds]
}

run "a_threshold_below_zero" {
  command = plan

  variables {
    thresholds = { TaskerQueueDeep = -1 }
  }

  expect_failures = [var.thresholds]
}
