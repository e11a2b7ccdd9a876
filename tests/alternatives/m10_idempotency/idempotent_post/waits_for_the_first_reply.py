"""One attempt at a time; whoever comes meanwhile looks every few milliseconds whether its reply is there."""

import asyncio
import hashlib
import os
import sqlite3
import time
from typing import Annotated

import httpx
from fastapi import FastAPI, Header, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel

KEY_TTL = float(os.environ.get("KEY_TTL_SECONDS", "86400"))
LEASE, LOOK = 0.3, 0.02
db = sqlite3.connect(os.path.join(os.environ.get("DATA_DIR", "."), "keys.sqlite"), timeout=20, isolation_level=None)
db.execute("CREATE TABLE IF NOT EXISTS keys (key PRIMARY KEY, body, since REAL, taken REAL, reply)")
app = FastAPI()


class Payment(BaseModel):
    order: str
    amount: int


def look(key: str, body: str) -> tuple[str, str | None, bool]:
    """Body and reply that belong to the key, and whether the money is now mine to take."""
    now = time.time()
    db.execute("DELETE FROM keys WHERE since <= ?", (now - KEY_TTL,))
    first = db.execute("INSERT OR IGNORE INTO keys VALUES (?, ?, ?, ?, NULL)", (key, body, now, now)).rowcount
    again = db.execute(
        "UPDATE keys SET taken = ? WHERE key = ? AND body = ? AND reply IS NULL AND taken < ?",
        (now, key, body, now - LEASE),
    ).rowcount
    row = db.execute("SELECT body, reply FROM keys WHERE key = ?", (key,)).fetchone()
    return row[0], row[1], first + again > 0


@app.post("/payments", status_code=201)
async def pay(payment: Payment, idempotency_key: Annotated[str | None, Header()] = None):
    if not idempotency_key:
        return JSONResponse({"detail": "no key"}, 400)
    wanted = payment.model_dump_json()
    while True:
        body, reply, mine = look(idempotency_key, wanted)
        if body != wanted:
            return JSONResponse({"detail": "another payment's key"}, 422)
        if reply:
            return JSONResponse(httpx.Response(201, text=reply).json(), 201)
        if mine:
            break
        await asyncio.sleep(LOOK)
    theirs = hashlib.sha256(f"{idempotency_key}\n{wanted}".encode()).hexdigest()
    async with httpx.AsyncClient() as client:
        try:
            url = os.environ["PAYMENTS_URL"] + "/charges"
            answer = await client.post(url, json=payment.model_dump(), headers={"Idempotency-Key": theirs})
            answer.raise_for_status()
        except httpx.HTTPError as error:
            db.execute("UPDATE keys SET taken = 0 WHERE key = ?", (idempotency_key,))
            raise HTTPException(502) from error
    db.execute("UPDATE keys SET reply = ? WHERE key = ?", (answer.text, idempotency_key))
    return JSONResponse(answer.json(), 201)
