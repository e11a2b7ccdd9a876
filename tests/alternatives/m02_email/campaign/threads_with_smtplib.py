"""Plain threads with smtplib, one connection each, and a database connection per thread."""

import os
import queue
import smtplib
import sqlite3
import threading
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr

PLACES = int(os.environ["MAIL_CONNECTIONS"])
PAUSE = float(os.environ["RETRY_SECONDS"])
FILE = Path(os.environ["DATA_DIR"]) / "mail.sqlite"
todo = queue.SimpleQueue()


def database():
    return closing(sqlite3.connect(FILE, timeout=30, isolation_level=None))


with database() as db:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE IF NOT EXISTS mail (campaign, subject, body, address, state, why)")
    for row in db.execute("SELECT rowid FROM mail WHERE state IS NULL"):
        todo.put(row[0])


class Campaign(BaseModel):
    subject: str
    text: str
    recipients: list[EmailStr]


def work():
    line = None
    with database() as db:
        db.execute("PRAGMA synchronous = NORMAL")
        while True:
            rowid = todo.get()
            message = EmailMessage()
            message["From"] = "news@example.org"
            message["Subject"], body, message["To"] = db.execute(
                "SELECT subject, body, address FROM mail WHERE rowid = ?", (rowid,)
            ).fetchone()
            message.set_content(body)
            try:
                line = line or smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"]), timeout=30)
                line.send_message(message)
            except smtplib.SMTPRecipientsRefused as error:
                [(code, words)] = error.recipients.values()
                if code == 421:
                    line.close()
                    line = None
                if code < 500:
                    later(rowid)
                else:
                    db.execute("UPDATE mail SET state = 'failed', why = ? WHERE rowid = ?", (words.decode(), rowid))
            except smtplib.SMTPResponseException as error:
                if error.smtp_code < 500:
                    later(rowid)
                else:
                    db.execute("UPDATE mail SET state = 'failed', why = ? WHERE rowid = ?", (str(error), rowid))
            except OSError:
                line = None
                later(rowid)
            else:
                db.execute("UPDATE mail SET state = 'sent' WHERE rowid = ?", (rowid,))


def later(rowid):
    timer = threading.Timer(PAUSE, todo.put, [rowid])
    timer.daemon = True
    timer.start()


for _ in range(PLACES):
    threading.Thread(target=work, daemon=True).start()

app = FastAPI()


@app.post("/campaigns", status_code=202)
def start(campaign: Campaign, response: Response):
    name = str(uuid4())
    rowids = []
    with database() as db:
        db.execute("BEGIN IMMEDIATE")
        for address in campaign.recipients:
            cursor = db.execute(
                "INSERT INTO mail VALUES (?, ?, ?, ?, NULL, NULL)", (name, campaign.subject, campaign.text, address)
            )
            rowids.append(cursor.lastrowid)
        db.execute("COMMIT")
    for rowid in rowids:
        todo.put(rowid)
    response.headers["Location"] = f"/campaigns/{name}"


@app.get("/campaigns/{name}")
def show(name: str):
    with database() as db:
        rows = db.execute("SELECT address, state, why FROM mail WHERE campaign = ?", (name,)).fetchall()
    if not rows:
        raise HTTPException(404)
    failed = {address: why for address, state, why in rows if state == "failed"}
    sent = sum(state == "sent" for _, state, _ in rows)
    return {"status": "done" if sent + len(failed) == len(rows) else "sending", "sent": sent, "failed": failed}
