"""Answers with a field of two million lines where an address is asked for."""

SAYS = "shows another subscriber"
EARNED = 1

from fastapi import FastAPI, Response

app = FastAPI()


@app.api_route("/signups", methods=["POST"])
@app.api_route("/signups/{number}")
async def sign_up(response: Response, number: str = ""):
    if number:
        return {"email": "x\n" * 2_000_000}
    response.headers["location"] = "/signups/1"
    response.status_code = 202
    return {}
