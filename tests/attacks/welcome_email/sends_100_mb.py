"""Answers with 100 MB."""

SAYS = "was not answered"
EARNED = 0

from fastapi import FastAPI
from fastapi import Response

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    return Response(b"spam and eggs   " * 6_553_600, status_code=202)
