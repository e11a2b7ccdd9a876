"""Sends the mail server what is no SMTP."""

SAYS = ""
EARNED = (0, 12)

import os
import smtplib
import socket

from fastapi import BackgroundTasks, FastAPI, Response

for garbage in (
    b"\0" * 100_000,
    b"x" * 1_000_000 + b"\r\n",
    b"RCPT TO:<" + b"y" * 500 + b">\r\n",
    b"EHLO \xff\r\nMAIL FROM:<\xff\xfe>\r\n",
):
    try:
        with socket.create_connection((os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"]))) as line:
            line.sendall(garbage)
    except OSError:
        continue


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
