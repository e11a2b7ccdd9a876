"""A dependency adds the task, and the endpoint adds it once more."""

MISTAKE = "A2"
FAILS = ["test_each_subscriber_gets_one_email"]

import os
import smtplib
from email.message import EmailMessage
from uuid import uuid4

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr


class NewSignup(BaseModel):
    email: EmailStr


class Signup(NewSignup):
    id: str


app = FastAPI()
signups: dict[str, Signup] = {}


def send_welcome(address: str) -> None:
    """Write to one new subscriber; return when the mail server has taken the email."""
    mail = EmailMessage()
    mail["From"] = "hello@example.org"
    mail["To"] = address
    mail["Subject"] = "Welcome"
    mail.set_content("Good to have you with us.")
    with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])) as server:
        server.send_message(mail)


def welcome(new: NewSignup, tasks: BackgroundTasks) -> None:
    tasks.add_task(send_welcome, new.email)


@app.post("/signups", status_code=202, dependencies=[Depends(welcome)])
def sign_up(new: NewSignup, response: Response, tasks: BackgroundTasks) -> Signup:
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
