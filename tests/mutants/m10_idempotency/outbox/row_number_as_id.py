"""The id is the number of the row, which SQLite gives again once the last row is gone."""

MISTAKE = "F3"
FAILS = ["test_message_keeps_its_id"]


import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

RELAY_SECONDS = float(os.environ.get("RELAY_SECONDS", "0.05"))
logger = logging.getLogger(__name__)


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


class Message(Base):
    __tablename__ = "outbox"
    place: Mapped[int] = mapped_column(primary_key=True)  # grows with each message: the order in which they leave
    number: Mapped[str]
    customer: Mapped[str]
    item: Mapped[str]


engine = create_async_engine(os.environ["DATABASE_URL"])
open_session = async_sessionmaker(engine, expire_on_commit=False)
broker = httpx.AsyncClient(base_url=os.environ["BROKER_URL"], timeout=10)


async def publish(message_id: str, order: Order) -> None:
    """Return when the broker has taken the message; raises httpx.HTTPError when it has not."""
    answer = await broker.post("/messages", json={"id": message_id} | order.model_dump())
    answer.raise_for_status()


async def send_waiting() -> None:
    async with open_session() as session:
        waiting = (await session.scalars(select(Message).order_by(Message.place))).all()
    for message in waiting:  # the first one that is not taken ends the round: nothing may overtake it
        await publish(str(message.place), Order(number=message.number, customer=message.customer, item=message.item))
        async with open_session.begin() as session:  # behind the broker's answer, never before it
            await session.delete(message)


async def relay() -> None:
    while True:
        try:
            await send_waiting()
        except Exception as error:  # noqa: BLE001 - whatever it was, the messages are still there
            logger.warning("A message has not been taken: %r", error)
        await asyncio.sleep(RELAY_SECONDS)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    carrying = asyncio.create_task(relay())  # its first round sends what the last process left behind
    yield
    carrying.cancel()
    await broker.aclose()
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/orders", status_code=201)
async def place_order(order: Order) -> Order:
    try:
        async with open_session.begin() as session:  # one transaction: both rows, or none
            session.add(StoredOrder(**order.model_dump()))
            session.add(Message(**order.model_dump()))
    except IntegrityError as error:
        raise HTTPException(409, "There is an order of this number.") from error
    return order


@app.get("/orders/{number}")
async def show_order(number: str) -> Order:
    async with open_session() as session:
        if found := await session.get(StoredOrder, number):
            return Order(number=found.number, customer=found.customer, item=found.item)
    raise HTTPException(404)
