"""Redirects every visitor to where he came from."""

SAYS = "answered with 307"
EARNED = 0

from fastapi import FastAPI
from fastapi.responses import RedirectResponse

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    return RedirectResponse("/signups")
