"""Places orders, and says what runs in the process that did it."""

import sys
import threading
from pathlib import Path
from typing import Any

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

import tasker_contrib_django as tasker

from .models import Order


def place_order() -> dict[str, Any]:
    with transaction.atomic():
        order = Order.objects.create(amount=5)
        task = tasker.create_task("order", {"order_id": order.pk}, namespace="shop")
    return {"order": order.pk, "task": task.task_uuid, **process()}


@csrf_exempt
def place(request: HttpRequest) -> JsonResponse:
    return JsonResponse(place_order())


async def place_async(request: HttpRequest) -> JsonResponse:
    order = await Order.objects.acreate(amount=5)
    task = await tasker.acreate_task("order", {"order_id": order.pk}, namespace="shop")
    return JsonResponse({"order": order.pk, "task": task.task_uuid, **process()})


def process() -> dict[str, Any]:
    """Threads, as Python and as the system know them, and whether Core's native code is loaded."""
    return {
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "system_threads": len(list(Path("/proc/self/task").iterdir())),
        "native": "tasker_core" in sys.modules
        or "_tasker_core" in Path("/proc/self/maps").read_text(),
    }
