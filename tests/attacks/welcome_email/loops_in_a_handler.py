"""Computes for ever in a handler."""

SAYS = "was not answered"
EARNED = 0

from fastapi import FastAPI

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    while True:
        pass
