"""Listens, and never answers."""

SAYS = "was not answered"
EARNED = 0

import asyncio

from fastapi import FastAPI

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    await asyncio.Event().wait()
