"""Whoever sends a payment twice pays once: at once, after failures, across crashes."""

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Call, Reply, Visitor, World
from grader.world.payments import Payments

TRY = (
    'POST /payments Idempotency-Key:k-1 {"order": "A-17", "amount": 1200}',
    'POST /payments Idempotency-Key:k-1 {"order": "B-4", "amount": 500}',
)
SETTINGS = {"KEY_TTL_SECONDS": "3600"}

ORDER = {"order": "A-17", "amount": 1200}
OTHER = {"order": "B-4", "amount": 500}
KEYS = ("k-1", "k/1", "k_1")
"""Any text is a key, also one that is no file's name; and no two of these are one."""
AT_ONCE = 20
PAUSES = (0.0, 0.1, 0.2, 0.3, 0.4)
"""Seconds between two attempts, in all twice what the task grants a key to be free again."""


def start(visitor: Visitor, payment: dict[str, object] = ORDER, key: str = "k-1") -> Call:
    """Send a payment, without waiting for the reply."""
    return visitor.start("POST", "/payments", payment, {"Idempotency-Key": key})


def pay(visitor: Visitor, payment: dict[str, object] = ORDER, key: str = "k-1") -> Reply:
    """Send a payment, and wait for the reply."""
    return start(visitor, payment, key).reply(patience=1.0)


def pay_unless(visitor: Visitor, app: App, refusal: int, payment: dict[str, object], key: str = "k-1") -> Reply:
    """Send a payment again as long as it is refused with that status, for a second; the last reply."""
    reply = Reply("POST /payments")
    for pause in PAUSES:
        if pause:
            app.settle(pause)
        reply = pay(visitor, payment, key)
        if reply.status != refusal:
            break
    return reply


def seen(reply: Reply) -> str:
    """A reply in the words of a message."""
    return f"was answered with {reply.shown()}" if reply.arrived else "got no answer"


def assert_charged(payments: Payments, times: int, after: str) -> None:
    """So many charges in all."""
    assert len(payments.charges) == times, f"{after}: {len(payments.charges)} charges instead of {times}."


@behaviour(points=1, hint="What is the visitor to do about it? There is a status that blames the request.")
def test_a_key_is_required(visitor: Visitor, payments: Payments) -> None:
    """A payment without a key is refused with 400, and nobody is charged."""
    reply = visitor.post("/payments", ORDER)
    assert reply.status == 400, f"A payment without a key {seen(reply)}."
    assert_charged(payments, 0, "After a payment without a key")


@behaviour(points=2, hint="What is it that tells two payments apart, and what has to be kept to answer once more?")
def test_the_same_again_gets_the_same_reply(visitor: Visitor, payments: Payments) -> None:
    """The same key and body again get the first one's reply and no second charge; another key is another payment."""
    first = pay(visitor)
    assert first.status == 201, f"The payment {seen(first)}."
    charge = first.field("id", str), first.field("order", str), first.field("amount", int)
    assert charge == ("ch_1", "A-17", 1200), f"Charged was ch_1, 1200 for A-17; the visitor was told {charge}."
    again = pay(visitor)
    assert (again.status, again.json) == (first.status, first.json), f"{first.shown()} became {again.shown()}."
    assert_charged(payments, 1, "The same request came twice")
    other = pay(visitor, key="k-2")
    assert other.status == 201, f"The same payment with another key {seen(other)}."
    assert_charged(payments, 2, "The same body came with two keys")


@behaviour(
    points=2,
    hint="A key stands for one payment. How do you recognise that payment later?",
    needs=["test_the_same_again_gets_the_same_reply"],
)
def test_another_body_is_refused(visitor: Visitor, payments: Payments) -> None:
    """The same key with another body is refused with 422, and nobody is charged."""
    pay(visitor)
    reply = pay(visitor, OTHER)
    assert reply.status == 422, f"The key of another payment {seen(reply)}."
    assert_charged(payments, 1, "One key came with two bodies")


# Starting a second process and answering twenty visitors takes longer than a behaviour otherwise may.
@behaviour(
    points=4,
    hint="What can happen between looking whether somebody was here, and writing down that you were?",
    needs=["test_the_same_again_gets_the_same_reply"],
)
def test_twenty_at_once_are_charged_once(visitor: Visitor, payments: Payments, world: World, app: App) -> None:
    """Twenty requests with one key, at once, to two processes, make one charge and get its reply (or 409 meanwhile)."""
    visitors = [visitor, world.instance().visitor]
    with payments.closed() as gate:
        calls = [start(visitors[number % 2]) for number in range(AT_ONCE)]
        assert gate.knocked(patience=1.0), "None of the twenty requests reached the payment provider."
        app.settle(0.03)  # the others come as far as they can
    replies = [call.reply(patience=1.0) for call in calls]
    assert_charged(payments, 1, "Twenty requests with one key came at once")
    last = pay_unless(visitor, app, 409, ORDER)
    assert last.status == 201, f"Twenty came at once; after them, the same request {seen(last)}."
    for reply in replies:
        same = (reply.status, reply.json) == (last.status, last.json)
        assert same or reply.status == 409, f"One of twenty requests with one key {seen(reply)}; later: {last.shown()}."


@behaviour(
    points=3,
    hint="After a failure, who knows whether the money was taken? What must stay the same so that they can tell?",
    needs=["test_another_body_is_refused"],
)
def test_a_failed_attempt_may_be_repeated(visitor: Visitor, payments: Payments, app: App) -> None:
    """A failed payment can be tried again, with the same body only, also when it was charged, and is charged once."""
    payments.answer(503, times=1)
    failed = pay(visitor)
    assert failed.status == 502, f"The provider answered 503, and the payment {seen(failed)}."
    other = pay_unless(visitor, app, 409, OTHER)
    assert other.status == 422, f"The key of another payment, which had failed, {seen(other)}."
    payments.lose_answers()
    lost = pay_unless(visitor, app, 409, ORDER)
    assert lost.status == 502, f"After a failure the provider charged and hung up, and the second attempt {seen(lost)}."
    last = pay_unless(visitor, app, 409, ORDER)
    assert last.status == 201, f"After two failures the provider was well again, and the third attempt {seen(last)}."
    assert_charged(payments, 1, "One payment was tried three times")


@behaviour(
    points=2,
    hint="Where are the keys while no process runs?",
    needs=["test_another_body_is_refused"],
)
def test_keys_survive_a_restart(visitor: Visitor, payments: Payments, app: App) -> None:
    """After a restart a key, whatever text it is, is known: the same reply for the same body, 422 for another one."""
    replies = {key: pay(visitor, key=key) for key in KEYS}
    app.restart()
    for key, first in replies.items():
        assert first.status == 201, f"The payment with the key {key} {seen(first)}."
        again = pay(visitor, key=key)
        assert (again.status, again.json) == (first.status, first.json), f"{first.shown()} became {again.shown()}."
    other = pay(visitor, OTHER)
    assert other.status == 422, f"After a restart, the key of another payment {seen(other)}."
    assert_charged(payments, len(KEYS), f"Payments with the keys {', '.join(KEYS)} were repeated after a restart")


# It takes a second process, which lives on.
@behaviour(
    points=3,
    hint="Pull the plug after each line in turn: what does the next process find written down?",
    needs=["test_the_same_again_gets_the_same_reply"],
)
def test_a_crash_in_the_middle_charges_once(visitor: Visitor, payments: Payments, world: World, app: App) -> None:
    """A payment whose process died when the provider had charged can be sent again, anywhere, and is charged once."""
    other = world.instance()
    with payments.closed(at="answer") as gate:
        start(visitor)
        start(visitor, OTHER, "k-2")
        assert gate.knocked(), "Nobody came to the payment provider."
        app.settle(0.03)  # the other comes as far as it can
        app.kill()
    reply = pay_unless(other.visitor, other.app, 409, ORDER)
    assert reply.status == 201, f"Sent after the crash to a process that lives on, the payment {seen(reply)}."
    times = payments.charged("A-17")
    assert times == 1, f"One process died when the provider had charged; asked was another: {times} charges, not 1."
    app.restart()
    reply = pay_unless(visitor, app, 409, OTHER, "k-2")
    assert reply.status == 201, f"Sent again after a crash and a restart, the payment {seen(reply)}."
    assert_charged(payments, 2, "The process died when the provider had charged, and two payments were sent again")


# Costs the solution the 0.12 s in which the key expires.
@behaviour(
    points=2,
    hint="What does the key stand for when its time is up: for you, and for the provider, who never forgets?",
    needs=["test_another_body_is_refused"],
    settings={"KEY_TTL_SECONDS": "0.1"},
)
def test_keys_expire(visitor: Visitor, payments: Payments, app: App) -> None:
    """When KEY_TTL_SECONDS (here 0.1) are over, a key may be used for another payment."""
    pay(visitor)
    app.settle(0.12)
    reply = pay_unless(visitor, app, 422, OTHER)
    assert reply.status == 201, f"More than a second after its first use, the key's next payment {seen(reply)}."
    assert payments.charged("B-4") == 1, f"The key's next payment was charged {payments.charged('B-4')} times."
