"""Sends the message inside the transaction, before it is known whether there will be an order."""

MISTAKE = "A14"
FAILS = [
    "test_visitors_do_not_wait_for_the_broker",
    "test_refused_order_has_no_message",
    "test_message_is_sent_until_it_is_taken",
]


import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

RELAY_SECONDS = float(os.environ.get("RELAY_SECONDS", "0.05"))


class Order(BaseModel):
    number: str
    customer: str
    item: str


class Base(DeclarativeBase): ...


class StoredOrder(Base):
    __tablename__ = "orders"
    number: Mapped[str] = mapped_column(primary_key=True)
    customer: Mapped[str]
    item: Mapped[str]


engine = create_async_engine(os.environ["DATABASE_URL"])
open_session = async_sessionmaker(engine, expire_on_commit=False)
broker = httpx.AsyncClient(base_url=os.environ["BROKER_URL"], timeout=10)


async def publish(message_id: str, order: Order) -> None:
    """Return when the broker has taken the message; raises httpx.HTTPError when it has not."""
    answer = await broker.post("/messages", json={"id": message_id} | order.model_dump())
    answer.raise_for_status()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await broker.aclose()
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/orders", status_code=201)
async def place_order(order: Order) -> Order:
    try:
        async with open_session.begin() as session:
            await publish(uuid4().hex, order)
            session.add(StoredOrder(**order.model_dump()))
    except IntegrityError as error:
        raise HTTPException(409, "There is an order of this number.") from error
    return order


@app.get("/orders/{number}")
async def show_order(number: str) -> Order:
    async with open_session() as session:
        if found := await session.get(StoredOrder, number):
            return Order(number=found.number, customer=found.customer, item=found.item)
    raise HTTPException(404)
