"""The webhook that comes twice: every event counts once, however often it is delivered.

A warehouse tells this shop what becomes of its orders. An order may be shipped in parts: each is an event of its own.

POST /webhooks/warehouse  {"id": "e-2", "order": "A-17", "number": 2, "status": "shipped", "amount": 1200}
    Any 2xx says: taken, do not deliver this event again, whatever becomes of another delivery that is under way. A
    repetition of what was taken is answered so as well. Anything else, or no answer, says: deliver it again; the
    warehouse does that for a second or so.
GET /orders/A-17
    200 {"order": "A-17", "number": 2, "status": "shipped", "paid": 1200}; 404 for an order without events.

- Whoever ships is paid: an event with the status "shipped" takes its amount, once, by POST {PAYMENTS_URL}/charges
  (given, see take_money), and then adds it once to the order's "paid". Other events charge nothing.
- Events are told apart by their id, and by nothing else. Each delivery has another X-Delivery-Id, and two events may be
  alike in all but their id. Several events, or the same one several times, may be delivered at the same time, to two
  processes that share their data.
- Events come in any order. An order shows the status and the number of its event with the highest number (the
  warehouse numbers them per order), also when an older one arrives later, or takes longer. A late one that ships is
  paid like any other.
- The process may be killed between any two steps. When it has been started again and the event is delivered again, all
  of the above is true.
- The provider may fail or hang up. It honours an Idempotency-Key: the same key and body again get the same answer and
  no second charge. It never forgets a key.

Answer when an event is dealt with; or store it first, answer, and deal with it at once after that, without another
delivery, also after a crash (your choice). Keep what has to survive in files in DATA_DIR, or in the SQLite database at
DATABASE_URL. Nothing may dawdle: in a quick world an effect follows its cause within a tenth of a second. What failed
is tried again within half a second, by the warehouse if you answered that it should, else by you.

Your part is receive, record and the tables: as it is, an event is marked as seen, and then it may fail.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

DATABASE = Path(os.environ.get("DATA_DIR", ".")) / "shop.db"
TABLES = """
CREATE TABLE IF NOT EXISTS seen (event TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS orders ("order" TEXT PRIMARY KEY, number INTEGER, status TEXT, paid INTEGER);
"""

app = FastAPI()
provider = httpx.Client(base_url=os.environ.get("PAYMENTS_URL", "http://localhost:8001"))


class Event(BaseModel):
    id: str
    order: str
    number: int
    status: str
    amount: int

    @property
    def due(self) -> int:
        """What it costs, in cents."""
        return self.amount if self.status == "shipped" else 0


class Order(BaseModel):
    order: str
    number: int
    status: str
    paid: int


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """Everything in it happens or nothing, and nobody else writes meanwhile."""
    with closing(sqlite3.connect(DATABASE, timeout=10, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        with database:  # commits at its end, or rolls back
            yield database


def take_money(order: str, amount: int, key: str) -> None:
    """Charge through the provider; the same key again charges nothing more. Raises HTTPException 503."""
    try:
        charge = {"order": order, "amount": amount}
        provider.post("/charges", json=charge, headers={"Idempotency-Key": key}).raise_for_status()
    except httpx.HTTPError as error:
        raise HTTPException(503, "The payment provider failed; deliver the event again.") from error


def record(database: sqlite3.Connection, event: Event) -> None:
    """Let an order show what an event says of it."""
    values = event.model_dump() | {"due": event.due}
    database.execute(
        """INSERT INTO orders VALUES (:order, :number, :status, :due)
           ON CONFLICT DO UPDATE SET paid = paid + excluded.paid""",
        values,
    )
    # Compared where it is written, not before: by then somebody else may have written a newer one.
    database.execute(
        'UPDATE orders SET number = :number, status = :status WHERE "order" = :order AND number < :number', values
    )


@app.post("/webhooks/warehouse")
def receive(event: Event) -> None:
    with transaction() as database:
        if database.execute("SELECT * FROM seen WHERE event = ?", (event.id,)).fetchone():
            return  # not needed, but it spares the provider a call
    # The event's own id: whoever delivers it again, wherever we died, shows the provider the same key.
    if event.due:
        take_money(event.order, event.due, event.id)
    with transaction() as database:
        # The mark and what it stands for: both or neither. Of all who come here with one event, one makes the mark.
        if database.execute("INSERT INTO seen VALUES (?) ON CONFLICT DO NOTHING", (event.id,)).rowcount:
            record(database, event)


@app.get("/orders/{order}")
def read_order(order: str) -> Order:
    with transaction() as database:
        row = database.execute('SELECT number, status, paid FROM orders WHERE "order" = ?', (order,)).fetchone()
    if not row:
        raise HTTPException(404)
    return Order(order=order, number=row[0], status=row[1], paid=row[2])


with closing(sqlite3.connect(DATABASE)) as new_database:
    # At the first start only: of several processes at the same moment one may fail here, and has to be started again.
    new_database.execute("PRAGMA journal_mode = WAL")
    new_database.executescript(TABLES)
