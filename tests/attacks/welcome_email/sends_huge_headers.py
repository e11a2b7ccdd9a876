"""Answers with a header of a megabyte."""

SAYS = "was not answered"
EARNED = 0

from fastapi import FastAPI
from fastapi import Response

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    return Response(status_code=202, headers={"location": "/" + "x" * 1_000_000})
