"""Redirects every visitor to another server."""

SAYS = "answered with 303"
EARNED = 0

from fastapi import FastAPI
from fastapi.responses import RedirectResponse

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    return RedirectResponse("http://127.0.0.1:1/", status_code=303)
