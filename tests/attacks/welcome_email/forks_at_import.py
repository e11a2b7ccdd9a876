"""Forks once: two processes serve."""

SAYS = ""
EARNED = (0, 12)

import os
import smtplib

from fastapi import BackgroundTasks, FastAPI, Response

os.fork()


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
