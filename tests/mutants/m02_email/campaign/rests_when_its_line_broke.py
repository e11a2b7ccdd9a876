"""Gives the server a rest of RETRY_SECONDS when it has hung up, and carries nothing meanwhile."""

MISTAKE = "J4"
FAILS = ["test_put_off_mail_waits_alone"]

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import aiosmtplib
from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr

MAIL_CONNECTIONS = int(os.environ.get("MAIL_CONNECTIONS", "4"))
RETRY_SECONDS = float(os.environ.get("RETRY_SECONDS", "60"))

db = sqlite3.connect(Path(os.environ.get("DATA_DIR", "."), "campaigns.db"), check_same_thread=False)
db.executescript("""
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS campaigns (id TEXT PRIMARY KEY, subject TEXT, text TEXT);
    CREATE TABLE IF NOT EXISTS mails (
        number INTEGER PRIMARY KEY, campaign TEXT, recipient TEXT, status TEXT DEFAULT 'waiting', reason TEXT
    );
    CREATE INDEX IF NOT EXISTS mails_of ON mails (campaign, status);
""")


class Campaign(BaseModel):
    subject: str
    text: str
    recipients: list[EmailStr]


class Progress(BaseModel):
    status: str
    sent: int
    failed: dict[str, str]


waiting: asyncio.Queue[int] = asyncio.Queue()  # numbers of mails; what has to outlive the process is in the database


def note(number: int, status: str, reason: str = "") -> None:
    with db:  # committed when this returns
        db.execute("UPDATE mails SET status = ?, reason = ? WHERE number = ?", (status, reason, number))


def compose(number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "news@example.org"
    message["To"], message["Subject"], text = db.execute(
        "SELECT recipient, subject, text FROM mails JOIN campaigns ON id = campaign WHERE number = ?", (number,)
    ).fetchone()
    message.set_content(text)
    return message


def may_pass(error: Exception) -> bool:
    """Tell "not now", or trouble that is not about this mail, from a "no" (5xx) to this recipient or this mail."""
    answer = error.recipients[0] if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else error
    # A greeting, a login or a sender that is refused says nothing of the recipient; an OSError is a line that broke.
    return (
        answer.code < 500
        if isinstance(answer, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError)
        else isinstance(answer, aiosmtplib.SMTPResponseException | OSError)
    )


async def carry_mails(numbers: asyncio.Queue[int]) -> None:
    # One connection, and one mail after the other on it: a conversation cannot be shared.
    client = aiosmtplib.SMTP(hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"]))
    while True:
        number = await numbers.get()
        try:
            if not client.is_connected:  # the first time, and when the server has hung up
                await client.connect()
            await client.send_message(compose(number))
            note(number, "sent")  # behind the server's 250 for this one mail, and ahead of the next mail
        except Exception as error:  # noqa: BLE001 - whatever it was, the others are waiting
            if may_pass(error):
                asyncio.get_running_loop().call_later(RETRY_SECONDS, numbers.put_nowait, number)
                if not client.is_connected:
                    await asyncio.sleep(RETRY_SECONDS)
            else:
                note(number, "failed", str(error) or repr(error))


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    for (number,) in db.execute("SELECT number FROM mails WHERE status = 'waiting'"):  # what a crash left behind
        waiting.put_nowait(number)
    carriers = [asyncio.create_task(carry_mails(waiting)) for _ in range(MAIL_CONNECTIONS)]
    yield
    for carrier in carriers:
        carrier.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/campaigns", status_code=202)
async def start_campaign(campaign: Campaign, response: Response) -> Progress:
    campaign_id = uuid4().hex
    with db:  # all of it, or nothing
        db.execute("INSERT INTO campaigns VALUES (?, ?, ?)", (campaign_id, campaign.subject, campaign.text))
        db.executemany(
            "INSERT INTO mails (campaign, recipient) VALUES (?, ?)",
            [(campaign_id, recipient) for recipient in campaign.recipients],
        )
    for (number,) in db.execute("SELECT number FROM mails WHERE campaign = ?", (campaign_id,)):
        waiting.put_nowait(number)
    response.headers["Location"] = f"/campaigns/{campaign_id}"
    return await read_progress(campaign_id)


@app.get("/campaigns/{campaign_id}")
async def read_progress(campaign_id: str) -> Progress:
    if not db.execute("SELECT 1 FROM campaigns WHERE id = ?", (campaign_id,)).fetchone():
        raise HTTPException(404)
    counts = dict(
        db.execute("SELECT status, count(*) FROM mails WHERE campaign = ? GROUP BY status", (campaign_id,)).fetchall()
    )
    failed = dict(
        db.execute(
            "SELECT recipient, reason FROM mails WHERE campaign = ? AND status = 'failed'", (campaign_id,)
        ).fetchall()
    )
    return Progress(status="sending" if counts.get("waiting") else "done", sent=counts.get("sent", 0), failed=failed)
