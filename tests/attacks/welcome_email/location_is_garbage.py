"""Gives a Location that is no address."""

SAYS = "no Location header with a path to follow"
EARNED = 1

from fastapi import FastAPI
from fastapi import Response

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    return Response(b"{}", status_code=202, headers={"location": "http://[::1/signups"})
