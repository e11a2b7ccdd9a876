"""Makes a file name of the key, and of two keys that differ in a special character the same one."""

MISTAKE = "D1"
FAILS = ["test_keys_survive_a_restart"]

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.error import URLError
from urllib.request import Request as Outgoing
from urllib.request import urlopen
from uuid import uuid4

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

FOLDER = Path(os.environ.get("DATA_DIR", ".")) / "keys"
FOLDER.mkdir(exist_ok=True)
KEY_TTL = float(os.environ.get("KEY_TTL_SECONDS", "86400"))
app = FastAPI()


class Payment(BaseModel):
    order: str
    amount: int


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write(path: Path, known: dict[str, object]) -> None:
    fresh = path.with_suffix(f".{uuid4().hex}")
    fresh.write_text(json.dumps(known))
    os.replace(fresh, path)


def take_money(payment: Payment, key: str) -> dict[str, object]:
    body = payment.model_dump_json().encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    try:
        with urlopen(Outgoing(os.environ["PAYMENTS_URL"] + "/charges", body, headers), timeout=30) as answer:
            return json.load(answer)
    except (URLError, OSError, ValueError) as error:
        raise HTTPException(502) from error


@app.post("/payments", status_code=201)
def pay(payment: Payment, idempotency_key: Annotated[str | None, Header()] = None) -> dict[str, object]:
    if not idempotency_key:
        raise HTTPException(400)
    path = FOLDER / (re.sub(r"[^A-Za-z0-9-]", "_", idempotency_key) + ".json")
    with locked(path.with_suffix(".lock")):
        known = json.loads(path.read_text()) if path.exists() else {"since": 0.0}
        if known["since"] < time.time() - KEY_TTL:
            known = {"since": time.time(), "payment": payment.model_dump(), "ours": uuid4().hex, "charge": None}
            write(path, known)
        if known["payment"] != payment.model_dump():
            raise HTTPException(422)
        if not known["charge"]:
            known["charge"] = take_money(payment, known["ours"])
            write(path, known)
        return known["charge"]
