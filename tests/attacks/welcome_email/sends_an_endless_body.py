"""Answers with a body that never ends."""

SAYS = "was not answered"
EARNED = 0

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    def spam():
        while True:
            yield b"spam and eggs " * 1000

    return StreamingResponse(spam(), status_code=202)
