"""One consumer in the lifespan, a folder per import, byte offsets as checkpoints, and its dashboard told by quarters."""

import asyncio
import csv
import json
import os
import shutil
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI, HTTPException, Request, Response

WAREHOUSE, DASHBOARD = os.environ["WAREHOUSE_URL"], os.environ["DASHBOARD_URL"]
BATCH_ROWS = int(os.environ["BATCH_ROWS"])
ROOT = Path(os.environ["DATA_DIR"]) / "jobs"
ROOT.mkdir(exist_ok=True)


class Lines:
    """Lines of a binary file as text, and how many bytes and lines they were."""

    def __init__(self, file, bytes_before, lines_before):
        file.seek(bytes_before)
        self.file, self.offset, self.line = file, bytes_before, lines_before

    def __iter__(self):
        return self

    def __next__(self):
        line = self.file.readline()
        if not line:
            raise StopIteration
        self.offset += len(line)
        self.line += 1
        return line.decode()


def write(folder, state):
    (folder / "new").write_text(json.dumps(state))
    os.replace(folder / "new", folder / "state")


def read(folder):
    return json.loads((folder / "state").read_text())


def process(folder):
    state = read(folder)
    try:
        with (folder / "data").open("rb") as file, httpx.Client() as client:
            size = (folder / "data").stat().st_size
            names = next(csv.reader(Lines(file, 0, 0)))
            lines = Lines(file, state["offset"], state["line"]) if state["line"] else Lines(file, 0, 0)
            reader = csv.reader(lines)
            if not state["line"]:
                next(reader)
            while step(client, reader, lines, names, state):
                state["offset"], state["line"] = lines.offset, lines.line
                percent = 99 * lines.offset // size
                if percent // 25 > state["percent"] // 25:
                    client.put(f"{DASHBOARD}/imports/{state['id']}", json={"percent": percent})
                state["percent"] = percent
                write(folder, state)
            client.put(f"{DASHBOARD}/imports/{state['id']}", json={"percent": 100})
            state["status"], state["percent"] = "done", 100
    except Exception:
        state["status"] = "failed"
    (folder / "data").unlink()
    write(folder, state)


def step(client, reader, lines, names, state):
    rows, seen = [], 0
    for values in reader:
        if not values:
            continue
        seen += 1
        fields = dict(zip(names, values))
        if fields["sku"] and fields.get("quantity", "").isdecimal():
            rows.append({"sku": fields["sku"], "quantity": int(fields["quantity"])})
        else:
            state["bad"].append({"line": lines.line, "reason": f"{values[:2]} is not good"})
        if seen == BATCH_ROWS:
            break
    if rows:
        answer = client.put(f"{WAREHOUSE}/imports/{state['id']}/batches/{state['line']}", json={"rows": rows})
        if not answer.is_success:
            raise RuntimeError(answer.status_code)
        state["imported"] += len(rows)
    return seen


async def consume(queue):
    while True:
        await asyncio.to_thread(process, await queue.get())


@asynccontextmanager
async def lifespan(app):
    app.state.queue = asyncio.Queue()
    for folder in ROOT.iterdir():
        if (folder / "state").exists() and read(folder)["status"] == "running":
            app.state.queue.put_nowait(folder)
    consumer = asyncio.create_task(consume(app.state.queue))
    yield
    consumer.cancel()
    with suppress(asyncio.CancelledError):
        await consumer


app = FastAPI(lifespan=lifespan)


@app.post("/imports", status_code=202)
async def accept(request: Request, response: Response) -> dict:
    key = str(uuid4())
    folder = ROOT / key
    folder.mkdir()
    try:
        with (folder / "data").open("wb") as file:
            async for chunk in request.stream():
                file.write(chunk)
    except BaseException:
        shutil.rmtree(folder)
        raise
    state = {"id": key, "status": "running", "percent": 0, "imported": 0, "bad": [], "offset": 0, "line": 0}
    write(folder, state)
    app.state.queue.put_nowait(folder)
    response.headers["Location"] = f"/imports/{key}"
    return state


@app.get("/imports/{key}")
def show(key: UUID) -> dict:
    if not (ROOT / str(key)).is_dir():
        raise HTTPException(404)
    return read(ROOT / str(key))
