"""Answers JSON with halves of characters."""

SAYS = "shows another subscriber"
EARNED = 1

from fastapi import FastAPI
from fastapi import Response

app = FastAPI()


@app.api_route("/signups", methods=["POST"])
@app.api_route("/signups/{number}")
async def sign_up(number: str = ""):
    if number:
        return Response(b'{"email": "\\ud800", "\\udfff": 1}')
    return Response(b"{}", status_code=202, headers={"location": "/signups/1"})
