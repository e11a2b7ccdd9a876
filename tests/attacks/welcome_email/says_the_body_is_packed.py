"""Says that its plain body is packed."""

SAYS = "answered with 404"
EARNED = 1

from fastapi import FastAPI
from fastapi import Response

app = FastAPI()


@app.post("/signups", status_code=202)
async def sign_up():
    return Response(b"{}", status_code=202, headers={"content-encoding": "gzip", "location": "/signups/1"})
