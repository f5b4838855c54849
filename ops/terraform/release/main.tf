# Installs the charts, the same way on all clouds. Helm's provider is configured by whoever uses this.

locals {
  # What the chart of the server calls its Service.
  server = strcontains(var.name, "tasker-orchestration") ? var.name : "${var.name}-tasker-orchestration"
  url    = "http://api-${local.server}:8080"

  most = merge({ server = var.servers }, { for name, worker in var.release.workers : "worker-${name}" => worker.most })

  # One pod, or an autoscaler that never starts more than the database has connections for.
  scaling = {
    for name, most in local.most : name => {
      replicas    = min(2, most)
      autoscaling = { enabled = most > 1, minReplicas = min(2, most), maxReplicas = most }
    }
  }

  images = merge({ server = var.release.image }, { for name, worker in var.release.workers : "worker-${name}" => worker.image })
  parts  = { for name, image in local.images : name => regex("^(?P<repository>[^@]+?)(?::(?P<tag>[\\w.-]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$", image) }

  own = {
    for name, parts in local.parts : name => yamlencode(merge(local.scaling[name], {
      image = { for part, value in parts : part => value == null ? "" : value }
    }))
  }
}

resource "helm_release" "server" {
  name      = var.name
  namespace = var.namespace
  chart     = "${var.release.charts}/tasker-orchestration"
  version   = var.release.version
  values    = compact([var.helm_values, var.server_values, local.own.server, var.release.values])

  # The migration has ten minutes of it.
  timeout = 900
}

resource "helm_release" "workers" {
  for_each = var.release.workers

  name      = "${var.name}-${each.key}"
  namespace = var.namespace
  chart     = "${var.release.charts}/tasker-worker"
  version   = var.release.version
  values    = compact([var.helm_values, local.own["worker-${each.key}"], yamlencode({ orchestrationUrl = local.url }), each.value.values])
  timeout   = 600

  # It begins with the queues and the schema that the server's release has made.
  depends_on = [helm_release.server]
}
