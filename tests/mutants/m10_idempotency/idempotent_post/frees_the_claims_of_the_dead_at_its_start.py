"""Admits one attempt at a time, and frees the claims of a process that died only when one is started."""

MISTAKE = "I2"
FAILS = ["test_a_crash_in_the_middle_charges_once"]

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple
from uuid import uuid4

import httpx
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

DATABASE = Path(os.environ.get("DATA_DIR", ".")) / "payments.db"
KEY_TTL = float(os.environ.get("KEY_TTL_SECONDS", "86400"))
TABLE = (
    "CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, payment TEXT, provider_key TEXT, since REAL, charge TEXT,"
    " busy INTEGER)"
)

app = FastAPI()
provider = httpx.Client(base_url=os.environ.get("PAYMENTS_URL", "http://localhost:8001"))


class Payment(BaseModel):
    order: str
    amount: int


class Charge(Payment):
    id: str


class Claim(NamedTuple):
    payment: str
    provider_key: str
    charge: str | None
    busy: int


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """Everything in it happens or nothing, and nobody else writes meanwhile."""
    with closing(sqlite3.connect(DATABASE, timeout=10, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        with database:  # commits at its end, or rolls back
            yield database


def take_money(payment: Payment, key: str) -> Charge:
    """Charge through the provider; the same key and payment again get the same charge. Raises HTTPException 502."""
    try:
        answer = provider.post("/charges", json=payment.model_dump(), headers={"Idempotency-Key": key})
        return Charge.model_validate(answer.raise_for_status().json())
    except httpx.HTTPError as error:
        raise HTTPException(502, "The payment provider failed; try again with the same key.") from error


def claim(key: str, payment: str) -> Claim:
    """Read what a key stands for, which its first request has decided."""
    now = time.time()
    with transaction() as database:
        database.execute("DELETE FROM keys WHERE since < ?", (now - KEY_TTL,))
        # Not "is it there?" and then "put it there": the primary key lets one of all who try succeed. The others read
        # what that one has written. And it is written before the money is taken, so that a crash cannot lose it.
        mine = (key, payment, uuid4().hex, now)
        database.execute("INSERT INTO keys VALUES (?, ?, ?, ?, NULL, 0) ON CONFLICT DO NOTHING", mine)
        found = database.execute(
            "SELECT payment, provider_key, charge, busy FROM keys WHERE key = ?", (key,)
        ).fetchone()
        database.execute("UPDATE keys SET busy = 1 WHERE key = ? AND payment = ?", (key, payment))
    return Claim(*found)


@app.post("/payments", status_code=201)
def pay(payment: Payment, idempotency_key: Annotated[str | None, Header()] = None) -> Charge:
    if not idempotency_key:
        raise HTTPException(400, "Send an Idempotency-Key.")
    claimed = claim(idempotency_key, payment.model_dump_json())
    if claimed.payment != payment.model_dump_json():
        raise HTTPException(422, "This key stands for another payment.")
    if claimed.charge:
        return Charge.model_validate_json(claimed.charge)
    if claimed.busy:
        raise HTTPException(409, "This payment is under way.")
    try:
        charge = take_money(payment, claimed.provider_key)
    except HTTPException:
        with transaction() as database:
            database.execute("UPDATE keys SET busy = 0 WHERE provider_key = ?", (claimed.provider_key,))
        raise
    with transaction() as database:
        done = (charge.model_dump_json(), claimed.provider_key)
        database.execute("UPDATE keys SET charge = ? WHERE provider_key = ?", done)
    return charge


with closing(sqlite3.connect(DATABASE)) as new_database:
    new_database.execute("PRAGMA journal_mode = WAL")
    new_database.execute(TABLE)
    new_database.execute("UPDATE keys SET busy = 0")  # of whoever has died
    new_database.commit()
