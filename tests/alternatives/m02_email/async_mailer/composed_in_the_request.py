"""The message itself refuses a bad header, or nearly, in the request, where the visitor can still be told."""

import logging
import os
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Literal
from uuid import uuid4

import aiosmtplib
from fastapi import BackgroundTasks, FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr

app = FastAPI()
logger = logging.getLogger(__name__)
IMPLICIT_TLS = os.environ.get("SMTP_TLS") == "implicit"
TIMEOUT_SECONDS = float(os.environ.get("SMTP_TIMEOUT_SECONDS", "10"))


class NewMail(BaseModel):
    to: EmailStr  # one address: a comma would make two of it
    subject: str
    text: str


class Mail(NewMail):
    id: str
    status: Literal["sending", "sent", "failed"] = "sending"


mails: dict[str, Mail] = {}


def compose(new: NewMail) -> EmailMessage:
    """Raises ValueError when something cannot stand in a header."""
    if new.subject.endswith(("\r", "\n")):  # the only line break that the message itself lets pass
        raise ValueError("a subject has one line")
    message = EmailMessage()
    message["From"] = "desk@example.org"
    message["To"] = Address(addr_spec=new.to)
    message["Subject"] = new.subject
    message.set_content(new.text)
    return message


async def send(message: EmailMessage) -> None:
    """Hand one mail to the mail server; return when the server has taken it."""
    await aiosmtplib.send(
        message,
        hostname=os.environ["SMTP_HOST"],
        port=int(os.environ["SMTP_PORT"]),
        username=os.environ["SMTP_USER"],
        password=os.environ["SMTP_PASSWORD"],
        use_tls=IMPLICIT_TLS,
        start_tls=not IMPLICIT_TLS,  # True is "or not at all"; left out, it is "if the server says that it can"
        timeout=TIMEOUT_SECONDS,  # for each answer
    )


async def deliver(mail: Mail, message: EmailMessage) -> None:
    try:
        await send(message)
        mail.status = "sent"
    except Exception:
        mail.status = "failed"
        logger.exception("mail %s failed", mail.id)  # the id alone: neither password nor text belongs into a log


@app.post("/mails", status_code=202)
async def post_mail(new: NewMail, response: Response, background: BackgroundTasks) -> Mail:
    try:
        message = compose(new)
    except ValueError as error:
        raise HTTPException(422, "a subject has one line") from error
    mail = Mail(id=uuid4().hex, to=new.to, subject=new.subject, text=new.text)
    mails[mail.id] = mail
    background.add_task(deliver, mail, message)
    response.headers["Location"] = f"/mails/{mail.id}"
    return mail


@app.get("/mails/{mail_id}")
async def read_mail(mail_id: str) -> Mail:
    if mail_id not in mails:
        raise HTTPException(404)
    return mails[mail_id]
