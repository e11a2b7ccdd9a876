"""Lets the visitor wait for room in a bounded queue."""

MISTAKE = "B10"
FAILS = ["test_stuck_mail_server_delays_nobody"]

import asyncio
from contextlib import asynccontextmanager
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


signups: dict[str, Signup] = {}


def send_welcome(address: str) -> None:
    mail = EmailMessage()
    mail["From"] = "hello@example.org"
    mail["To"] = address
    mail["Subject"] = "Welcome"
    mail.set_content("Good to have you with us.")
    with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])) as server:
        server.send_message(mail)


outbox: asyncio.Queue = asyncio.Queue(maxsize=5)


async def worker() -> None:
    while True:
        address = await outbox.get()
        try:
            await asyncio.to_thread(send_welcome, address)
        except (OSError, smtplib.SMTPException) as error:
            print("not sent", address, error)


@asynccontextmanager
async def lifespan(app: FastAPI):
    task = asyncio.create_task(worker())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/signups", status_code=202)
async def sign_up(new: NewSignup, response: Response) -> Signup:
    signup = Signup(id=uuid4().hex, email=new.email)
    signups[signup.id] = signup
    await outbox.put(signup.email)
    response.headers["Location"] = f"/signups/{signup.id}"
    return signup


@app.get("/signups/{signup_id}")
def read_signup(signup_id: str) -> Signup:
    if signup_id not in signups:
        raise HTTPException(404)
    return signups[signup_id]
