"""The newsletter: a bad address costs nobody else their copy, and the editor can read who was lost, and why.

POST /newsletters {"subject": "...", "text": "...", "recipients": ["ada@example.com", ...]} is answered with 202 at
once, though the recipients be five hundred and the mail server stuck; its Location is the path of GET
/newsletters/{id}. Afterwards every recipient is sent a mail of their own (one address, that subject, that text),
exactly once, in any order. The mail server is at SMTP_HOST, SMTP_PORT. It grants MAIL_CONNECTIONS conversations at a
time, to all newsletters together (4 unless set): as long as there is mail enough to send, keep that many open at once,
also while the server takes its time over one of them or its greeting, and never more. No address is listed twice.

A recipient has failed when the server refuses the address or hangs up; nobody is tried twice, and all others still
get theirs. GET /newsletters/{id} is answered with 200 and how far it got, for example
{"status": "sending", "sent": 2, "failed": {"bob@example.com": "some words on why"}}. `sent` counts the mails
delivered; when every recipient is either counted there or a key of `failed`, the status is "done".

Nothing may dawdle: an effect follows its cause within a tenth of a second when the world is quick.
"""

import os
from email.message import EmailMessage
from uuid import uuid4

import aiosmtplib
from fastapi import BackgroundTasks, FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr

app = FastAPI()
MAIL_CONNECTIONS = int(os.environ.get("MAIL_CONNECTIONS", "4"))


class Newsletter(BaseModel):
    subject: str
    text: str
    recipients: list[EmailStr]


class Progress(BaseModel):
    status: str = "sending"
    sent: int = 0
    failed: dict[str, str] = {}


progress_of: dict[str, Progress] = {}


async def send_mail(newsletter: Newsletter, recipient: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "news@example.org", recipient, newsletter.subject
    message.set_content(newsletter.text)
    await aiosmtplib.send(message, hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"]))


async def send_to_all(newsletter: Newsletter, progress: Progress) -> None:
    # Your part: what becomes of the others, and of the progress, when one recipient's mail cannot be sent?
    # And how many conversations with the mail server are there at a time?
    for recipient in newsletter.recipients:
        await send_mail(newsletter, recipient)
        progress.sent += 1


@app.post("/newsletters", status_code=202)
async def publish(newsletter: Newsletter, background: BackgroundTasks, response: Response) -> Progress:
    newsletter_id = uuid4().hex
    progress = progress_of[newsletter_id] = Progress()
    background.add_task(send_to_all, newsletter, progress)
    response.headers["Location"] = f"/newsletters/{newsletter_id}"
    return progress


@app.get("/newsletters/{newsletter_id}")
async def read_progress(newsletter_id: str) -> Progress:
    if newsletter_id not in progress_of:
        raise HTTPException(404)
    return progress_of[newsletter_id]
