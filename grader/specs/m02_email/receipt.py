"""The receipt: a name that is not ASCII survives, and the loop keeps serving while the PDF is computed."""

import re
from email.message import EmailMessage, MIMEPart
from html import unescape
from html.parser import HTMLParser

from grader.behaviour import behaviour
from grader.errors import Unmet
from grader.stage import App
from grader.world import Mail, Mailbox, Reply, Visitor

TRY = ('POST /orders {"email": "ada@example.com", "name": "Zoë 小明", "tickets": 2}',)

ADA = "ada@example.com"
NAME = "Zoë Đặng 小明"
# The second name has in it what HTML, file names and tidy people like to change: an apostrophe, an &, small letters,
# and what HTML takes for a tag.
NAMES = {ADA: NAME, "soren@example.com": "Søren d'Éon & van Dijk <Sunny>"}
STATES = {"rendering", "sending", "sent", "failed"}

# Computing that takes half a second, in which the visitor asks four times; that takes a fifth of it, and more than the
# moment between the end of the computing and its being told. A machine so busy that the computing is over before the
# visitor has had four turns gets a second chance.
MANY = 50
ASKED = 4
CHANCES = 2

UNREADABLE = (LookupError, ValueError, TypeError, AttributeError)
"""What the email package raises for messages that are none."""


def order(visitor: Visitor, tickets: int = 1, email: str = ADA) -> Reply:
    """Order tickets."""
    return visitor.post("/orders", {"email": email, "name": NAMES[email], "tickets": tickets})


def receipt(visitor: Visitor, mailbox: Mailbox, email: str = ADA) -> Mail:
    """Order a ticket, and wait for the email."""
    order(visitor, email=email)
    while (mail := mailbox.next()).to != [email]:
        pass  # one too many of an earlier order, which is another matter
    return mail


def status_in_the_end(visitor: Visitor, where: str) -> str:
    """Return the last status of an order."""
    shown = visitor.until(where, lambda reply: str(reply.field("status", str)) in {"sent", "failed"})
    return str(shown.field("status", str))


def first_other(expected: str, visitor: Visitor, where: str) -> str:
    """Ask several times for the status of an order; return the first one that is not as expected, else that one."""
    told = (visitor.get(where).field("status", str) for _ in range(ASKED))
    return next((str(status) for status in told if status != expected), expected)


def pdf_of(mail: Mail) -> EmailMessage:
    """Return the part that is a PDF. Raises Unmet when there is not exactly one."""
    parts = [part for part in mail.message.walk() if isinstance(part, EmailMessage) and not part.is_multipart()]
    kinds = [part.get_content_type() for part in parts]
    if kinds.count("application/pdf") != 1:
        raise Unmet(f"The email should have one part of type application/pdf; it has {', '.join(kinds)}.")
    return parts[kinds.index("application/pdf")]


def content_of(part: EmailMessage) -> bytes:
    """Return the bytes of an attachment; none when they cannot be read."""
    try:
        content = part.get_payload(decode=True)
    except UNREADABLE:
        return b""
    return content if isinstance(content, bytes) else b""


def is_whole(pdf: bytes) -> bool:
    """Tell whether these bytes begin as a PDF does, and the table at their end lies where the last line says."""
    end = re.search(rb"startxref\s+(\d{1,9})\s+%%EOF\s*\Z", pdf)
    if end is None or not pdf.startswith(b"%PDF-"):
        return False
    return re.match(rb"xref|\d+ \d+ obj", pdf[int(end[1]) :]) is not None


class Reader(HTMLParser):
    """Reads HTML as a mail reader does: ``text`` is what stands between the tags."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        """Keep a piece of text."""
        self.text += data


def shown(html: str) -> str:
    """Return what a mail reader shows of a body, with one blank for any white space."""
    reader = Reader()
    try:
        reader.feed(html)
        reader.close()
    except AssertionError:  # what html.parser raises for a few declarations that are none
        return unescape(html)
    return " ".join(reader.text.split())


def branches(part: MIMEPart, above: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """Return for each type of content the multipart types that it lies in, from the outermost on."""
    kind = part.get_content_type()
    if not part.is_multipart():
        return {kind: above}
    found: dict[str, tuple[str, ...]] = {}
    for inner in part.iter_parts():
        found |= branches(inner, (*above, kind))
    return found


@behaviour(points=1, hint="The PDF is not made when the answer goes out. What does the answer say, and where to?")
def test_order_is_accepted(visitor: Visitor) -> None:
    """An order is answered with 202 Accepted, and its Location leads to its status."""
    reply = order(visitor)
    assert reply.status == 202, f"The order was answered with {reply.status}."
    status = visitor.get(reply.follow()).field("status", str)
    assert status in STATES, f'The status is "{status}".'


@behaviour(points=2, hint="How many emails should one order bring about, and who notes that it has left?")
def test_receipt_is_sent(visitor: Visitor, mailbox: Mailbox, app: App) -> None:
    """An order brings one email to its address, with a whole PDF, and is said to be sent."""
    where = order(visitor).follow()
    mail = mailbox.next()
    assert mail.to == [ADA], f"The email for {ADA} went to {', '.join(mail.to)}."
    assert is_whole(content_of(pdf_of(mail))), "What is attached is not a whole PDF."
    status = status_in_the_end(visitor, where)
    assert status == "sent", f'The mail server has taken the email; your app says "{status}".'
    app.settle(0.02)  # nothing else would come after a second email
    assert len(mailbox.mails) == 1, f"One order brought {len(mailbox.mails)} emails."


@behaviour(points=3, hint="Which letters are lost, and at which step: when they come in, on the way, or going out?")
def test_name_survives_in_subject_and_body(visitor: Visitor, mailbox: Mailbox) -> None:
    """The name stands in the subject and in the body as it was typed."""
    for email, name in NAMES.items():
        mail = receipt(visitor, mailbox, email)
        assert name in mail.subject, f"{name} ordered; the subject is: {mail.title}"
        bodies = {"text": mail.text, "HTML": mail.html}
        assert any(bodies.values()), "The email has no body that can be read."
        for kind, body in bodies.items():
            seen = shown(body) if kind == "HTML" else body
            assert not body or name in seen, f"{name} ordered; the {kind} reads: {seen[:200]!r}"


@behaviour(points=2, hint="An attachment has a name of its own. Who brings it into a form that mail can carry?")
def test_name_survives_in_the_file_name(visitor: Visitor, mailbox: Mailbox) -> None:
    """The PDF's file name has the visitor's name in it as it was typed."""
    for email, name in NAMES.items():
        part = pdf_of(receipt(visitor, mailbox, email))
        try:
            called = part.get_filename()
        except UNREADABLE:
            called = None
        wanted = f"Receipt {name}.pdf"
        assert called == wanted, f"The PDF's file name should be {wanted!r}; it is {called!r}."


@behaviour(points=2, hint="Which parts are versions of the same, of which a reader picks one? And which part is not?")
def test_reader_shows_one_body_and_the_pdf(visitor: Visitor, mailbox: Mailbox) -> None:
    """A mail reader is offered text and HTML as two versions of the body, and the PDF beside them."""
    mail = receipt(visitor, mailbox)
    pdf_of(mail)
    assert mail.text.strip(), "The body has no version in plain text."
    assert mail.html.strip(), "The body has no version in HTML."
    lies_in = branches(mail.message)
    for kind in ("text/plain", "text/html"):
        assert "multipart/alternative" in lies_in[kind], f"The {kind} is not marked as one of several versions."
    assert "multipart/alternative" not in lies_in["application/pdf"], (
        "The PDF is marked as one more version of the body: a mail reader shows the PDF instead of the others."
    )


@behaviour(points=4, hint="While a processor computes for one visitor: who is there to listen to the next?")
def test_visitors_are_served_while_the_pdf_is_computed(visitor: Visitor) -> None:
    """While a large PDF is computed, the order has been answered and visitors are served."""
    for _ in range(CHANCES):
        where = order(visitor, MANY).follow()
        status = first_other("rendering", visitor, where)
        if status == "rendering":
            return
    raise AssertionError(
        f"The answer to a large order, or the next one after it, came when the PDF was computed (status: {status})."
    )


@behaviour(
    points=2,
    hint="The PDF is made, and the mail server has not taken it. On whose time does your app wait for it?",
)
def test_stuck_mail_server_delays_nobody(visitor: Visitor, mailbox: Mailbox) -> None:
    """While the mail server is stuck, visitors are served, and the order is said to be sending."""
    with mailbox.closed() as gate:
        where = order(visitor).follow()
        assert gate.knocked(), "Nobody came to the mail server."
        shown = visitor.get(where)
        assert shown.arrived, "While an email waited for the mail server, your app served nobody."
        status = shown.field("status", str)
        assert status == "sending", (
            f'The PDF is made, and the email waits for the mail server; your app says "{status}".'
        )
    mailbox.next()


@behaviour(points=1, hint="What can go wrong after the PDF is made, and who notes it?")
def test_refused_receipt_has_failed(visitor: Visitor, mailbox: Mailbox) -> None:
    """An order whose email the mail server refuses has failed."""
    mailbox.refuse(ADA)
    status = status_in_the_end(visitor, order(visitor).follow())
    assert status == "failed", f'The mail server refused the email with 550; your app says "{status}".'
