"""Celery's tasks of the shop."""

from typing import Any

from celery import shared_task

from .views import place_order


@shared_task(name="shop.place")
def place() -> dict[str, Any]:
    return place_order()
