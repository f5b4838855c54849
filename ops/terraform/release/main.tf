# Installs the charts, the same way on all clouds. Helm's provider is configured by whoever uses this.

locals {
  # What the chart of the server calls its Service.
  server = strcontains(var.name, "tasker-orchestration") ? var.name : "${var.name}-tasker-orchestration"
  url    = "http://api-${local.server}:8080"

  most  = merge({ server = var.connections.servers }, { for name, worker in var.release.workers : "worker-${name}" => worker.most })
  given = merge({ server = var.release.values }, { for name, worker in var.release.workers : "worker-${name}" => worker.values })
  keda  = { for name, values in local.given : name => try(yamldecode(values).keda.enabled, false) == true }

  # One pod, or an autoscaler that never starts more than the database has connections for. It is KEDA's, if that is what `values` ask for.
  scaling = {
    for name, most in local.most : name => merge(
      {
        replicas    = min(2, most)
        autoscaling = { enabled = most > 1 && !local.keda[name], minReplicas = min(2, most), maxReplicas = most }
      },
      { for key, value in { keda = { maxReplicas = most } } : key => value if local.keda[name] },
    )
  }

  # Of what is not for listening the REST API has a third. 95 connections are Core's pool of 60, and 30 for the API.
  api_pool = floor((var.connections.per_server - 5) / 3)

  # Core's pools, as large as the database has connections for. A list of variables is replaced as a whole, so yours are in it.
  pools = merge(
    {
      server = {
        config = {
          common        = { database = { pool = { max_connections = var.connections.per_server - 5 - local.api_pool } } }
          orchestration = { web = { database_pools = { web_api_max_connections = local.api_pool } } }
        }
      }
    },
    {
      for name, worker in var.release.workers : "worker-${name}" => {
        extraEnv = concat(try(yamldecode(worker.values).extraEnv, []), [{ name = "TASKER_DATABASE__POOL_SIZE", value = tostring(var.connections.per_worker - 3) }])
      }
    },
  )

  images = merge({ server = var.release.image }, { for name, worker in var.release.workers : "worker-${name}" => worker.image })
  parts  = { for name, image in local.images : name => regex("^(?P<repository>[^@]+?)(?::(?P<tag>[\\w.-]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$", image) }

  own = {
    for name, parts in local.parts : name => yamlencode(merge(local.scaling[name], local.pools[name], {
      image = { for part, value in parts : part => value == null ? "" : value }
    }))
  }
}

resource "helm_release" "server" {
  name      = var.name
  namespace = var.namespace
  chart     = "${var.release.charts}/tasker-orchestration"
  version   = var.release.version
  values    = compact([var.helm_values, var.server_values, var.release.values, local.own.server])

  # The migration has ten minutes of it.
  timeout = 900
}

resource "helm_release" "workers" {
  for_each = var.release.workers

  name      = "${var.name}-${each.key}"
  namespace = var.namespace
  chart     = "${var.release.charts}/tasker-worker"
  version   = var.release.version
  values    = compact([var.helm_values, yamlencode({ orchestrationUrl = local.url }), each.value.values, local.own["worker-${each.key}"]])
  timeout   = 600

  # It begins with the queues and the schema that the server's release has made.
  depends_on = [helm_release.server]
}
