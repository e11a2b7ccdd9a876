"""Sends in batches: the next one begins when the slowest mail of this one is through."""

MISTAKE = "A9"
FAILS = ["test_slow_recipient_holds_up_nobody"]

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


mail_server = asyncio.Lock()  # one batch at a time, whichever newsletter it is from


async def deliver(newsletter: Newsletter, recipient: str, progress: Progress) -> None:
    try:
        await send_mail(newsletter, recipient)
        progress.sent += 1
    except Exception as error:
        progress.failed[recipient] = repr(error)


async def send_to_all(newsletter: Newsletter, progress: Progress) -> None:
    for start in range(0, len(newsletter.recipients), MAIL_CONNECTIONS):
        batch = newsletter.recipients[start : start + MAIL_CONNECTIONS]
        async with mail_server:
            await asyncio.gather(*(deliver(newsletter, recipient, progress) for recipient in batch))
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
