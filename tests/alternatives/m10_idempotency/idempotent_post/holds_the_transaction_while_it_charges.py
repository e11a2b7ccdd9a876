"""Holds the database's only write lock while it charges: whoever comes meanwhile waits for the commit."""

import hashlib
import os
import sqlite3
import time
from contextlib import closing
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from pydantic import BaseModel

FILE = os.path.join(os.environ.get("DATA_DIR", "."), "idempotency.db")
app = FastAPI()
client = httpx.Client(base_url=os.environ.get("PAYMENTS_URL", "http://localhost:8001"), timeout=60)


class Payment(BaseModel):
    order: str
    amount: int


def the_key(idempotency_key: Annotated[str | None, Header()] = None) -> str:
    if idempotency_key:
        return idempotency_key
    raise HTTPException(400, "which key?")


@app.post("/payments")
def pay(payment: Payment, key: Annotated[str, Depends(the_key)]) -> Response:
    body = hashlib.sha256(payment.model_dump_json().encode()).hexdigest()
    with closing(sqlite3.connect(FILE, timeout=60, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            db.execute("CREATE TABLE IF NOT EXISTS seen (key TEXT UNIQUE, body TEXT, reply BLOB, until REAL)")
            db.execute("DELETE FROM seen WHERE until < ?", (time.time(),))
            for known, reply in db.execute("SELECT body, reply FROM seen WHERE key = ?", (key,)):
                if known != body:
                    raise HTTPException(422)
                return Response(reply, 201, media_type="application/json")
            # A crash undoes the row, so the provider's key has to follow from the request: the next try makes the same.
            reply = client.post("/charges", json=payment.model_dump(), headers={"Idempotency-Key": f"{key}:{body}"})
            reply.raise_for_status()
            until = time.time() + float(os.environ.get("KEY_TTL_SECONDS", "86400"))
            db.execute("INSERT INTO seen VALUES (?, ?, ?, ?)", (key, body, reply.content, until))
            return Response(reply.content, 201, media_type="application/json")
        except httpx.HTTPError as error:
            raise HTTPException(502) from error
        finally:
            db.execute("COMMIT")
