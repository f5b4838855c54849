"""Pages of the admin; included before `admin.site.urls`, as `admin/tasker/`."""

from __future__ import annotations

from django.urls import path

from . import admin_views

app_name = "tasker_admin"

urlpatterns = [
    path("", admin_views.tasks, name="tasks"),
    path("<uuid:task_uuid>/", admin_views.task, name="task"),
    path("<uuid:task_uuid>/act/", admin_views.act, name="act"),
]
