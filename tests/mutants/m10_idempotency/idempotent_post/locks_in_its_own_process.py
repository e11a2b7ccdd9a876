"""Looks, charges and writes under a lock, of which each process has one of its own."""

MISTAKE = "H7"
FAILS = [
    "test_twenty_at_once_are_charged_once",
    "test_a_failed_attempt_may_be_repeated",
    "test_a_crash_in_the_middle_charges_once",
]

import os
import sqlite3
import threading
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
    "CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, payment TEXT, provider_key TEXT, since REAL, charge TEXT)"
)

app = FastAPI()
lock = threading.Lock()
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
        found = database.execute("SELECT payment, provider_key, charge FROM keys WHERE key = ?", (key,)).fetchone()
    return Claim(*found) if found else Claim(payment, uuid4().hex, None)


@app.post("/payments", status_code=201)
def pay(payment: Payment, idempotency_key: Annotated[str | None, Header()] = None) -> Charge:
    if not idempotency_key:
        raise HTTPException(400, "Send an Idempotency-Key.")
    with lock:
        return pay_once(idempotency_key, payment)


def pay_once(idempotency_key: str, payment: Payment) -> Charge:
    claimed = claim(idempotency_key, payment.model_dump_json())
    if claimed.payment != payment.model_dump_json():
        raise HTTPException(422, "This key stands for another payment.")
    if claimed.charge:
        return Charge.model_validate_json(claimed.charge)
    charge = take_money(payment, claimed.provider_key)
    with transaction() as database:
        done = (idempotency_key, payment.model_dump_json(), "", time.time(), charge.model_dump_json())
        database.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?)", done)
    return charge


with closing(sqlite3.connect(DATABASE)) as new_database:
    new_database.execute("PRAGMA journal_mode = WAL")
    new_database.execute(TABLE)
