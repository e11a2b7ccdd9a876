"""Answers with a body that never ends, a byte now and then."""

SAYS = "was not answered"
EARNED = 0

import asyncio

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    async def drops():
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    return StreamingResponse(drops(), status_code=202)
