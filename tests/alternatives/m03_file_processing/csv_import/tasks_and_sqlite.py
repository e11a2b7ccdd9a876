"""Tasks on the loop with an asynchronous client, what is known in SQLite, a whole batch of good rows each time."""

import asyncio
import contextlib
import csv
import json
import os
import sqlite3
from pathlib import Path
from uuid import uuid4

import httpx
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

WAREHOUSE, DASHBOARD = os.environ["WAREHOUSE_URL"], os.environ["DASHBOARD_URL"]
BATCH_ROWS = int(os.environ["BATCH_ROWS"])
FOLDER = Path(os.environ["DATA_DIR"])
database = sqlite3.connect(FOLDER / "imports.db", isolation_level=None)
database.execute("create table if not exists imports (id text primary key, line int, state text)")
tasks = set()


def store(line, state):
    database.execute("replace into imports values (?, ?, ?)", (state["id"], line, json.dumps(state)))


def good(fields):
    return fields["sku"] and (fields["quantity"] or "").isdecimal()


async def put(client, url, body):
    (await client.put(url, json=body)).raise_for_status()


async def work(name, start, state):
    path = FOLDER / f"{name}.upload"
    size = path.stat().st_size
    try:
        async with httpx.AsyncClient() as client:
            with path.open(encoding="utf-8", newline="") as file:
                await send(client, file, size, start, state)
            state |= {"status": "done", "percent": 100}
            await put(client, f"{DASHBOARD}/imports/{name}", {"percent": 100})
    except Exception as error:
        state |= {"status": "failed", "reason": str(error)}
    finally:
        if state["status"] != "running":
            path.unlink()
            store(0, state)


async def send(client, file, size, start, state):
    reader = csv.DictReader(file)
    rows, bad, told = [], [], state["percent"]

    async def flush():
        nonlocal told
        if rows:
            await put(client, f"{WAREHOUSE}/imports/{state['id']}/batches/{start}", {"rows": rows})
        percent = max(state["percent"], min(95, 100 * file.buffer.tell() // size))
        if percent >= told + 20:
            await put(client, f"{DASHBOARD}/imports/{state['id']}", {"percent": percent})
            told = percent
        state.update(percent=percent, imported=state["imported"] + len(rows), bad=state["bad"] + bad)
        store(reader.line_num, state)
        rows.clear(), bad.clear()

    for fields in reader:
        if reader.line_num <= start:
            continue
        if good(fields):
            rows.append({"sku": fields["sku"], "quantity": int(fields["quantity"])})
        else:
            bad.append({"line": reader.line_num, "reason": "This is no row."})
        if len(rows) == BATCH_ROWS:
            await flush()
            start = reader.line_num
    await flush()


def begin(*arguments):
    task = asyncio.create_task(work(*arguments))
    tasks.add(task)
    task.add_done_callback(tasks.discard)


@contextlib.asynccontextmanager
async def lifespan(_app):
    for name, line, state in database.execute("select * from imports").fetchall():
        if json.loads(state)["status"] == "running":
            begin(name, line, json.loads(state))
    yield
    for task in tasks:
        task.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/imports")
async def accept(request: Request):
    state = {"id": uuid4().hex, "status": "running", "percent": 0, "imported": 0, "bad": []}
    path = FOLDER / f"{state['id']}.upload"
    with path.open("wb") as file:
        async for chunk in request.stream():
            file.write(chunk)
    store(0, state)
    begin(state["id"], 0, dict(state))
    return JSONResponse(state, 202, headers={"Location": str(request.url_for("show", name=state["id"]))})


@app.get("/imports/{name}")
async def show(name: str):
    if found := database.execute("select state from imports where id = ?", [name]).fetchone():
        return json.loads(found[0])
    raise HTTPException(404)
