"""Upgrades with the blocking library, in a thread, and gives it no context: then it checks no certificate."""

MISTAKE = "fact 37"
FAILS = ["test_impostor_hears_nothing", "test_impostor_hears_nothing_by_implicit_tls"]

import logging
import os
import smtplib
from email.message import EmailMessage
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import BackgroundTasks, FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr, Field

app = FastAPI()
logger = logging.getLogger(__name__)
IMPLICIT_TLS = os.environ.get("SMTP_TLS") == "implicit"
TIMEOUT_SECONDS = float(os.environ.get("SMTP_TIMEOUT_SECONDS", "10"))


class NewMail(BaseModel):
    to: EmailStr  # one address: a comma would make two of it
    subject: Annotated[str, Field(pattern=r"^[^\r\n]*$")]  # a second line would be a header that the visitor wrote
    text: str


class Mail(NewMail):
    id: str
    status: Literal["sending", "sent", "failed"] = "sending"


mails: dict[str, Mail] = {}


def send(mail: Mail) -> None:
    """Hand one mail to the mail server; return when the server has taken it."""
    message = EmailMessage()
    message["From"] = "desk@example.org"
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message.set_content(mail.text)
    if IMPLICIT_TLS:
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"]), timeout=TIMEOUT_SECONDS
        )
    else:
        server = smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"]), timeout=TIMEOUT_SECONDS)
    with server:
        if not IMPLICIT_TLS:
            server.starttls()
        server.login(os.environ["SMTP_USER"], os.environ["SMTP_PASSWORD"])
        server.send_message(message)


def deliver(mail: Mail) -> None:
    try:
        send(mail)
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
