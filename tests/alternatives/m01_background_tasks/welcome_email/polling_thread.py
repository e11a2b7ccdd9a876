"""One thread that looks every 20 ms whether somebody has to be welcomed."""

import os
import smtplib
import threading
import time
from email.message import EmailMessage
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr


class NewSignup(BaseModel):
    email: EmailStr


class Signup(NewSignup):
    id: str


app = FastAPI()
signups: dict[str, Signup] = {}
waiting: list[str] = []


def send_welcome(address: str) -> None:
    """Write to one new subscriber; return when the mail server has taken the email."""
    mail = EmailMessage()
    mail["From"] = "hello@example.org"
    mail["To"] = address
    mail["Subject"] = "Welcome"
    mail.set_content("Good to have you with us.")
    with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])) as server:
        server.send_message(mail)


def keep_sending() -> None:
    while True:
        while waiting:
            send_welcome(waiting.pop(0))
        time.sleep(0.02)


threading.Thread(target=keep_sending, daemon=True).start()


@app.post("/signups", status_code=202)
def sign_up(new: NewSignup, response: Response) -> Signup:
    signup = Signup(id=uuid4().hex, email=new.email)
    signups[signup.id] = signup
    waiting.append(signup.email)
    response.headers["Location"] = f"/signups/{signup.id}"  # accepted is not done: here is where to look again
    return signup


@app.get("/signups/{signup_id}")
def read_signup(signup_id: str) -> Signup:
    if signup_id not in signups:
        raise HTTPException(404)
    return signups[signup_id]
