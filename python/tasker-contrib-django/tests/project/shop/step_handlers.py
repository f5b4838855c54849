from typing import Annotated, Any

from django.utils import timezone, translation
from django.utils.translation import gettext
from pydantic import BaseModel

from tasker_contrib_django import Input, PermanentError, Result, step_handler

from .models import Order


class Job(BaseModel):
    order_id: int


class Charged(BaseModel):
    order_id: int
    amount: int


@step_handler("shop.charge")
def charge(job: Annotated[Job, Input()]) -> Charged:
    order = Order.objects.get(pk=job.order_id)
    order.state = "charged"
    order.save()
    return Charged(order_id=order.pk, amount=order.amount)


@step_handler("shop.ship")
async def ship(charged: Annotated[Charged, Result("charge")]) -> dict[str, Any]:
    order = await Order.objects.aget(pk=charged.order_id)
    order.state = "shipped"
    await order.asave()
    return {"state": order.state}


@step_handler("shop.surroundings")
def surroundings() -> dict[str, Any]:
    found = {
        "language": translation.get_language(),
        "text": gettext("Yes"),
        "zone": str(timezone.get_current_timezone()),
    }
    translation.activate("fr")
    timezone.activate("Asia/Tokyo")
    return found


@step_handler("shop.write_and_fail")
def write_and_fail() -> None:
    Order.objects.create(amount=1)
    raise PermanentError("after the write")


@step_handler("shop.row")
def row() -> Any:
    return {"orders": [Order(pk=7, amount=1)]}
