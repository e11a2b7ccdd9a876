"""A task per campaign, which goes round by round over who is left; connections are lent from a pool, thread by thread."""

import asyncio
import os
import smtplib
import sqlite3
from contextlib import asynccontextmanager
from email.message import EmailMessage
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel

db = sqlite3.connect(os.path.join(os.environ["DATA_DIR"], "c.db"), isolation_level=None, check_same_thread=False)
db.executescript("""
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS campaign (id PRIMARY KEY, subject, text);
    CREATE TABLE IF NOT EXISTS outcome (campaign, address, state INTEGER DEFAULT 0, reason);
""")
pool = asyncio.LifoQueue()
tasks = set()


class Campaign(BaseModel):
    subject: str
    text: str
    recipients: list[str]


class Line:
    def __init__(self):
        self.client = None

    def send(self, message):
        """Return None when it was taken, a reason when it was refused; raise OSError when it may be tried again."""
        try:
            if self.client is None:
                self.client = smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"]))
            self.client.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            if code == 421:
                self.client = None
            if code >= 500:
                return f"{code} {words!r}"
            raise ConnectionError(words) from error
        except smtplib.SMTPResponseException as error:
            if error.smtp_code >= 500:
                return str(error)
            raise ConnectionError from error
        except OSError:
            self.client = None
            raise
        return None


async def one(campaign, subject, text, address):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "news@example.org", address, subject
    message.set_content(text)
    line = await pool.get()
    try:
        reason = await asyncio.to_thread(line.send, message)
    except OSError:
        return
    finally:
        pool.put_nowait(line)
    db.execute(
        "UPDATE outcome SET state = ?, reason = ? WHERE campaign = ? AND address = ?",
        (2 if reason else 1, reason, campaign, address),
    )


async def run(campaign):
    subject, text = db.execute("SELECT subject, text FROM campaign WHERE id = ?", (campaign,)).fetchone()
    while left := db.execute("SELECT address FROM outcome WHERE campaign = ? AND state = 0", (campaign,)).fetchall():
        await asyncio.gather(*(one(campaign, subject, text, address) for (address,) in left))
        await asyncio.sleep(float(os.environ["RETRY_SECONDS"]))


def go(campaign):
    task = asyncio.create_task(run(campaign))
    tasks.add(task)
    task.add_done_callback(tasks.discard)


@asynccontextmanager
async def lifespan(app):
    for _ in range(int(os.environ["MAIL_CONNECTIONS"])):
        pool.put_nowait(Line())
    for (campaign,) in db.execute("SELECT DISTINCT campaign FROM outcome WHERE state = 0").fetchall():
        go(campaign)
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/campaigns", status_code=202)
async def start(campaign: Campaign, response: Response):
    name = uuid4().hex
    db.execute("BEGIN")
    db.execute("INSERT INTO campaign VALUES (?, ?, ?)", (name, campaign.subject, campaign.text))
    for address in campaign.recipients:
        db.execute("INSERT INTO outcome (campaign, address) VALUES (?, ?)", (name, address))
    db.execute("COMMIT")
    go(name)
    response.headers["Location"] = app.url_path_for("show", name=name)
    return {"id": name}


@app.get("/campaigns/{name}")
async def show(name: str):
    if not db.execute("SELECT 1 FROM campaign WHERE id = ?", (name,)).fetchone():
        raise HTTPException(404)
    rows = db.execute("SELECT address, state, reason FROM outcome WHERE campaign = ?", (name,)).fetchall()
    return {
        "status": "done" if all(state for _, state, _ in rows) else "sending",
        "sent": sum(state == 1 for _, state, _ in rows),
        "failed": {address: reason for address, state, reason in rows if state == 2},
    }
