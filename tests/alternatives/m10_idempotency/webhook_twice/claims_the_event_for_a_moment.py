"""One attempt per event at a time, claimed for a moment; a delivery that comes meanwhile is told to come again."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///shop.db"))
open_session = async_sessionmaker(engine, expire_on_commit=False)
LEASE = 0.3


class Base(DeclarativeBase): ...


class Delivery(Base):
    __tablename__ = "deliveries"
    event: Mapped[str] = mapped_column(primary_key=True)
    claimed_until: Mapped[float] = mapped_column(default=0.0)
    done: Mapped[bool] = mapped_column(default=False)


class Order(Base):
    __tablename__ = "orders"
    order: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    status: Mapped[str]
    paid: Mapped[int]


class Event(BaseModel):
    id: str
    order: str
    number: int
    status: str
    amount: int


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def claim(event: Event) -> bool:
    """Whether there is something to do, for me. Raises HTTPException 409 when somebody else is at it."""
    now = time.time()
    async with open_session.begin() as session:
        await session.execute(
            insert(Delivery).values(event=event.id, claimed_until=0, done=False).on_conflict_do_nothing()
        )
        free = update(Delivery).where(Delivery.event == event.id, ~Delivery.done, Delivery.claimed_until < now)
        if (await session.execute(free.values(claimed_until=now + LEASE))).rowcount:
            return True
        if await session.scalar(select(Delivery.done).where(Delivery.event == event.id)):
            return False
    raise HTTPException(409, "Somebody is at it.")


async def charge(event: Event) -> None:
    async with httpx.AsyncClient(base_url=os.environ["PAYMENTS_URL"]) as provider:
        body = {"order": event.order, "amount": event.amount}
        (await provider.post("/charges", json=body, headers={"Idempotency-Key": event.id})).raise_for_status()


async def finish(event: Event) -> None:
    async with open_session.begin() as session:
        mark = update(Delivery).where(Delivery.event == event.id, ~Delivery.done).values(done=True)
        if not (await session.execute(mark)).rowcount:
            return  # the claim had run out, and somebody else was quicker
        empty = {"order": event.order, "number": -1, "status": "", "paid": 0}
        await session.execute(insert(Order).values(**empty).on_conflict_do_nothing())
        this = update(Order).where(Order.order == event.order)
        if event.status == "shipped":
            await session.execute(this.values(paid=Order.paid + event.amount))
        await session.execute(this.where(Order.number < event.number).values(number=event.number, status=event.status))


@app.post("/webhooks/warehouse")
async def receive(event: Event) -> dict[str, bool]:
    if not await claim(event):
        return {"new": False}
    try:
        if event.status == "shipped":
            await charge(event)
    except httpx.HTTPError as error:
        async with open_session.begin() as session:
            await session.execute(update(Delivery).where(Delivery.event == event.id).values(claimed_until=0))
        raise HTTPException(503) from error
    await finish(event)
    return {"new": True}


@app.get("/orders/{order}")
async def read_order(order: str) -> dict[str, object]:
    async with open_session() as session:
        found = await session.get(Order, order)
    if found is None:
        raise HTTPException(404)
    return {"order": order, "number": found.number, "status": found.status, "paid": found.paid}
