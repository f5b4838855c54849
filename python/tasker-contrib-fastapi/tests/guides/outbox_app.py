"""An order and its task are stored in one transaction, or neither is."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

import tasker_contrib_fastapi as tasker

engine = create_engine(os.environ["SHOP_DATABASE_URL"])  # postgresql+psycopg://…
outbox = tasker.Outbox(table="shop.tasker_outbox")


@asynccontextmanager
async def relay(app: FastAPI) -> AsyncIterator[None]:
    async with tasker.OutboxRelay(engine, table="shop.tasker_outbox"):
        yield


app = FastAPI(lifespan=tasker.lifespan(wrap=relay))


@app.post("/orders", status_code=202)
def place_order(amount: int) -> dict[str, int]:
    with Session(engine) as session, session.begin():
        insert = text("insert into shop.orders (amount) values (:amount) returning id")
        order_id = session.scalars(insert, {"amount": amount}).one()
        outbox.enqueue(session, "ship", {"order_id": order_id}, namespace="shop")
    return {"order_id": order_id}
