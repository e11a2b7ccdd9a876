"""Deals the list out to its threads beforehand: who is behind a slow recipient waits."""

MISTAKE = "E11"
FAILS = [
    "test_conversations_are_as_many_as_granted",
    "test_slow_recipient_holds_up_nobody",
]

import asyncio
import os
import smtplib
import threading
from email.message import EmailMessage
from uuid import uuid4

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
writing = threading.Lock()


def compose(newsletter: Newsletter, recipient: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "news@example.org", recipient, newsletter.subject
    message.set_content(newsletter.text)
    return message


def send_part(newsletter: Newsletter, recipients: list[str], progress: Progress) -> None:
    server = None
    for recipient in recipients:
        try:
            if server is None:
                server = smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"]))
            server.send_message(compose(newsletter, recipient))
        except (smtplib.SMTPException, OSError) as error:
            with writing:
                progress.failed[recipient] = repr(error)
            if not isinstance(error, smtplib.SMTPRecipientsRefused):
                server = None
        else:
            with writing:
                progress.sent += 1
    if server is not None:
        server.quit()


async def send_to_all(newsletter: Newsletter, progress: Progress) -> None:
    parts = [newsletter.recipients[first::MAIL_CONNECTIONS] for first in range(MAIL_CONNECTIONS)]
    await asyncio.gather(*(asyncio.to_thread(send_part, newsletter, part, progress) for part in parts))
    progress.status = "done"


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
