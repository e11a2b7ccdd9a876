"""A pool of threads with the blocking smtplib; the outcomes are collected in one place."""

import os
import smtplib
from concurrent.futures import ThreadPoolExecutor, as_completed
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
pool = ThreadPoolExecutor(MAIL_CONNECTIONS, "mail")


def send_mail(newsletter: Newsletter, recipient: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "news@example.org", recipient, newsletter.subject
    message.set_content(newsletter.text)
    with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])) as server:
        server.send_message(message)


def send_to_all(newsletter: Newsletter, progress: Progress) -> None:
    mails = {pool.submit(send_mail, newsletter, recipient): recipient for recipient in newsletter.recipients}
    for mail in as_completed(mails):
        error = mail.exception()
        if error is None:
            progress.sent += 1
        else:
            progress.failed[mails[mail]] = f"{type(error).__name__}: {error}"
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
