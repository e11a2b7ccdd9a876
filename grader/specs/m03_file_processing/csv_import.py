"""A CSV import goes on where it was, whatever happens, and leaves nothing behind."""

from collections.abc import Iterator
from itertools import repeat
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, PartnerCall, Reply, Request, Visitor, World
from grader.world.disk import files_with

PARTNERS = ("warehouse", "dashboard")
BATCH = 4
SETTINGS = {"BATCH_ROWS": str(BATCH)}
TRY = ("GET /imports/00000000-0000-0000-0000-000000000000",)

MARKER = b"only-in-the-file-"
HEADER = b"sku,quantity,note\r\n"
MOST_TOLD = 12
LONG_ROW = 64 * 1024
LARGE = 8 * 1024 * 1024

SHELF = [{"sku": f"A-{number}", "quantity": number} for number in range(10)]
"""Two batches and a half."""
BAD: dict[str, object] = {"sku": "", "quantity": 1}
KILLED = [BAD, *SHELF[:5], BAD, *SHELF[5:], BAD]
"""Whether four rows are a batch, or four good ones: there is a bad row in the first, one in the second, one behind."""


class Crash(NamedTuple):
    """An import whose process was killed.

    lost: the call that was never answered; before, after: what was shown while the warehouse kept that batch waiting.
    Whoever serves nobody before the import has gone on shows nothing after the crash.
    """

    path: str
    lost: PartnerCall
    before: Reply
    after: Reply


@pytest.fixture
def warehouse(world: World) -> Partner:
    """Where the rows go."""
    return world.partner("warehouse")


@pytest.fixture
def dashboard(world: World) -> Partner:
    """Where the progress is shown."""
    return world.partner("dashboard")


def csv(rows: list[dict[str, object]]) -> bytes:
    """Write good rows, each with a note that nobody needs."""
    return HEADER + b"".join(f"{row['sku']},{row['quantity']},{MARKER.decode()}\r\n".encode() for row in rows)


def post(visitor: Visitor, content: bytes) -> Reply:
    """Post a file and wait for the reply."""
    shown = f"({len(content)} bytes of CSV)"
    return visitor.send(
        Request("POST", "/imports", {"content-type": "text/csv"}, (content,), len(content), shown)
    ).reply()


def where(reply: Reply) -> str:
    """Where the import that a POST has begun can be asked for."""
    return f"/imports/{reply.field('id', str)}"


def ended(visitor: Visitor, path: str) -> Reply:
    """Wait until the import is done or has failed."""
    return visitor.until(path, lambda reply: reply.field("status", str) in ("done", "failed"))


def done(visitor: Visitor, path: str) -> Reply:
    """Wait until the import is done."""
    reply = ended(visitor, path)
    assert reply.field("status", str) == "done", f"The import never came to be done: {reply.shown()}."
    return reply


def batches(warehouse: Partner) -> dict[str, list[object]]:
    """The rows that came to each address; an address to which different rows came is a mistake."""
    found: dict[str, list[object]] = {}
    for call in warehouse.calls:
        rows = call.field("rows", list)
        assert call.method == "PUT", f"A batch came by {call.method} instead of PUT."
        assert len(rows) <= BATCH, f"BATCH_ROWS={BATCH}, and a batch came with {len(rows)} rows."
        place = urlsplit(call.path).path
        assert found.setdefault(place, rows) == rows, f"To {place} different rows came at different times."
    return found


def taken(warehouse: Partner) -> list[object]:
    """All rows that came, those of a repeated batch once."""
    return [row for rows in batches(warehouse).values() for row in rows]


def told(dashboard: Partner) -> list[int]:
    """What the dashboard heard."""
    return [call.field("percent", int) for call in dashboard.calls]


def large() -> Iterator[bytes]:
    """A large file: long rows, of which most is a note."""
    yield HEADER
    yield from repeat(b"A-1,1," + b"n" * LONG_ROW + b"\r\n", LARGE // LONG_ROW)


@behaviour(points=1, hint="What has to be in safety before the answer, and what has only to be under way?")
def test_import_is_accepted(visitor: Visitor, warehouse: Partner) -> None:
    """An import is answered with 202 and a Location that leads to it, while the warehouse takes its time."""
    with warehouse.closed():
        reply = post(visitor, csv(SHELF))
        assert reply.arrived, "Your app waited for the warehouse before it answered."
        assert reply.status == 202, f"The import was answered with {reply.status}."
        shown = visitor.get(reply.follow())
        assert shown.status == 200, f"The Location was answered with {shown.status}."
        assert shown.field("status", str) == "running", f"The warehouse has taken nothing yet: {shown.shown()}."


@behaviour(points=2, hint="What may stand between two quotation marks?")
def test_every_good_row_reaches_the_warehouse(visitor: Visitor, warehouse: Partner) -> None:
    """Every row reaches the warehouse once, in batches, also one with commas and line breaks between quotes."""
    odd: list[dict[str, object]] = [{"sku": 'B "2", large', "quantity": 7}, {"sku": "Größe 9", "quantity": 0}]
    content = csv(SHELF) + '"B ""2"", large",7,"two\r\nlines"\r\nGröße 9,0,\r\n'.encode()
    shown = done(visitor, where(post(visitor, content)))
    missing = [row for row in SHELF + odd if row not in taken(warehouse)]
    assert not missing, f"These rows never came to the warehouse: {missing}."
    came = sum(len(call.field("rows", list)) for call in warehouse.calls)
    assert came == len(SHELF + odd), f"Of {len(SHELF + odd)} rows, the warehouse was sent {came}."
    imported = shown.field("imported", int)
    assert imported == came, f"{came} rows were imported; your app counts {imported}."


@behaviour(points=2, hint="Is the seventh row on the seventh line?")
def test_bad_rows_are_reported_with_their_lines(visitor: Visitor, warehouse: Partner) -> None:
    """Bad rows are listed with their lines and a reason, and the good rows around them arrive."""
    bad_ones = ("A-3,many,", 'two"', ",4,", "A-5,-5,", "A-7,,", "A-9,1_0,", "A-9,+1,", "A-9,²,")  # by their last lines
    text = (
        'A-1,1,|A-2,2,"over|three|lines"|A-3,many,|A-4,few,"over|two"||,4,|'
        "A-5,-5,|A-6,6,|A-7,,|A-9,1_0,|A-9,+1,|A-9,²,|A-8,8,"
    )
    lines = text.split("|")
    shown = done(visitor, where(post(visitor, HEADER + "\r\n".join(lines).encode())))
    wanted = [number for number, line in enumerate(lines, 2) if line in bad_ones]
    bad = [one for one in shown.field("bad", list) if isinstance(one, dict)]
    listed = [one.get("line") for one in bad]
    assert listed == wanted, f"Bad are the lines {wanted}; your app lists {listed}."
    assert all(isinstance(one.get("reason"), str) and one["reason"] for one in bad), "A bad row has no reason."
    good = sorted(str(row.get("sku")) for row in taken(warehouse) if isinstance(row, dict))
    assert good == ["A-1", "A-2", "A-6", "A-8"], f"Good are A-1, A-2, A-6 and A-8; the warehouse has {good}."


@behaviour(points=3, hint="How many different numbers can somebody see who looks at the dashboard?")
def test_dashboard_is_told_seldom_and_never_less(visitor: Visitor, dashboard: Partner) -> None:
    """The dashboard is told at most 12 times how far an import is, never less than before, and 100 in the end."""
    many = [{"sku": f"A-{number}", "quantity": 1} for number in range(15 * BATCH)]
    shown = done(visitor, where(post(visitor, csv(many))))
    dashboard.expect(1)
    app_says, heard = shown.field("percent", int), told(dashboard)
    assert len(heard) <= MOST_TOLD, f"{len(many)} rows are {len(heard)} calls to the dashboard: {heard}."
    assert heard == sorted(heard), f"The percentage fell: {heard}."
    assert (heard[-1], app_says) == (100, 100), (
        f"The import is done; the dashboard was told {heard}, and {app_says} is shown."
    )


@behaviour(
    points=3, hint="How many rows are in your hands at a time, and how many bytes?", settings={"BATCH_ROWS": "8"}
)
def test_memory_does_not_grow_with_the_file(visitor: Visitor, app: App) -> None:
    """A large file passes through a small memory."""
    done(visitor, where(post(visitor, csv(SHELF))))  # whatever is loaded at the first import
    before = app.watch_memory()
    request = Request("POST", "/imports", {"content-type": "text/csv"}, large(), None, f"({LARGE} bytes of CSV)")
    done(visitor, where(visitor.send(request).reply()))
    grown = app.peak_memory() - before
    assert grown < LARGE * 3 // 4, f"While {LARGE} bytes were imported, your app's memory grew by {grown} bytes."


@behaviour(points=3, hint="How many ways are there out of an import, and which of them pass the line that clears up?")
def test_nothing_is_left_after_success_and_failure(
    visitor: Visitor, warehouse: Partner, app: App, world: World
) -> None:
    """When an import is done or has failed, nothing of the file is left on the disk."""
    done(visitor, where(post(visitor, csv(SHELF))))
    _assert_nothing_left(app, world, "is done")
    failed = ended(visitor, where(post(visitor, csv(SHELF) + b"A-\xff,1,\r\n")))
    assert failed.field("status", str) == "failed", f"The file is not in UTF-8, and the import is {failed.shown()}."
    _assert_nothing_left(app, world, "has failed on its text")
    for status in (503, 302):
        warehouse.answer(status)
        failed = ended(visitor, where(post(visitor, csv([{"sku": MARKER.decode(), "quantity": 1}, *SHELF]))))
        outcome = failed.field("status", str)
        assert outcome == "failed", f"The warehouse answered {status}, and the import is {failed.shown()}."
        _assert_nothing_left(app, world, "has failed at the warehouse")


def _assert_nothing_left(app: App, world: World, what: str) -> None:
    app.patience.until(lambda: not files_with(world.data, MARKER), idle=0.15)
    left = files_with(world.data, MARKER)
    assert not left, f"The import {what}, and a part of its file is still on the disk: {left[0].name}."


@behaviour(
    points=4,
    hint="Which of your variables would the next process need, and where could it find them?",
    needs=["test_import_is_accepted", "test_every_good_row_reaches_the_warehouse"],
)
def test_killed_import_goes_on(visitor: Visitor, warehouse: Partner, world: World) -> None:
    """An import whose process is killed while the warehouse has a batch goes on by itself, and no row is lost."""
    crash = _kill_at_the_second_batch(world, warehouse)
    done(visitor, crash.path)
    answered = [row for call in warehouse.calls if call is not crash.lost for row in call.field("rows", list)]
    missing = [row for row in SHELF if row not in answered]
    assert not missing, f"After the crash, the warehouse never took these rows: {missing}."


@behaviour(
    points=3,
    hint="What is known for certain when the answer to a batch has come, and is it known after a crash?",
    needs=["test_killed_import_goes_on"],
)
def test_only_the_batch_in_flight_comes_again(
    visitor: Visitor, warehouse: Partner, dashboard: Partner, world: World
) -> None:
    """After a crash only the batch that had no answer comes again, unchanged, and no count or percentage is wrong."""
    crash = _kill_at_the_second_batch(world, warehouse)
    shown = done(visitor, crash.path)
    found = list(batches(warehouse).values())
    assert len(found) > 1, f"{len(SHELF)} rows came to one address, in batches of at most {BATCH}."
    first, second = found[:2]
    came = [row for rows in found for row in rows]
    assert sorted(map(str, came)) == sorted(map(str, SHELF)), f"Rows came to two different addresses: {came}."
    times = [call.field("rows", list) for call in warehouse.calls]
    assert times.count(first) == 1, "The first batch had been answered before the crash, and came again after it."
    assert times.count(second) <= 2, f"The batch in flight at the crash came {times.count(second)} times."
    counted = shown.field("imported", int), len(shown.field("bad", list))
    assert counted == (len(SHELF), 3), f"{len(SHELF)} rows are good and three are bad; your app counts {counted}."
    lines = [one.get("line") for one in shown.field("bad", list) if isinstance(one, dict)]
    wanted = [number for number, row in enumerate(KILLED, 2) if row is BAD]
    assert lines == wanted, f"Bad are the lines {wanted}, the second one at the crash; your app says {lines}."
    assert told(dashboard) == sorted(told(dashboard)), f"The percentage fell: {told(dashboard)}."
    percents = [reply.field("percent", int) for reply in (crash.before, crash.after, shown) if reply.arrived]
    assert percents == sorted(percents), f"The percentage fell in the crash: {percents}."


def _kill_at_the_second_batch(world: World, warehouse: Partner) -> Crash:
    """Kill the app while its second batch waits for an answer, and start it again."""
    visitor, app = world.visitor, world.app
    with warehouse.closed(let=1) as gate:
        path = where(post(visitor, csv(KILLED)))
        assert gate.knocked(), "No second batch came to the warehouse."
        before = visitor.get(path)
        app.kill()
        lost = warehouse.calls[-1]
        app.start_again()
        after = visitor.get(path)
    app.wait_listening()
    return Crash(path, lost, before, after)
