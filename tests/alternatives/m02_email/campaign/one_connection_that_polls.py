"""One connection for everything, a loop that looks for what is due in the database, and a close when all is done."""

import asyncio
import os
import sqlite3
import time
from contextlib import asynccontextmanager
from email.message import EmailMessage

import aiosmtplib
from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel

PAUSE = float(os.environ["RETRY_SECONDS"])
db = sqlite3.connect(os.environ["DATA_DIR"] + "/state.db", isolation_level=None, check_same_thread=False)
db.execute("PRAGMA synchronous = OFF")
db.execute("CREATE TABLE IF NOT EXISTS campaign (id INTEGER PRIMARY KEY, subject, text)")
db.execute("CREATE TABLE IF NOT EXISTS letter (campaign, address, due REAL, state TEXT DEFAULT 'due', why)")


class Campaign(BaseModel):
    subject: str
    text: str
    recipients: list[str]


def next_letter():
    return db.execute(
        """SELECT letter.rowid, address, subject, text FROM letter JOIN campaign ON campaign.id = letter.campaign
        WHERE state = 'due' AND due <= ? ORDER BY due LIMIT 1""",
        (time.time(),),
    ).fetchone()


async def postman():
    client = None
    while True:
        letter = next_letter()
        if letter is None:
            if client is not None:
                client.close()
            client = None
            await asyncio.sleep(0.01)
            continue
        rowid, address, subject, text = letter
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "news@example.org", address, subject
        message.set_content(text)
        try:
            if client is None:
                client = aiosmtplib.SMTP(hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"]))
                await client.connect()
            await client.mail("news@example.org")
            await client.rcpt(address)
            await client.data(message.as_bytes())
        except aiosmtplib.SMTPResponseException as error:
            if error.code >= 500:
                db.execute("UPDATE letter SET state = 'failed', why = ? WHERE rowid = ?", (error.message, rowid))
            else:
                db.execute("UPDATE letter SET due = ? WHERE rowid = ?", (time.time() + PAUSE, rowid))
            client.close()
            client = None
        except OSError:
            db.execute("UPDATE letter SET due = ? WHERE rowid = ?", (time.time() + PAUSE, rowid))
            client = None
        else:
            db.execute("UPDATE letter SET state = 'sent' WHERE rowid = ?", (rowid,))


@asynccontextmanager
async def lifespan(app):
    task = asyncio.create_task(postman())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/campaigns", status_code=202)
async def start(campaign: Campaign, response: Response):
    db.execute("BEGIN")
    number = db.execute(
        "INSERT INTO campaign (subject, text) VALUES (?, ?)", (campaign.subject, campaign.text)
    ).lastrowid
    db.executemany(
        "INSERT INTO letter (campaign, address, due) VALUES (?, ?, 0)", [(number, one) for one in campaign.recipients]
    )
    db.execute("COMMIT")
    response.headers["Location"] = f"http://localhost/campaigns/{number}"
    return {}


@app.get("/campaigns/{number}")
async def show(number: int):
    rows = db.execute("SELECT address, state, why FROM letter WHERE campaign = ?", (number,)).fetchall()
    if not rows:
        raise HTTPException(404)
    states = [state for _, state, _ in rows]
    return {
        "status": "sending" if "due" in states else "done",
        "sent": states.count("sent"),
        "failed": {address: why for address, state, why in rows if state == "failed"},
    }
