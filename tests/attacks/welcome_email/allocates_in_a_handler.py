"""Wants 5 GB for each visitor."""

SAYS = "answered with 500"
EARNED = 0

from fastapi import FastAPI

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    return {"size": len(bytearray(5 * 1024**3))}
