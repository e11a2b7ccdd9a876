"""A queue of single mails with consumers that live as long as the application."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from uuid import uuid4

import aiosmtplib
from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr

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
mails: asyncio.Queue[tuple[Newsletter, str, Progress]] = asyncio.Queue()


async def send_mail(newsletter: Newsletter, recipient: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "news@example.org", recipient, newsletter.subject
    message.set_content(newsletter.text)
    await aiosmtplib.send(message, hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"]))


async def consume() -> None:
    while True:
        newsletter, recipient, progress = await mails.get()
        try:
            await send_mail(newsletter, recipient)
            progress.sent += 1
        except Exception as error:
            progress.failed[recipient] = repr(error)
        if progress.sent + len(progress.failed) == len(newsletter.recipients):
            progress.status = "done"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    consumers = [asyncio.create_task(consume()) for _ in range(MAIL_CONNECTIONS)]
    yield
    for consumer in consumers:
        consumer.cancel()
    await asyncio.gather(*consumers, return_exceptions=True)


app = FastAPI(lifespan=lifespan)


@app.post("/newsletters", status_code=202)
async def publish(newsletter: Newsletter, response: Response) -> Progress:
    newsletter_id = uuid4().hex
    progress = progress_of[newsletter_id] = Progress()
    for recipient in newsletter.recipients:
        mails.put_nowait((newsletter, recipient, progress))
    response.headers["Location"] = f"/newsletters/{newsletter_id}"
    return progress


@app.get("/newsletters/{newsletter_id}")
async def read_progress(newsletter_id: str) -> Progress:
    if newsletter_id not in progress_of:
        raise HTTPException(404)
    return progress_of[newsletter_id]
