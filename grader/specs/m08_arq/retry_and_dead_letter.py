"""A message is tried as often as it makes sense, and when it is given up, somebody can see it and try it again."""

from typing import Any

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, PartnerCall, Reply, Visitor, World
from grader.world.arq_queue import ArqQueue
from grader.world.redis import Redis

PARTNERS = ("gateway",)
WORKERS = (("arq",),)
ATTEMPTS, MANY, BASE = 5, 6, 60
"""MANY: more than ARQ makes of a job of which nobody has told it how often."""
SETTINGS = {"MAX_ATTEMPTS": str(ATTEMPTS), "RETRY_BASE_SECONDS": str(BASE)}
TRY = ('POST /messages {"to": "+491701234567", "text": "Your parcel is here."}', "GET /dead-letters")

NEW = {"to": "+491701234567", "text": "Your parcel is here."}
SENT = ("test_message_is_sent",)
PATIENCE = 0.5
"""Seconds of idleness: two processes, and a queue that is polled, lie between the cause and the effect."""
SLACK = 20
"""Seconds by which a wait may look shorter than it is: so late a busy machine may read when it ends."""


@pytest.fixture(autouse=True)
def gateway(world: World, app: App, worker: App) -> Partner:  # noqa: ARG001 - these two only have to run
    """The service that sends text messages."""
    partner = world.partner("gateway")
    partner.answer(201)
    return partner


@pytest.fixture
def queue(redis: Redis) -> ArqQueue:
    """What lies in Redis: nobody waits for a time to come, it is read there, and let come."""
    return ArqQueue(redis)


@behaviour(points=1, hint="Accepted is not done: which status says so?")
def test_message_is_sent(visitor: Visitor, gateway: Partner) -> None:
    """A message is answered with 202, and the gateway gets it."""
    reply = visitor.post("/messages", NEW)
    assert reply.status == 202, f"The message was answered with {reply.shown()}."
    call = gateway.next(PATIENCE)
    assert (call.method, call.path) == ("POST", "/messages"), f"The gateway was asked {call.method} {call.path}."
    _assert_sent(call)


@behaviour(points=3, hint="What does ARQ do with a job that raises? Does it matter what it raises?", needs=SENT)
def test_trouble_that_may_pass(visitor: Visitor, world: World, gateway: Partner, queue: ArqQueue) -> None:
    """After a 503 and after a hang-up a message is tried again, until the gateway takes it."""
    gateway.drop(times=1)
    gateway.answer(503, times=1)  # this one comes first
    visitor.post("/messages", NEW)
    for calls, trouble in ((1, "answered 503"), (2, "hung up")):
        gateway.expect(calls, PATIENCE)
        _let_the_wait_end(world, queue, f"The gateway {trouble}")
    gateway.expect(3, PATIENCE)
    ended = world.patience.until(lambda: not queue.due(), idle=PATIENCE)
    assert ended, "The gateway had taken the message, and still there was a job for it in the queue."
    letters = _letters(visitor.get("/dead-letters"))
    assert not letters, f"The gateway had taken the message, and yet there are dead letters: {letters}."


@behaviour(points=2, hint="How long should one wait who has waited in vain already?", needs=SENT)
def test_waits_grow(visitor: Visitor, world: World, gateway: Partner, queue: ArqQueue) -> None:
    """The first wait is RETRY_BASE_SECONDS, each other one twice the one before, or up to a half more than that."""
    gateway.answer(503)
    visitor.post("/messages", NEW)
    for attempt, least in enumerate((BASE, 2 * BASE, 4 * BASE, 8 * BASE), start=1):  # fewer might just be adding
        gateway.expect(attempt, PATIENCE)
        wait = _let_the_wait_end(world, queue, "The gateway answered 503")
        told = f"After failed attempt {attempt} the wait was to be {least} s, or up to {least * 3 // 2} s"
        assert least - SLACK < wait <= least * 1.5, f"{told}; the message was due in {wait:.0f} s."


@behaviour(
    points=3,
    hint="How often has the job been begun when it is begun for the last time? Who hears of it when that fails?",
    needs=["test_trouble_that_may_pass"],
    settings={"MAX_ATTEMPTS": str(MANY)},
)
def test_last_attempt(visitor: Visitor, world: World, gateway: Partner, queue: ArqQueue) -> None:
    """A message that fails MAX_ATTEMPTS times was tried so often, and is a dead letter."""
    gateway.answer(500)
    visitor.post("/messages", NEW)
    for attempt in range(1, MANY):
        gateway.expect(attempt, PATIENCE)
        _let_the_wait_end(world, queue, f"The gateway answered 500 for the {attempt}. time of {MANY}")
    world.patience.until(lambda: not queue.due() or _later(queue), idle=PATIENCE)
    calls = len(gateway.calls)
    assert calls == MANY, f"The message was to be tried {MANY} times, and was tried {calls} times."
    assert not queue.due(), f"The message had failed {calls} times, and was to be tried once more."
    letters = _letters(visitor.get("/dead-letters"))
    assert len(letters) == 1, f"The message had failed {calls} times and was given up; the dead letters: {letters}."
    assert letters[0].get("attempts") == MANY, f"There were {calls} attempts; the dead letter: {letters[0]}."


@behaviour(points=2, hint="Will the same request ever pass? And who is to find out why not, next week?", needs=SENT)
def test_trouble_that_will_not_pass(visitor: Visitor, gateway: Partner) -> None:
    """A message that the gateway refuses with a 4xx is a dead letter after one attempt, with all that is needed."""
    for calls, status in ((1, 422), (2, 429)):
        gateway.answer(status)
        message = visitor.post("/messages", NEW).field("id", str)
        letter = _letter_of(visitor, message, f"The gateway answered {status}")
        assert len(gateway.calls) == calls, f"The gateway answered {status}, and was asked for that message once more."
        wanted = NEW | {"attempts": 1}
        kept = {name: letter.get(name) for name in wanted}
        assert kept == wanted, f"The dead letter was to hold {wanted}; it holds {kept}."
        error = letter.get("error")
        in_words = isinstance(error, str) and error
        assert in_words, f"The dead letter was to say in words what went wrong; it says {error!r}."


@behaviour(
    points=3,
    hint="Has the queue taken your job? What does who remember of the one before, under which id, and for how long?",
    needs=SENT,
    settings={"MAX_ATTEMPTS": "2"},
)
def test_replay(visitor: Visitor, gateway: Partner) -> None:
    """A dead letter that is replayed is a new message, with attempts of its own, and no dead letter any more."""
    gateway.answer(422, times=2)  # as often as one message may fail: whoever counts on after a replay has none left
    message = visitor.post("/messages", NEW).field("id", str)
    _letter_of(visitor, message, "The gateway answered 422")
    with gateway.closed():  # until the letter is gone: the message may keep its id, and would be looked for under it
        again = _replay(visitor, message)
    attempts = _letter_of(visitor, again, "The replayed message was answered 422").get("attempts")
    assert attempts == 1, f"The message was refused once since its replay; its dead letter says: {attempts} attempts."
    _replay(visitor, again)
    _assert_sent(gateway.expect(3, PATIENCE)[2])
    letters = _letters(visitor.get("/dead-letters"))
    assert not letters, f"The message was replayed, and is still among the dead letters: {letters}."
    reply = visitor.post(f"/dead-letters/{again}/replay")
    assert reply.status == 404, f"There was no such dead letter any more, and the replay was answered {reply.shown()}."


@behaviour(
    points=3,
    hint="A start is counted before anybody knows how it ends. Who acts on that count, and how?",
    needs=SENT,
    settings={"MAX_ATTEMPTS": "1"},
)
def test_killed_in_the_last_attempt(
    visitor: Visitor, worker: App, world: World, gateway: Partner, queue: ArqQueue
) -> None:
    """A message whose worker is killed in its last attempt is sent or a dead letter in the end."""
    with gateway.closed() as gate:
        visitor.post("/messages", NEW)
        assert gate.knocked(PATIENCE), "The gateway was not asked to send the message."
        worker.kill()
        gateway.drop(times=1)  # for the one whose caller is gone: else the message is sent when the gate opens
    world.patience.until(lambda: not gate.waiting, idle=PATIENCE)
    queue.time_out()
    worker.restart()
    world.patience.until(lambda: len(gateway.calls) > 1 or not queue.due(), idle=PATIENCE)
    found = len(gateway.calls) > 1 or _letters(visitor.get("/dead-letters"))
    assert found, "The worker was killed, and a new one came; the message was neither sent nor is it a dead letter."


def _later(queue: ArqQueue) -> list[tuple[str, float]]:
    """The jobs that wait for a time to come, and for how long yet."""
    return [(job, seconds) for job, seconds in queue.due().items() if seconds > 1]


def _let_the_wait_end(world: World, queue: ArqQueue, trouble: str) -> float:
    """Let the message be due that waits to be tried again; for how long it would have waited, in seconds."""
    decided = world.patience.until(lambda: bool(_later(queue)) or not queue.due(), idle=PATIENCE)
    assert decided, f"{trouble}, and no job waits in the queue for its time to come: somebody is still busy with it."
    waiting = _later(queue)
    assert waiting, f"{trouble}; the message was to be tried again later, and nothing is in the queue."
    for job, _ in waiting:
        queue.make_due(job)
    return waiting[0][1]


def _replay(visitor: Visitor, letter: str) -> str:
    """Replay a dead letter; the id that the message has from now on."""
    reply = visitor.post(f"/dead-letters/{letter}/replay")
    assert reply.status == 202, f"The replay was answered with {reply.shown()}."
    return str(reply.field("id", str))


def _assert_sent(call: PartnerCall) -> None:
    sent = {name: call.field(name, str) for name in NEW}
    assert sent == NEW, f"What the gateway was to send is not the message: {sent}."


def _letters(reply: Reply) -> list[dict[str, Any]]:
    letters = reply.json
    assert reply.status == 200, f"The list of dead letters was answered with {reply.shown()}."
    assert isinstance(letters, list), f"The dead letters were to be a list: {reply.shown()}."
    assert all(isinstance(letter, dict) for letter in letters), f"Each is to be an object: {reply.shown()}."
    return letters


def _letter_of(visitor: Visitor, message: str, trouble: str) -> dict[str, Any]:
    """Wait for a message's dead letter."""
    reply = visitor.until("/dead-letters", lambda reply: message in reply.text, PATIENCE)
    letters = [letter for letter in _letters(reply) if letter.get("id") == message]
    assert len(letters) == 1, f"{trouble}; the message was to be one dead letter, and is {len(letters) or 'none'}."
    return letters[0]
