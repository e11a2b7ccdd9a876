"""Couriers share one list; each keeps a connection and opens a new one when the old one is gone."""

import asyncio
import os
from collections.abc import Iterator
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
one_at_a_time = asyncio.Lock()  # the grant is for all newsletters together


def compose(newsletter: Newsletter, recipient: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "news@example.org", recipient, newsletter.subject
    message.set_content(newsletter.text)
    return message


async def courier(newsletter: Newsletter, recipients: Iterator[str], progress: Progress) -> None:
    server = aiosmtplib.SMTP(hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"]))
    for recipient in recipients:
        try:
            if not server.is_connected:
                await server.connect()
            await server.send_message(compose(newsletter, recipient))
            progress.sent += 1
        except (aiosmtplib.SMTPException, OSError) as error:
            progress.failed[recipient] = str(error) or type(error).__name__
            if isinstance(error, aiosmtplib.SMTPServerDisconnected):
                server.close()
    if server.is_connected:
        await server.quit()


async def send_to_all(newsletter: Newsletter, progress: Progress) -> None:
    # All the mails in one background task, because several tasks would run one after the other.
    recipients = iter(newsletter.recipients)
    async with one_at_a_time:
        await asyncio.gather(*(courier(newsletter, recipients, progress) for _ in range(MAIL_CONNECTIONS)))
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
