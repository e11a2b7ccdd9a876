"""Ends its process when the first visitor comes."""

SAYS = "was not answered"
EARNED = 0

import os

from fastapi import FastAPI

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    os._exit(0)
