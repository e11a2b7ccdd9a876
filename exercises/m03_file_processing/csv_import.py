"""The CSV import: a long list in the background, piece by piece, and on from where it was after a crash.

POST /imports, a CSV file in UTF-8 as the body, of any size; its first line names the columns: sku, quantity, and others
    202 and the import, and a Location header that leads to it. The answer does not wait for the warehouse.
GET /imports/{id}: 200 and the import, 404 when there is none. An import is {"id": "<string>", "status": "running",
    "done" or "failed", "percent": 0 to 100, "imported": 17, "bad": [{"line": 4, "reason": "<string>"}]}.

A row is good when its sku is not empty and its quantity is a whole number, 0 or more, digits and nothing else. A bad
one is listed with the line of the file on which it ends (the header is line 1), and stops nothing; an empty line is no
row. Good rows go to the warehouse, one batch after the other, at most BATCH_ROWS rows each: PUT
WAREHOUSE_URL/imports/{id}/batches/{n}, an n of its own for each batch, with {"rows": [{"sku": "A-1", "quantity": 3}]};
2xx means taken. Any other answer, a row in a file without those columns, or bytes that are not UTF-8 end the import as
failed. The dashboard hears how far it is, at most 12 times an import (at each new tenth, say): PUT
DASHBOARD_URL/imports/{id} with {"percent": 40}. The percentage never falls, neither there nor in the import itself, nor
by a crash, and the dashboard's last one is 100 when all is done.

- A process uses some MB of memory for an import, however large the file is.
- Soon after an import is done or has failed, nothing of the file is left under DATA_DIR.
- If the process is killed after the 202 and started again on the same DATA_DIR, the import goes on by itself. A batch
  whose answer had not come is sent once more: same address, same rows. One that was followed by another is not sent
  again. No row is counted twice, and no bad one listed twice.

Nothing dawdles: an effect follows its cause within a tenth of a second. WAREHOUSE_URL, DASHBOARD_URL, BATCH_ROWS and
DATA_DIR are in the environment.

Your part: as it is, the whole file is in memory, each row is a call to the dashboard, and a crash forgets everything.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from uuid import UUID, uuid4

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
    reason: str = ""


def is_good(fields: dict[str, str]) -> bool:
    return bool(fields["sku"]) and (fields["quantity"] or "").isdecimal()


def read_pieces(path: Path) -> Iterator[tuple[int, list[tuple[int, dict[str, str]]]]]:
    """Read a file piece by piece: the percentage reached, and BATCH_ROWS rows with the lines on which they end."""
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))  # Your part: all of the file at once,
    for first in range(0, len(rows), BATCH_ROWS):
        piece = list(enumerate(rows[first : first + BATCH_ROWS], first + 2))  # a row is not always a line,
        yield min(99, 100 * first // len(rows)), piece


def run(path: Path) -> None:
    work = imports[UUID(path.stem)]
    try:
        for number, (percent, piece) in enumerate(read_pieces(path)):
            rows = [{"sku": one["sku"], "quantity": int(one["quantity"])} for _, one in piece if is_good(one)]
            client.put(f"{WAREHOUSE}/imports/{work.id}/batches/{number}", json={"rows": rows}).raise_for_status()
            for _ in rows:  # the dashboard hears of every row,
                client.put(f"{DASHBOARD}/imports/{work.id}", json={"percent": percent}).raise_for_status()
            work.bad += [{"line": line, "reason": "no sku, or no quantity"} for line, one in piece if not is_good(one)]
            work.percent, work.imported = percent, work.imported + len(rows)
        client.put(f"{DASHBOARD}/imports/{work.id}", json={"percent": 100}).raise_for_status()
        work.status, work.percent = "done", 100
    except Exception as error:  # noqa: BLE001 - whatever it was, it is told to whoever asks
        work.status, work.reason = "failed", str(error)  # not its repr(), which may quote the file
    path.unlink()


app = FastAPI()
imports: dict[UUID, Import] = {}


@app.post("/imports", status_code=202)
async def accept(request: Request, response: Response) -> Import:
    work = Import(id=uuid4())
    path = FOLDER / f"{work.id}.csv"
    path.write_bytes(await request.body())
    imports[work.id] = work  # and who remembers this after a crash?
    Thread(target=run, args=[path], daemon=True).start()
    response.headers["Location"] = f"/imports/{work.id}"
    return work


@app.get("/imports/{import_id}")
def show(import_id: UUID) -> Import:
    if import_id not in imports:
        raise HTTPException(404)
    return imports[import_id]
