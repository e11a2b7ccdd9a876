"""Makes one message for everybody: emails that wait together all go to whoever signed up last."""

MISTAKE = "A13"
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


mail = EmailMessage()
mail["From"] = "hello@example.org"
mail["Subject"] = "Welcome"
mail.set_content("Good to have you with us.")


def send_welcome(address: str) -> None:
    """Write to one new subscriber; return when the mail server has taken the email."""
    del mail["To"]
    mail["To"] = address
    with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])) as server:
        server.send_message(mail)


@app.post("/signups", status_code=202)
def sign_up(new: NewSignup, response: Response, tasks: BackgroundTasks) -> Signup:
    signup = Signup(id=uuid4().hex, email=new.email)
    signups[signup.id] = signup
    tasks.add_task(send_welcome, signup.email)
    response.headers["Location"] = f"/signups/{signup.id}"  # accepted is not done: here is where to look again
    return signup


@app.get("/signups/{signup_id}")
def read_signup(signup_id: str) -> Signup:
    if signup_id not in signups:
        raise HTTPException(404)
    return signups[signup_id]
