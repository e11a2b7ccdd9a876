"""The outbox: whoever stores an order also writes down that it has to be told.

    POST /orders  {"number": "A-17", "customer": "ada", "item": "tea"}
                  201 and the order as above; 409 when there is an order of that number
    GET  /orders/{number}  200 and the order as above; 404 when there is none

Of every order that is stored, the broker is told: POST BROKER_URL/messages with
{"id": "<string>", "number": "A-17", "customer": "ada", "item": "tea"}. It has taken a message when it answers 2xx.
Behind it are consumers who act on each id once: a message that is sent again keeps its id, and no two share one.
Make these true, on a database (DATABASE_URL, SQLite) that outlives the process:

- The visitor is answered when the order is stored, even while the broker is silent, refuses, or is down.
- Order and message are stored both or not at all. An order that was refused with 409 has no message.
- Whenever the process is killed, it goes on after a restart, with no new request: each stored order's message arrives.
- Until the broker has taken a message, it is sent again, each time after RELAY_SECONDS: when any other status is
  answered, when the broker hangs up, when it is not there. Once taken, it is not sent again.
- The messages of a customer are taken in the order in which the orders were stored: none overtakes an earlier one.

Your part is place_order, and a relay: a background task of this service that carries the messages. There is only ever
one instance. Nothing may dawdle: an effect follows its cause within a tenth of a second, RELAY_SECONDS included.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

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
    # Larger than that of each message that still waits: the order in which they leave.
    place: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(default=lambda: uuid4().hex)  # made once and stored: every attempt carries it
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
        await publish(message.id, Order(number=message.number, customer=message.customer, item=message.item))
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
