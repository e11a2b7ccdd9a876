"""Answers JSON that is nested a hundred thousand deep."""

SAYS = "has no field"
EARNED = 1

from fastapi import FastAPI
from fastapi import Response

app = FastAPI()


@app.api_route("/signups", methods=["POST"])
@app.api_route("/signups/{number}")
async def sign_up(number: str = ""):
    if number:
        return Response(b"[" * 100_000 + b"]" * 100_000)
    return Response(b"{}", status_code=202, headers={"location": "/signups/1"})
