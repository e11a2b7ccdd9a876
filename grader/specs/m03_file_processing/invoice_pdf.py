"""An order is accepted at once, and its invoice comes: whole, right to the cent, and after a crash, too.

Every behaviour but the first waits for a process that its submission starts, which with spawn imports the student's
file: some tenths of a second that the mechanism itself needs.
"""

import contextlib
import io
import re
from collections.abc import Iterator
from urllib.parse import quote

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from grader.behaviour import behaviour
from grader.errors import Unmet
from grader.stage import App, Labour
from grader.world import Call, Reply, Visitor
from grader.world.visitor import PATIENCE

TEA = {"item": "Tea", "quantity": 3, "price": "2.35"}
TRY = (
    'POST /orders {"customer": "Ada Lovelace", "lines": [{"item": "Tea", "quantity": 3, "price": "2.35"}]}',
    'POST /orders {"customer": "\u03a9", "lines": []}',
)
MANY = 1000
"""Lines of an order that keeps somebody busy, and less than the 64 KB that a pipe holds.

With more, multiprocessing's start() waits for ever when the new process is killed before it has read its arguments.
"""
CROWDS = (1, 8, 40, 120)
"""Large orders at a time: whoever is quick is done with one before anybody sees who is at work on it, and gets more."""
CROWD_PATIENCE = 2.0
"""Seconds of idleness: of forty who write to an SQLite file at once, most sleep again and again until it is free."""
ATTEMPTS = 4
"""Where the visitor is slow to ask, an invoice may have been made by then."""
CASES = (
    # The tax is 1.045: half to even makes 1.04 of it, and so does the nearest binary number.
    ([("Pencil", 1, "5.50")], "5.50", "1.05", "6.55"),
    # Whoever rounds the tax of each line has 0.21 here.
    ([("Caf\u00e9", 1, "0.05"), *[("Screw", 1, "0.08")] * 10], "0.85", "0.16", "1.01"),
    # Sixteen digits are more than a binary float holds, however carefully it is rounded.
    ([("Ship", 3, "33333333333333.33")], "99999999999999.99", "19000000000000.00", "118999999999999.99"),
)


def order(lines: list[tuple[str, int, str]], customer: str = "Ada Lovelace") -> dict[str, object]:
    """Return the body of a POST."""
    return {
        "customer": customer,
        "lines": [dict(zip(("item", "quantity", "price"), line, strict=True)) for line in lines],
    }


def large() -> dict[str, object]:
    """Return an order whose invoice takes some tenths of a second to be made."""
    return order([(f"Item {number}", 1, "2.35") for number in range(MANY)])


def check_out(visitor: Visitor, body: dict[str, object]) -> str:
    """Post an order that has to be accepted; return where it is."""
    return place_of(visitor.post("/orders", body))


def place_of(reply: Reply) -> str:
    """Return where an order is that has to be accepted."""
    assert reply.succeeded, f"An order was answered with {reply.shown()}."
    return f"/orders/{quote(reply.field('id', str), safe='')}"


def finished(visitor: Visitor, where: str, patience: float = PATIENCE) -> str:
    """Wait until an order is no longer pending; return its status."""
    shown = visitor.until(where, lambda reply: reply.field("status", str) != "pending", patience)
    status: str = shown.field("status", str)
    assert status in ("ready", "failed"), f'The invoice never came to an end: the order\'s status is "{status}".'
    return status


def text_of(reply: Reply) -> str:
    """Read an invoice; an empty text when it is no whole PDF."""
    try:
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(reply.body), strict=True).pages)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError):
        return ""


def invoice(visitor: Visitor, body: dict[str, object]) -> str:
    """Post an order whose invoice has to come; return the invoice's text."""
    where = check_out(visitor, body)
    status = finished(visitor, where)
    assert status == "ready", f'An order that is as it should be has the status "{status}".'
    reply = visitor.get(f"{where}/invoice")
    kind = reply.headers.get("content-type", "no type")
    assert reply.status == 200, f"The order is ready, and asking for its invoice was answered with {reply.status}."
    assert kind == "application/pdf", f"The invoice came as {kind}."
    text = text_of(reply)
    assert text, f"The order is ready, and its invoice ({len(reply.body)} bytes) is no PDF with text in it."
    return text


def shows(text: str, *words: str) -> bool:
    """Tell whether these words stand in a text one after the other, and numbers are no part of longer ones."""
    return bool(re.search(r"(?<![\d.])" + r"\s*".join(map(re.escape, words)) + r"(?![\d.])", text))


@behaviour(points=1, hint="The order exists, the invoice not yet. Which status says so, which header where to ask?")
def test_order_is_accepted(visitor: Visitor) -> None:
    """An order is answered with 202 Accepted and its total, and the Location leads to it."""
    reply = visitor.post("/orders", order([("Tea", 3, "2.35")]))
    assert reply.status == 202, f"The order was answered with {reply.shown()}."
    assert reply.field("total", str) == "8.39", f"3 x 2.35 and 19 percent of tax are 8.39: {reply.shown()}."
    shown = visitor.get(reply.follow())
    assert shown.status == 200, f"Asking at the Location was answered with {shown.shown()}."
    told = shown.field("id", str), shown.field("total", str)
    assert told == (reply.field("id", str), "8.39"), f"The Location leads to another order: {shown.shown()}."


@behaviour(points=3, hint="Which kind of number can hold a cent, and to which side does half a cent go?")
def test_totals_are_right_to_the_cent(visitor: Visitor) -> None:
    """The invoice has the customer, every line, and net, tax and total that are right to the cent."""
    for lines, net, tax, total in CASES:
        text = invoice(visitor, order(lines))
        what = " + ".join(f"{quantity} x {price}" for _, quantity, price in lines[:3])
        missing = [item for item in ("Ada Lovelace", *(line[0] for line in lines)) if item not in text]
        assert not missing, f"On the invoice there is no {missing[0]}."
        for name, amount in (("Net", net), ("Tax", tax), ("Total", total)):
            found = re.findall(rf"{name}\s*([\d.,]+)", text)
            assert shows(text, name, amount), (
                f'Of {what}, {name.lower()} is {amount}; the invoice says "{name} {found}".'
            )


@behaviour(points=3, hint="Where does the process's error arrive, and who writes it where the customer can read it?")
def test_failure_is_told(visitor: Visitor) -> None:
    """An order whose invoice cannot be made has failed and has none, and the next one is ready."""
    where = check_out(visitor, order([("Tea", 3, "2.35")], customer="\u03a9\u03bc\u03ad\u03b3\u03b1"))
    status = finished(visitor, where)
    assert status == "failed", f'The customer\'s letters cannot be printed, and the order has the status "{status}".'
    reply = visitor.get(f"{where}/invoice").status
    assert reply == 404, f"The order has failed, and asking for its invoice was answered with {reply}."
    invoice(visitor, order([("Tea", 3, "2.35")]))


@contextlib.contextmanager
def at_work(visitor: Visitor, app: App) -> Iterator[tuple[list[Call], int]]:
    """Post a large order, and hold all processes beside the server still while one of them makes the invoice.

    Yields the orders and the process: the one that computes, which a fork server does not, nor who waits for its turn.
    That the last order is pending is asked of the server while nobody works.
    """
    invoice(visitor, order([("Tea", 3, "2.35")]))  # whoever keeps processes has them now
    for number in CROWDS:
        app.settle()  # until nobody is about to start any more
        labour = Labour(app)
        calls = [visitor.start("POST", "/orders", large()) for _order in range(number)]
        with labour.held() as worker:
            if worker and not done_with(visitor, calls[-1]):
                yield calls, worker
                return
        if labour.alone():
            break
    raise Unmet("A large order had been posted, and no process beside your server was seen to make its invoice.")


def done_with(visitor: Visitor, call: Call) -> bool:
    """Tell whether an order is no longer pending, as far as the server says so without being waited for."""
    if not call.arrived:
        return False
    shown = visitor.get(place_of(call.reply()))
    return shown.arrived and shown.field("status", str) != "pending"


@behaviour(points=2, hint="From which moment on does the file exist, and from which moment on is it an invoice?")
def test_no_half_invoice_is_served(visitor: Visitor, app: App) -> None:
    """Whenever an invoice is served, it is whole."""
    where = check_out(visitor, large())
    assert_whole(visitor.until(f"{where}/invoice", lambda reply: reply.status != 404))
    with contextlib.suppress(Unmet), at_work(visitor, app) as (calls, _worker):  # else nobody is seen at work
        for call in [call for call in calls if call.arrived]:
            reply = visitor.get(f"{place_of(call.reply())}/invoice")
            if reply.arrived and reply.status != 404:
                assert_whole(reply)


def assert_whole(reply: Reply) -> None:
    """See to it that an invoice was served, and all of it."""
    assert reply.status == 200, f"Asking for an invoice that was being made was answered with {reply.status}."
    whole = "Total" in text_of(reply)[-200:]
    assert whole, f"As soon as there was an invoice, it was asked for: {len(reply.body)} bytes came, and no whole PDF."


@behaviour(points=3, hint="While an invoice is made, what does the one thread do that serves all visitors?")
def test_visitors_are_served_meanwhile(visitor: Visitor, app: App) -> None:
    """While a process beside the server is busy with an invoice, the server answers, whatever it is asked."""
    with at_work(visitor, app) as (calls, _worker):
        reply = calls[-1].reply(CROWD_PATIENCE)
        assert reply.arrived, "While the invoice was under way, the order got no answer: your app waited for it."
        shown = visitor.start("GET", place_of(reply)).reply(CROWD_PATIENCE)
        assert shown.arrived, "While one invoice was under way, your app served nobody."


@behaviour(points=2, hint="How many interpreters run at a time, and which of them has to answer visitors?")
def test_invoice_is_made_beside_the_server(visitor: Visitor, app: App) -> None:
    """While a large invoice is made, a second process is there; killing it leaves no order pending."""
    with at_work(visitor, app) as (calls, worker):
        app.kill_child(worker)
    for call in calls:
        finished(visitor, place_of(call.reply(CROWD_PATIENCE)), CROWD_PATIENCE)


@behaviour(points=4, hint="What has been promised, where is that written, and who reads it when the service starts?")
def test_crash_forgets_no_invoice(visitor: Visitor, app: App) -> None:
    """An order that was pending when the service was killed turns ready once it is started again."""
    where = check_out(visitor, large())
    app.kill()
    app.restart()
    shown = visitor.get(where)
    assert shown.status == 200, f"After a restart, the order that had been accepted is answered with {shown.status}."
    status = finished(visitor, where)
    assert status == "ready", f'The service was killed and started again; now the order has the status "{status}".'
    reply = visitor.get(f"{where}/invoice")
    assert "Total" in text_of(reply), "After a restart, the order is ready, and its invoice is no whole PDF."


@behaviour(
    points=2,
    hint="What does a service that starts have to wait for, and who waits for the service meanwhile?",
    needs=["test_visitors_are_served_meanwhile", "test_crash_forgets_no_invoice"],
)
def test_owed_invoices_keep_nobody_waiting(visitor: Visitor, app: App) -> None:
    """Started again, the service answers before it has made the invoice that it owes."""
    served = any(_answers_before_it_is_made(visitor, app) for _attempt in range(ATTEMPTS))
    assert served, "Your app was started again with an invoice to make, and answered nobody until it was made."


def _answers_before_it_is_made(visitor: Visitor, app: App) -> bool:
    where = check_out(visitor, large())
    app.kill()
    app.restart()
    return bool(visitor.get(where).field("status", str) != "ready")
