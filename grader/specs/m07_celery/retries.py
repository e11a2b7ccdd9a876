"""Reminders through a gateway that fails: when they are tried again, how often, and what is left of the others."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, Reply, Visitor, World
from grader.world.celery_broker import CeleryBroker, Message
from grader.world.redis import Redis

PARTNERS = ("gateway",)
WORKERS = (("celery", "worker", "--pool=threads", "--concurrency=1"),)
BASE = 10**7
SETTINGS = {"MAX_ATTEMPTS": "8", "RETRY_BASE_SECONDS": str(BASE), "RETRY_CAP_SECONDS": str(100 * BASE)}
"""Delays of months: nobody waits for them, they are read where they lie. Drawn from zero on, none is over too early."""
CAPPED = {"RETRY_BASE_SECONDS": str(200 * BASE), "RETRY_CAP_SECONDS": str(10 * BASE)}
CAP, TOGETHER, SPREAD = 10 * BASE, 8, BASE / 2
"""Eight delays drawn from half of CAP or more lie within a tenth of that half once in a million times."""
FEW = 3
TIMES, REMINDERS, MORE = 5, 5, 1.05 * BASE
"""Of 5 delays, each drawn from the upper 8 of 16 times BASE or more, none exceeds MORE once in a million times."""
TRY = ('POST /reminders {"to": "+4930123456", "text": "Tomorrow at ten"}', "GET /dead-letters")
ADA = {"to": "+4930123456", "text": "Tomorrow at ten"}
HANDED_OVER = 0.5
"""Seconds of idleness: a task is under way from one process to another, and both may sleep for a moment."""


@pytest.fixture(autouse=True)
def gateway(world: World, redis: Redis) -> Partner:  # noqa: ARG001 - there is no queue without Redis
    """The service that sends text messages."""
    return world.partner("gateway")


class Delays:
    """The messages that are not to be run before their time, whether a worker has taken them or not."""

    def __init__(self, broker: CeleryBroker, worker: App) -> None:
        self._broker = broker
        self._worker = worker
        self._over: set[str] = set()

    def now(self) -> list[Message]:
        """Those whose delay is not over."""
        waiting = [message for queue in self._broker.queues() for message in self._broker.waiting(queue)]
        found = {_tag(message): message for message in (*self._broker.taken(), *waiting) if message.eta is not None}
        return [message for tag, message in found.items() if tag not in self._over]

    def _at_least(self, count: int) -> list[Message] | None:
        found = self.now()
        return found if len(found) >= count else None

    def expect(self, count: int, what: str) -> list[Message]:
        """Wait until there are so many, and return them."""
        # What was seen then is what counts: a moment later one may be on its way from the queue into a worker's hands.
        found = self._worker.patience.until(lambda: self._at_least(count), idle=HANDED_OVER) or self.now()
        assert len(found) == count, f"{what}, and {len(found)} messages wait in the broker for their next attempt."
        return found

    def end(self, retries: list[Message]) -> None:
        """Let these delays be over."""
        for retry in retries:
            self._over.add(_tag(retry))  # the worker goes on waiting with its own copy
            self._broker.deliver(retry, now=True)


@pytest.fixture
def delays(worker: App, redis: Redis) -> Delays:
    """What waits for its next attempt; a worker is there."""
    return Delays(CeleryBroker(redis), worker)


@behaviour(points=1, hint="What does the task do when all goes well, and who is told?")
@pytest.mark.usefixtures("worker")
def test_reminder_is_sent(visitor: Visitor, gateway: Partner) -> None:
    """A reminder is answered with 202, sent once, and told to be sent."""
    accepted = visitor.post("/reminders", ADA)
    assert accepted.status == 202, f"The reminder was answered with {accepted.shown()}."
    call = gateway.next(HANDED_OVER)
    expected = {"id": accepted.field("id", str), **ADA}
    assert call.json == expected, f"The gateway was told {call.body.decode()}, instead of {expected}."
    _assert_status(visitor, accepted, "sent", "The gateway has accepted it")


@behaviour(points=3, hint="Is it told again because it was not heard, or because it is liked better now?")
def test_hopeless_reminder_is_not_tried_again(visitor: Visitor, gateway: Partner, delays: Delays) -> None:
    """A reminder that the gateway refuses with 400 or 404 is dead after one attempt."""
    gateway.answer(404)
    gateway.answer(400, times=1)  # this one comes first
    refused = [visitor.post("/reminders", ADA) for _ in range(2)]
    visitor.until("/dead-letters", lambda told: len(_letters(told)) >= 2 or bool(delays.now()), HANDED_OVER)
    assert not delays.now(), "The gateway has refused it, and would refuse it again: it waits for another attempt."
    for accepted in refused:
        letter = _letter(visitor, accepted)
        assert letter.get("attempts") == 1, f"The gateway has refused it, and this is what is dead: {letter}"
    assert len(gateway.calls) == 2, f"2 reminders were refused, and the gateway was asked {len(gateway.calls)} times."


@behaviour(points=3, hint="By what does a task tell Celery that it wants another turn, and does that reach Celery?")
def test_reminder_is_tried_again(visitor: Visitor, gateway: Partner, delays: Delays) -> None:
    """While the gateway answers 503 or 429, or hangs up, a reminder waits for its next attempt, then it is sent."""
    gateway.answer(429, times=1)
    gateway.drop(times=1)
    gateway.answer(503, times=1)  # this one comes first
    accepted = visitor.post("/reminders", ADA)
    for number, trouble in enumerate(("answered 503", "hung up", "answered 429"), start=1):
        gateway.expect(number, HANDED_OVER)
        retries = delays.expect(1, f"The gateway {trouble}")
        told = _status(visitor.get(_place(accepted)))
        assert told == "queued", f'The reminder waits for its next attempt, and is told to be "{told}".'
        delays.end(retries)
    _assert_status(visitor, accepted, "sent", "The fourth attempt was accepted")
    assert len(gateway.calls) == 4, f"The gateway was asked {len(gateway.calls)} times, the fourth time with success."
    letters = _letters(visitor.get("/dead-letters"))
    assert not letters, f"It was sent in the end, and is among the dead letters: {letters[0]}"


@behaviour(
    points=3,
    hint="A gateway that is still out of order after a minute: when would you look again?",
    needs=["test_reminder_is_tried_again"],
)
def test_delays_grow(visitor: Visitor, gateway: Partner, delays: Delays) -> None:
    """Each attempt that fails may double the delay before the next one, beginning with RETRY_BASE_SECONDS."""
    gateway.answer(503)
    for _ in range(REMINDERS):
        visitor.post("/reminders", ADA)
    for number in range(1, TIMES):
        retries = delays.expect(REMINDERS, f"Attempt {number} of {REMINDERS} reminders has failed")
        _assert_within(retries, BASE * 2 ** (number - 1), number)
        delivered = datetime.now(UTC)
        delays.end(retries)
    late = delays.expect(REMINDERS, f"Attempt {TIMES} of {REMINDERS} reminders has failed")
    _assert_within(late, BASE * 2 ** (TIMES - 1), TIMES)
    longest = max((_eta(message) - delivered).total_seconds() for message in late)
    assert longest > MORE, (
        f"After attempt {TIMES} of {REMINDERS} reminders the longest delay was {longest:.0f} s: it does not grow."
    )


@behaviour(
    points=3,
    hint="A hundred failed in the same second. When do they come back, and how long may that take at the most?",
    needs=["test_reminder_is_tried_again"],
    settings=CAPPED,
)
def test_delays_differ_below_the_cap(visitor: Visitor, gateway: Partner, delays: Delays) -> None:
    """Reminders that fail together are tried again at different times, and none after more than RETRY_CAP_SECONDS."""
    gateway.answer(503)
    for _ in range(TOGETHER):
        visitor.post("/reminders", ADA)
    retries = delays.expect(TOGETHER, f"{TOGETHER} reminders have failed")
    _assert_within(retries, CAP, 1)
    due = sorted(_eta(message) for message in retries)
    spread = (due[-1] - due[0]).total_seconds()
    assert spread > SPREAD, (
        f"{TOGETHER} reminders failed together, and will all come back within {spread:.1f} s, of {CAP} s."
    )


@behaviour(
    points=3,
    hint="When the last attempt has failed, who still knows what was to be sent? And which attempt is the last?",
    needs=["test_reminder_is_tried_again"],
    settings={"MAX_ATTEMPTS": str(FEW)},
)
def test_reminder_is_dead_after_the_last_attempt(visitor: Visitor, gateway: Partner, delays: Delays) -> None:
    """After MAX_ATTEMPTS attempts (here 3) a reminder is a dead letter that tells what was to be sent, and why not."""
    gateway.answer(503)
    accepted = visitor.post("/reminders", ADA)
    for number in range(1, FEW):
        retries = delays.expect(1, f"Attempt {number} of {FEW} has failed")
        assert not _letters(visitor.get("/dead-letters")), f"After attempt {number} of {FEW} it was dead already."
        delays.end(retries)
    visitor.until("/dead-letters", lambda told: bool(_letters(told) or delays.now()), HANDED_OVER)
    assert not delays.now(), f"{FEW} attempts had failed, and the reminder waited for another one."
    letter = _letter(visitor, accepted)
    assert {name: letter.get(name) for name in ADA} == ADA, f"To be sent was {ADA}, and the dead letter is {letter}"
    assert letter.get("attempts") == FEW, f"{FEW} attempts had failed, and the dead letter is {letter}"
    reason = letter.get("reason")
    assert isinstance(reason, str), f"The dead letter does not tell why it is one: {letter}"
    assert reason.strip(), f"The dead letter does not tell why it is one: {letter}"
    _assert_status(visitor, accepted, "dead", "It is among the dead letters")
    assert len(gateway.calls) == FEW, (
        f"{FEW} attempts were to be made, and the gateway was asked {len(gateway.calls)} times."
    )


@behaviour(
    points=3,
    hint="What of a reminder's past goes with it when it starts anew, and what stays where it was?",
    needs=["test_hopeless_reminder_is_not_tried_again", "test_reminder_is_dead_after_the_last_attempt"],
    settings={"MAX_ATTEMPTS": "2"},
)
def test_dead_letter_is_replayed(visitor: Visitor, gateway: Partner, delays: Delays) -> None:
    """A dead letter that is replayed has all its attempts before it, and is no dead letter any more."""
    gateway.answer(503, times=3)
    accepted = visitor.post("/reminders", ADA)
    delays.end(delays.expect(1, "Attempt 1 of 2 has failed"))
    place = _place_to_replay(visitor, accepted)
    with gateway.closed():  # so no attempt ends, and nothing but the replay can change what is told
        replayed = visitor.post(place)
        assert replayed.status == 202, f"A dead letter was replayed, and answered with {replayed.shown()}."
        left = _letters(visitor.get("/dead-letters"))
        assert not left, f"The dead letter was replayed, and is still one: {left}"
        again = visitor.post(place)
        assert again.status == 404, f"It had been replayed before, and the second time: {again.shown()}."
        told = visitor.get(_place(accepted))
        assert _status(told) == "queued", f"It was replayed, and is told to be anything but queued: {told.shown()}."
    delays.end(delays.expect(1, "It was replayed, and the first of its 2 attempts has failed"))
    _assert_status(visitor, accepted, "sent", "It was replayed, and the second attempt was accepted")
    expected = {"id": accepted.field("id", str), **ADA}
    sent = [call.json for call in gateway.calls]
    assert sent == [expected] * 4, f"The gateway was to be told the same four times, and was told {sent}."


@behaviour(
    points=2,
    hint="Both see the letter before either has removed it. Who of them learns that he came second?",
    needs=["test_dead_letter_is_replayed"],
)
def test_two_replay_at_the_same_moment(visitor: Visitor, worker: App, gateway: Partner, redis: Redis) -> None:
    """Of two who replay the same dead letter at the same moment, one is answered 202 and the other one 404."""
    gateway.answer(400, times=1)
    place = _place_to_replay(visitor, visitor.post("/reminders", ADA))
    worker.kill()  # it talks to Redis as well, and would be taken for one of the two
    with redis.held() as row:  # whoever looks sees the letter, and nobody can have removed it yet
        calls = [visitor.start("POST", place) for _ in range(2)]
        row.knocked(len(calls))
    replies = [call.reply() for call in calls]
    assert {reply.status for reply in replies} == {202, 404}, (
        f"Two replayed one dead letter at the same moment: {' and '.join(reply.shown() for reply in replies)}."
    )


def _tag(message: Message) -> str:
    return str(json.loads(message.raw)["properties"].get("delivery_tag"))


def _eta(message: Message) -> datetime:
    assert message.eta is not None, "A message waits for its next attempt, and has no time."
    return message.eta if message.eta.tzinfo else message.eta.replace(tzinfo=UTC)


def _assert_within(retries: list[Message], ceiling: float, number: int) -> None:
    now = datetime.now(UTC)
    longest = max((_eta(message) - now).total_seconds() for message in retries)
    assert longest <= ceiling, f"After attempt {number} the delay may be {ceiling} s, and it is {longest:.0f} s."


def _place(accepted: Reply) -> str:
    return f"/reminders/{accepted.field('id', str)}"


def _place_to_replay(visitor: Visitor, accepted: Reply) -> str:
    """Where it is replayed, once all is written that makes a dead letter of it."""
    letter = _letter(visitor, accepted)
    _assert_status(visitor, accepted, "dead", "It is among the dead letters")
    return f"/dead-letters/{letter['id']}/replay"


def _status(reply: Reply) -> object:
    return reply.json.get("status") if isinstance(reply.json, dict) else None


def _assert_status(visitor: Visitor, accepted: Reply, status: str, what: str) -> None:
    told = visitor.until(_place(accepted), lambda reply: _status(reply) == status, HANDED_OVER)
    assert _status(told) == status, f"{what}, and this is told of it: {told.shown()}."


def _letters(reply: Reply) -> list[dict[str, Any]]:
    found = reply.json if isinstance(reply.json, list) else []
    return [letter for letter in found if isinstance(letter, dict)]


def _letter(visitor: Visitor, accepted: Reply) -> dict[str, Any]:
    """The dead letter that was this reminder."""
    identity = accepted.field("id", str)

    def mine(reply: Reply) -> list[dict[str, Any]]:
        return [letter for letter in _letters(reply) if letter.get("id") == identity]

    told = visitor.until("/dead-letters", lambda reply: bool(mine(reply)), HANDED_OVER)
    assert mine(told), f"It will not be sent any more, and is not among the dead letters: {told.shown()}."
    return mine(told)[0]
