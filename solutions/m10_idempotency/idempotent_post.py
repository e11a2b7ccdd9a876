"""The idempotent POST: whoever asks twice pays once.

POST /payments  {"order": "A-17", "amount": 1200}   with a header Idempotency-Key: any text that the visitor made up
    201 {"id": "ch_1", "order": "A-17", "amount": 1200}: the charge as the payment provider answered it. A visitor who
    got no answer, or an error, sends the request again, with the same key. Another key is another payment.

- Without a key: 400, and nobody is charged.
- The same key and body again: the first one's reply, status and body, and no second charge. So it is too when the
  requests come at once, to two processes of this service that share their data: a request that comes while another
  with its key is under way waits for that one's reply, or gets 409 at once (your choice) and is sent again later.
- The same key with another body: 422, and nobody is charged; so it is too when the first request has failed.
- The provider fails or hangs up: 502 (given, see take_money). With the same key and body the visitor may try again,
  until it succeeds; however often that is, there is one charge.
- All of this holds across a restart and a crash, also for a process that lives on when another one dies. A key that was
  in use in the crash may be answered with 409 for half a second more, not longer.
- A key is forgotten KEY_TTL_SECONDS (a decimal number) after its first request. From then on, or at most half a second
  later, it may come with another body, and that payment is charged like any other.

POST {PAYMENTS_URL}/charges takes the money, and honours an Idempotency-Key of its own: once it has charged, the same
key and body get the same answer and no second charge; the same key with another body gets 422. It never forgets a key.

Keep what has to survive in files in DATA_DIR, or in the SQLite database at DATABASE_URL. Nothing may dawdle: in a quick
world an effect follows its cause within a tenth of a second.

Your part is pay, and the table: as it is, two requests at once are charged twice, and so is one whose answer was lost.
"""

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
    "CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, payment TEXT, provider_key TEXT, since REAL, charge TEXT)"
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
        database.execute("INSERT INTO keys VALUES (?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING", mine)
        found = database.execute("SELECT payment, provider_key, charge FROM keys WHERE key = ?", (key,)).fetchone()
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
    # Perhaps somebody else is here too, or was, and crashed. All of them show the provider one key: it charges once.
    charge = take_money(payment, claimed.provider_key)
    with transaction() as database:
        done = (charge.model_dump_json(), claimed.provider_key)
        database.execute("UPDATE keys SET charge = ? WHERE provider_key = ?", done)
    return charge


with closing(sqlite3.connect(DATABASE)) as new_database:
    # At the first start only: of several processes at the same moment one may fail here, and has to be started again.
    new_database.execute("PRAGMA journal_mode = WAL")
    new_database.execute(TABLE)
