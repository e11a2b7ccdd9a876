"""Forks without end when a visitor comes (95 tokens in a pipe limit it)."""

SAYS = "was not answered"
EARNED = 0

import os
import time

from fastapi import FastAPI

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    tokens, fill = os.pipe()
    os.write(fill, b"x" * 95)  # a bomb for real has no such end
    os.close(fill)
    while os.read(tokens, 1):
        os.fork()
    while True:
        time.sleep(1)
