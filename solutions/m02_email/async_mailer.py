"""The async mailer: encrypted or not at all, nothing smuggled in, and no mail server is waited for without end.

POST /mails {"to": "ada@example.com", "subject": "...", "text": "..."} is answered with 202 at once; its Location is the
path of GET /mails/{id}: 200, with a "status" in its body: "sending", then "sent" or "failed". Then one mail goes out to
that address, with that subject and text. A `to` that is not exactly one address, or a subject with a line break in it
(CR, LF or both), is answered with 422, and nothing is sent to anybody.

Read from the environment:
SMTP_HOST, SMTP_PORT          the mail server; the port says nothing about encryption
SMTP_TLS                      "starttls" (the default): connect in clear, then upgrade by STARTTLS;
                              "implicit": TLS from the first byte. In either case a server that does not encrypt, or
                              has no certificate that the system trusts, is told neither the password nor the mail:
                              the mail has failed
SMTP_USER, SMTP_PASSWORD      log in with these
SMTP_TIMEOUT_SECONDS          10 unless set, may be a fraction: when the server falls silent for that long, be it
                              before its greeting or with the mail in its hands, the mail has failed

While the mail server is stuck, visitors are served as usual; mails may go out one after the other. A failed mail is
not tried again, and does not go out when a server that had been given up speaks after all. Nothing may dawdle: an
effect follows its cause within a tenth of a second.
"""

import logging
import os
from email.message import EmailMessage
from typing import Annotated, Literal
from uuid import uuid4

import aiosmtplib
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
