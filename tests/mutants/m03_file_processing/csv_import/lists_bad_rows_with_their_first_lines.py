"""Tells the line on which a bad row begins, not the one on which it ends."""

MISTAKE = "D6"
FAILS = ["test_bad_rows_are_reported_with_their_lines"]

import csv
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from threading import Thread
from uuid import UUID, uuid4

import anyio
import httpx
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel

WAREHOUSE, DASHBOARD = (os.environ.get(name, "http://127.0.0.1:8001") for name in ("WAREHOUSE_URL", "DASHBOARD_URL"))
BATCH_ROWS = int(os.environ.get("BATCH_ROWS", "500"))
FOLDER = Path(os.environ.get("DATA_DIR", "data"), "imports")
FOLDER.mkdir(parents=True, exist_ok=True)
client = httpx.Client()  # one for all threads: it keeps connections


class Import(BaseModel):
    id: UUID
    status: str = "running"
    percent: int = 0
    imported: int = 0
    bad: list[dict[str, int | str]] = []
    pieces: int = 0  # of the file, that have been dealt with
    batch_rows: int = BATCH_ROWS  # of each piece: the next process may have been started with another BATCH_ROWS
    reason: str = ""


def save(work: Import) -> None:
    (new := FOLDER / f"{work.id}.new").write_text(work.model_dump_json(), encoding="utf-8")
    new.replace(FOLDER / f"{work.id}.json")  # in one step: a crash leaves the old state or the new one


def is_good(fields: dict[str, str]) -> bool:
    return bool(fields["sku"]) and (fields["quantity"] or "").isdecimal()


def read_pieces(path: Path, batch_rows: int) -> Iterator[tuple[int, list[tuple[int, dict[str, str]]]]]:
    """Read a file piece by piece: the percentage reached, and so many rows with the lines on which they end."""
    with path.open(encoding="utf-8-sig", newline="") as file, path.open("rb") as same:
        lines, reader = sum(1 for _ in same), csv.DictReader(file)  # which counts lines: a value may go over several
        while piece := [(reader.line_num - breaks(fields), fields) for fields in islice(reader, batch_rows)]:
            yield min(99, 100 * reader.line_num // lines), piece


def breaks(fields: dict[str, str]) -> int:
    return sum((value or "").count("\n") for value in fields.values())


def run(path: Path) -> None:
    work = Import.model_validate_json(path.with_suffix(".json").read_text(encoding="utf-8"))
    try:
        # What was dealt with before a crash is read again, which is cheap, and not sent again, which is not.
        for number, (percent, piece) in islice(enumerate(read_pieces(path, work.batch_rows)), work.pieces, None):
            rows = [{"sku": one["sku"], "quantity": int(one["quantity"])} for _, one in piece if is_good(one)]
            client.put(f"{WAREHOUSE}/imports/{work.id}/batches/{number}", json={"rows": rows}).raise_for_status()
            if percent // 10 > work.percent // 10:  # who could see a smaller step?
                client.put(f"{DASHBOARD}/imports/{work.id}", json={"percent": percent}).raise_for_status()
            work.bad += [{"line": line, "reason": "no sku, or no quantity"} for line, one in piece if not is_good(one)]
            work.pieces, work.percent, work.imported = number + 1, percent, work.imported + len(rows)
            save(work)  # after the answer: a crash in between repeats this piece, and never loses it
        client.put(f"{DASHBOARD}/imports/{work.id}", json={"percent": 100}).raise_for_status()
        work.status, work.percent = "done", 100
    except Exception as error:  # noqa: BLE001 - whatever it was, it is told to whoever asks
        work.status, work.reason = "failed", str(error)  # not its repr(), which may quote the file
    save(work)
    path.unlink()  # last: as long as the file is there, the next start will look after it


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    for path in FOLDER.glob("*.csv"):  # noqa: ASYNC240 - nobody is served yet
        Thread(target=run, args=[path], daemon=True).start()
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/imports", status_code=202)
async def accept(request: Request, response: Response) -> Import:
    work = Import(id=uuid4())
    part = FOLDER / f"{work.id}.part"
    async with await anyio.open_file(part, "wb") as file:
        async for chunk in request.stream():
            await file.write(chunk)
    save(work)
    path = part.rename(part.with_suffix(".csv"))  # before the answer: from now on, every start looks after it
    Thread(target=run, args=[path], daemon=True).start()  # daemon: a stop may come at any row, as a crash may
    response.headers["Location"] = f"/imports/{work.id}"
    return work


@app.get("/imports/{import_id}")
def show(import_id: UUID) -> Import:
    if not (state := FOLDER / f"{import_id}.json").exists():
        raise HTTPException(404)
    return Import.model_validate_json(state.read_text(encoding="utf-8"))
