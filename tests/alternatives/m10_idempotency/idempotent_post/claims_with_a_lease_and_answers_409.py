"""One attempt at a time, claimed for a moment; whoever comes meanwhile gets 409. Asynchronous, with SQLAlchemy."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import uuid4

import httpx
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import delete, or_, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

KEY_TTL = float(os.environ.get("KEY_TTL_SECONDS", "86400"))
LEASE = 0.4
engine = create_async_engine(os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///payments.db"))
open_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase): ...


class Key(Base):
    __tablename__ = "keys"
    key: Mapped[str] = mapped_column(primary_key=True)
    payment: Mapped[str]
    provider_key: Mapped[str]
    since: Mapped[float]
    busy_until: Mapped[float] = mapped_column(default=0.0)
    charge: Mapped[str | None]


class Payment(BaseModel):
    order: str
    amount: int


class Charge(Payment):
    id: str


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def take_money(payment: Payment, key: str) -> Charge:
    async with httpx.AsyncClient(base_url=os.environ["PAYMENTS_URL"]) as provider:
        try:
            answer = await provider.post("/charges", json=payment.model_dump(), headers={"Idempotency-Key": key})
            return Charge.model_validate(answer.raise_for_status().json())
        except httpx.HTTPError as error:
            raise HTTPException(502) from error


async def find(key: str, payment: Payment) -> Key:
    now = time.time()
    async with open_session.begin() as session:
        await session.execute(delete(Key).where(Key.since < now - KEY_TTL))
        mine = {"key": key, "payment": payment.model_dump_json(), "provider_key": str(uuid4()), "since": now}
        await session.execute(insert(Key).values(busy_until=0.0, **mine).on_conflict_do_nothing())
        return await session.get_one(Key, key)


async def finish(row: Key, **values: object) -> None:
    async with open_session.begin() as session:
        await session.execute(update(Key).where(Key.provider_key == row.provider_key).values(**values))


@app.post("/payments", status_code=201)
async def pay(payment: Payment, idempotency_key: Annotated[str, Header()] = "") -> Charge:
    if not idempotency_key:
        raise HTTPException(400)
    row = await find(idempotency_key, payment)
    if row.payment != payment.model_dump_json():
        raise HTTPException(422)
    if row.charge:
        return Charge.model_validate_json(row.charge)
    async with open_session.begin() as session:
        free = or_(Key.busy_until < time.time())
        mine = update(Key).where(Key.provider_key == row.provider_key, Key.charge.is_(None), free)
        admitted = (await session.execute(mine.values(busy_until=time.time() + LEASE))).rowcount
    if not admitted:
        raise HTTPException(409, "This payment is under way.", {"Retry-After": "1"})
    try:
        charge = await take_money(payment, row.provider_key)
    except HTTPException:
        await finish(row, busy_until=0.0)
        raise
    await finish(row, charge=charge.model_dump_json())
    return charge
