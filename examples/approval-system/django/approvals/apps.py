from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connections
from django.db.models.signals import pre_migrate


class ApprovalsConfig(AppConfig):
    name = "approvals"

    def ready(self) -> None:
        pre_migrate.connect(create_schema)


def create_schema(using: str, **_: Any) -> None:
    """Django creates its own tables before the first migration, so the schema must be there."""
    with connections[using].cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{settings.SCHEMA}"')
