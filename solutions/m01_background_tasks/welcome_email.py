"""The welcome email: nobody waits for the mail server.

POST /signups  {"email": "ada@example.com"}
    202 Accepted, {"id": "<string>", "email": "ada@example.com"}, and a Location header that leads to the signup.
GET /signups/{id}: 200 with the same body.

Each subscriber gets one email, by the mail server at SMTP_HOST and SMTP_PORT (no login, no TLS). It may be stuck: it
takes the connection and says nothing. Even then signups are answered at once (the first two dozen at least), and the
emails leave when the server is itself again. Nothing dawdles: an effect follows its cause within a tenth of a second.

Your part is sign_up, and send_welcome if you like: as it is, the visitor waits for the mail server, is told 200, and
learns no address at which to look again.
"""

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


def send_welcome(address: str) -> None:
    """Write to one new subscriber; return when the mail server has taken the email."""
    mail = EmailMessage()
    mail["From"] = "hello@example.org"
    mail["To"] = address
    mail["Subject"] = "Welcome"
    mail.set_content("Good to have you with us.")
    with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])) as server:
        server.send_message(mail)


@app.post("/signups", status_code=202)
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
