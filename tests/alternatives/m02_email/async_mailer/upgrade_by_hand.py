"""Connects in clear, upgrades in a step of its own, logs in; a validator of its own looks for line breaks."""

import logging
import os
from email.message import EmailMessage
from typing import Literal
from uuid import uuid4

import aiosmtplib
from fastapi import BackgroundTasks, FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr, field_validator

app = FastAPI()
logger = logging.getLogger(__name__)
IMPLICIT_TLS = os.environ.get("SMTP_TLS") == "implicit"
TIMEOUT_SECONDS = float(os.environ.get("SMTP_TIMEOUT_SECONDS", "10"))


class NewMail(BaseModel):
    to: EmailStr  # one address: a comma would make two of it
    subject: str

    @field_validator("subject")
    @classmethod
    def has_one_line(cls, subject: str) -> str:
        if len(f"{subject}.".splitlines()) > 1:  # the dot: a break at the end begins a line, too
            raise ValueError("one line, please")
        return subject

    text: str


class Mail(NewMail):
    id: str
    status: Literal["sending", "sent", "failed"] = "sending"


mails: dict[str, Mail] = {}


async def send(mail: Mail) -> None:
    """Hand one mail to the mail server; return when the server has taken it."""
    message = EmailMessage()
    message["From"] = "desk@example.org"
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message.set_content(mail.text)
    client = aiosmtplib.SMTP(
        hostname=os.environ["SMTP_HOST"],
        port=int(os.environ["SMTP_PORT"]),
        use_tls=IMPLICIT_TLS,
        start_tls=False,
        timeout=TIMEOUT_SECONDS,
    )
    async with client:
        if not IMPLICIT_TLS:
            await client.starttls()
        await client.login(os.environ["SMTP_USER"], os.environ["SMTP_PASSWORD"])
        await client.send_message(message)


async def deliver(mail: Mail) -> None:
    try:
        await send(mail)
        mail.status = "sent"
    except Exception:
        mail.status = "failed"
        logger.exception("mail %s failed", mail.id)  # the id alone: neither password nor text belongs into a log


@app.post("/mails", status_code=202)
async def post_mail(new: NewMail, response: Response, background: BackgroundTasks) -> Mail:
    mail = Mail(id=uuid4().hex, to=new.to, subject=new.subject, text=new.text)
    mails[mail.id] = mail
    background.add_task(deliver, mail)
    response.headers["Location"] = f"/mails/{mail.id}"
    return mail


@app.get("/mails/{mail_id}")
async def read_mail(mail_id: str) -> Mail:
    if mail_id not in mails:
        raise HTTPException(404)
    return mails[mail_id]
