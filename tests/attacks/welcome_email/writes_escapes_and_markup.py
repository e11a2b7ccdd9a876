"""Writes terminal escapes and markup into everything that may be shown."""

SAYS = "answered with 203"
EARNED = 1

import sys

from fastapi import FastAPI
from fastapi import Response

app = FastAPI()


@app.api_route("/signups", methods=["POST"])
@app.api_route("/{number}")
async def sign_up(number: str = ""):
    print("[bold red]\x1b]0;owned\x07\x1b[2J[link=http://example.org]click[/link]", file=sys.stderr)
    if number:
        return Response("[blink]\x1b[31m</pre><script>alert(1)</script>\u202e\x9b2J", status_code=203)
    return Response(b"{}", status_code=202, headers={"location": "/[bold]%1b[31m"})
