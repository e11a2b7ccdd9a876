"""Takes whatever has an @ and no blank for one address: a comma alone makes two of it."""

MISTAKE = "fact 38"
FAILS = ["test_nothing_is_smuggled_in"]

import logging
import os
from email.message import EmailMessage
from typing import Annotated, Literal
from uuid import uuid4

import aiosmtplib
from fastapi import BackgroundTasks, FastAPI, HTTPException, Response
from pydantic import BaseModel, Field

app = FastAPI()
logger = logging.getLogger(__name__)
IMPLICIT_TLS = os.environ.get("SMTP_TLS") == "implicit"
TIMEOUT_SECONDS = float(os.environ.get("SMTP_TIMEOUT_SECONDS", "10"))


class NewMail(BaseModel):
    to: Annotated[str, Field(pattern=r"^[^\s@]+@\S+\.\w+$")]
    subject: Annotated[str, Field(pattern=r"^[^\r\n]*$")]  # a second line would be a header that the visitor wrote
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


async def deliver(mail: Mail) -> None:
    try:
        await send(mail)
        mail.status = "sent"
    except Exception:
        mail.status = "failed"
        logger.exception("mail %s failed", mail.id)  # the error may name the address; password and text stay out


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
