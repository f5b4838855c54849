"""`path("tasker/", include("tasker_contrib_django.urls"))`.

`live`, `ready` and `metrics` are for probes and Prometheus and need no login. The task routes
answer 404 until `TASKER["PERMISSIONS"]` names the permission that they ask for.
"""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "tasker"

urlpatterns = [
    path("live", views.live, name="live"),
    path("ready", views.ready, name="ready"),
    path("metrics", views.metrics, name="metrics"),
    path("tasks", views.tasks, name="tasks"),
    path("tasks/<uuid:task_uuid>", views.task, name="task"),
]
