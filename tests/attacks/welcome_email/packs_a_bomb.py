"""Answers with 30 MB, packed into 30 KB."""

SAYS = "no Location header"
EARNED = 1

import gzip

from fastapi import FastAPI
from fastapi import Response

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    return Response(gzip.compress(b"x" * 30_000_000), status_code=202, headers={"content-encoding": "gzip"})
