"""Starts a task, and awaits it before it answers."""

MISTAKE = "A3"
FAILS = ["test_email_leaves_after_the_response"]

import asyncio
import os
from email.message import EmailMessage
from uuid import uuid4

import aiosmtplib
from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr


class NewSignup(BaseModel):
    email: EmailStr


class Signup(NewSignup):
    id: str


app = FastAPI()
signups: dict[str, Signup] = {}


async def send_welcome(address: str) -> None:
    """Write to one new subscriber; return when the mail server has taken the email."""
    mail = EmailMessage()
    mail["From"] = "hello@example.org"
    mail["To"] = address
    mail["Subject"] = "Welcome"
    mail.set_content("Good to have you with us.")
    await aiosmtplib.send(mail, hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"]))


@app.post("/signups", status_code=202)
async def sign_up(new: NewSignup, response: Response) -> Signup:
    signup = Signup(id=uuid4().hex, email=new.email)
    signups[signup.id] = signup
    task = asyncio.create_task(send_welcome(signup.email))
    await task
    response.headers["Location"] = f"/signups/{signup.id}"  # accepted is not done: here is where to look again
    return signup


@app.get("/signups/{signup_id}")
def read_signup(signup_id: str) -> Signup:
    if signup_id not in signups:
        raise HTTPException(404)
    return signups[signup_id]
