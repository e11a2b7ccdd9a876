"""Plain functions in threads, with blocking clients."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from redis import Redis

LOCK = "lock:report"
LOCK_TTL_SECONDS = int(os.environ.get("LOCK_TTL_SECONDS", "30"))

FREE_IF_MINE = """
if redis.call("GET", KEYS[1]) == ARGV[1] then
    return redis.call("DEL", KEYS[1])
end
return 0
"""  # a script runs as a whole: nobody can take the lock between the look and the DEL


class Report(BaseModel):
    total: int


app = FastAPI()
redis = Redis.from_url(os.environ["REDIS_URL"])


@contextmanager
def report_lock() -> Iterator[None]:
    """Hold the lock; 409 when somebody else does."""
    token = secrets.token_hex()
    if not redis.set(LOCK, token, nx=True, ex=LOCK_TTL_SECONDS):  # one command: taken and bound to expire
        raise HTTPException(409, "The report is being made.")
    try:
        yield
    finally:  # also when the report fails
        redis.eval(FREE_IF_MINE, 1, LOCK, token)


def ask_ledger() -> Report:
    with httpx.Client(base_url=os.environ["LEDGER_URL"], timeout=60) as ledger:
        answer = ledger.get("/total")
        answer.raise_for_status()
        return Report.model_validate(answer.json())


@app.post("/reports", status_code=201)
def make_report() -> Report:
    with report_lock():
        try:
            return ask_ledger()
        except httpx.HTTPError as error:
            raise HTTPException(502, "The ledger gave no total.") from error
