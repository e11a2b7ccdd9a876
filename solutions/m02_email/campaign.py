"""The campaign: thousands of mails over a few connections, and after a crash on from where it was.

POST /campaigns {"subject": "...", "text": "...", "recipients": ["ada@example.com", ...]}, thousands of them and none
twice, is answered with 202 at once, though the mail server be stuck; its Location is the path of GET /campaigns/{id}:
200 and {"status": "sending", "sent": 2, "failed": {"bob@example.com": "some words on why"}}. "sent" counts the mails
that the mail server has taken; when every recipient is counted there or named in "failed", the status is "done".

Every recipient is sent a mail of their own: one address, that subject, that text.
- At any time, at most MAIL_CONNECTIONS connections are open (4 unless set), for all campaigns together. They are used
  again: a campaign in which nothing goes wrong opens at most twice that many in all.
- A recipient whom the server answers with 5xx has failed, and is not tried again; the server may say so when they are
  named or when it has the mail. One whom it answers with 4xx, or on whom it hangs up, is tried again after
  RETRY_SECONDS (60 unless set), not before, as often as it takes; nobody else is tried again because of it, and nobody
  else waits for it. The second attempts may wait until all first ones have been made.
- When the process is killed (kill -9) after the 202, and started again on the same DATA_DIR, the campaign goes on by
  itself, with no request. Whoever had been counted in "sent" or named in "failed" before the kill is not tried again,
  and is still counted or named; whoever had been put off still gets their mail, after RETRY_SECONDS or at once. Only a
  mail that was on its way at that moment, in the server's hands but not counted, may come once more.

SMTP_HOST, SMTP_PORT, MAIL_CONNECTIONS, RETRY_SECONDS and DATA_DIR, a folder, are in the environment. There is only ever
one process. Nothing may dawdle: an effect follows its cause within a tenth of a second when the world is quick, and
that includes "sent" and "failed".
"""

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
