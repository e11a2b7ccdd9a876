"""Turns visitors away as long as one email waits for the mail server."""

MISTAKE = "A10"
FAILS = ["test_stuck_mail_server_delays_nobody"]

import os
import smtplib
from email.message import EmailMessage
from uuid import uuid4

from fastapi import BackgroundTasks, FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr


class NewSignup(BaseModel):
    email: EmailStr


class Signup(NewSignup):
    id: str


app = FastAPI()
signups: dict[str, Signup] = {}
waiting: set[str] = set()


def send_welcome(address: str) -> None:
    """Write to one new subscriber; return when the mail server has taken the email."""
    mail = EmailMessage()
    mail["From"] = "hello@example.org"
    mail["To"] = address
    mail["Subject"] = "Welcome"
    mail.set_content("Good to have you with us.")
    with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])) as server:
        waiting.discard(address)
        server.send_message(mail)


@app.post("/signups", status_code=202)
def sign_up(new: NewSignup, response: Response, tasks: BackgroundTasks) -> Signup:
    if waiting:
        raise HTTPException(503, headers={"Retry-After": "1"})
    waiting.add(new.email)
    signup = Signup(id=uuid4().hex, email=new.email)
    signups[signup.id] = signup
    tasks.add_task(send_welcome, signup.email)  # not called here: FastAPI does that when the response has been sent
    response.headers["Location"] = f"/signups/{signup.id}"  # accepted is not done: here is where to look again
    return signup


@app.get("/signups/{signup_id}")
def read_signup(signup_id: str) -> Signup:
    if signup_id not in signups:
        raise HTTPException(404)
    return signups[signup_id]
