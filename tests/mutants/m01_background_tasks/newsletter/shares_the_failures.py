"""Starts every newsletter from a shallow copy: all of them share one dictionary of failures."""

MISTAKE = "A13"
FAILS = ["test_every_failure_is_recorded"]

import asyncio
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
FRESH = Progress()
conversations = asyncio.Semaphore(MAIL_CONNECTIONS)


async def send_mail(newsletter: Newsletter, recipient: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "news@example.org", recipient, newsletter.subject
    message.set_content(newsletter.text)
    await aiosmtplib.send(message, hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"]))


async def deliver(newsletter: Newsletter, recipient: str, progress: Progress) -> None:
    async with conversations:
        try:
            await send_mail(newsletter, recipient)
            progress.sent += 1
        except Exception as error:
            progress.failed[recipient] = repr(error)


async def send_to_all(newsletter: Newsletter, progress: Progress) -> None:
    # All the mails in one background task, because several tasks would run one after the other.
    await asyncio.gather(*(deliver(newsletter, recipient, progress) for recipient in newsletter.recipients))
    progress.status = "done"


@app.post("/newsletters", status_code=202)
async def publish(newsletter: Newsletter, background: BackgroundTasks, response: Response) -> Progress:
    newsletter_id = uuid4().hex
    progress = progress_of[newsletter_id] = FRESH.model_copy()
    background.add_task(send_to_all, newsletter, progress)
    response.headers["Location"] = f"/newsletters/{newsletter_id}"
    return progress


@app.get("/newsletters/{newsletter_id}")
async def read_progress(newsletter_id: str) -> Progress:
    if newsletter_id not in progress_of:
        raise HTTPException(404)
    return progress_of[newsletter_id]
