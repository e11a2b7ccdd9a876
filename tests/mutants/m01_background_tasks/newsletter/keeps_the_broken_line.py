"""Keeps a connection for many mails, and never opens it again after a hang-up."""

MISTAKE = "C4"
FAILS = [
    "test_bad_addresses_lose_nobody_else",
    "test_every_failure_is_recorded",
]

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


def written(newsletter: Newsletter, recipient: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "news@example.org", recipient, newsletter.subject
    message.set_content(newsletter.text)
    return message


async def send_mail(newsletter: Newsletter, recipient: str) -> None:
    await aiosmtplib.send(
        written(newsletter, recipient), hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"])
    )


conversations = asyncio.Semaphore(MAIL_CONNECTIONS)


async def worker(newsletter: Newsletter, waiting: list[str], progress: Progress) -> None:
    async with conversations:
        if not waiting:
            return
        line = aiosmtplib.SMTP(hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"]))
        await line.connect()
        while waiting:
            recipient = waiting.pop(0)
            try:
                await line.send_message(written(newsletter, recipient))
                progress.sent += 1
            except Exception as error:
                progress.failed[recipient] = repr(error)
        line.close()


async def send_to_all(newsletter: Newsletter, progress: Progress) -> None:
    waiting = list(newsletter.recipients)
    await asyncio.gather(*(worker(newsletter, waiting, progress) for _ in range(MAIL_CONNECTIONS)))
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
