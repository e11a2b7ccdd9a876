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

KEY_TTL = float(os.environ.get("KEY_TTL_SECONDS", "86400"))
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
        db.execute("CREATE TABLE IF NOT EXISTS seen (key TEXT UNIQUE, body TEXT, reply BLOB, until REAL)")
        db.execute("DELETE FROM seen WHERE until < ?", (time.time(),))
        # What the key stands for is committed before the charge: a failure or a crash must not undo it.
        db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, NULL, ?)", (key, body, time.time() + KEY_TTL))
        db.execute("BEGIN IMMEDIATE")
        try:
            row = db.execute("SELECT body, reply, until FROM seen WHERE key = ?", (key,)).fetchone()
            if row is None:
                raise HTTPException(409)  # its time was up while we waited
            known, reply, until = row
            if known != body:
                raise HTTPException(422)
            if reply:
                return Response(reply, 201, media_type="application/json")
            name = hashlib.sha256(f"{key} {until}".encode()).hexdigest()
            reply = client.post("/charges", json=payment.model_dump(), headers={"Idempotency-Key": name})
            reply.raise_for_status()
            db.execute("UPDATE seen SET reply = ? WHERE key = ?", (reply.content, key))
            return Response(reply.content, 201, media_type="application/json")
        except httpx.HTTPError as error:
            raise HTTPException(502) from error
        finally:
            db.execute("COMMIT")
