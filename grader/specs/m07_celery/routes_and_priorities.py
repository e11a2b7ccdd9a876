"""Two workers, two queues: what is heavy keeps nobody waiting, what is urgent comes first, and there is a limit."""

import pytest

from grader.behaviour import behaviour
from grader.world import Partner, PartnerCall, Visitor, World
from grader.world.celery_broker import CeleryBroker
from grader.world.redis import Redis

PARTNERS = ("converter", "chat")
WORKER = ("celery", "worker", "--pool=threads", "--concurrency=1", "-Q")
WORKERS = ((*WORKER, "heavy"), (*WORKER, "light"))
SETTINGS = {"CONVERSIONS_PER_MINUTE": "6"}
SELDOM = {"CONVERSIONS_PER_MINUTE": "1"}
"""If notes were limited as well, the second one would come in a minute: no wait lasts that long, however slow."""
OFTEN = {"CONVERSIONS_PER_MINUTE": "1200"}
"""One in 50 ms: nobody waits for long, and a video that is not due yet when a worker takes it has to be kept."""
LIMITED, SPACE = {"CONVERSIONS_PER_MINUTE": "15"}, 4000
"""Milliseconds between two; whoever takes the limit to be per second lets 67 pass."""
VIDEOS = ("v-1", "v-2", "v-3")
TRY = ('POST /conversions {"video": "v-1"}', 'POST /notes {"text": "Door open", "priority": "high"}')
SOON = 1.5
"""Seconds of idleness until a free worker has begun its next task: it may look for one once a second."""
TAKEN = 0.03
"""Seconds of idleness: a worker that reserves tasks has one by then, for it waits in Redis, which gives at once."""
NOT_SOON = 0.1
"""Seconds of idleness in which a second conversion would begin if the limit were per second, or none."""


@pytest.fixture(autouse=True)
def chat(world: World, redis: Redis) -> Partner:  # noqa: ARG001 - there is no queue without Redis
    """Where notes are sent."""
    return world.partner("chat")


@pytest.fixture(autouse=True)
def converter(world: World) -> Partner:
    """Where videos are converted, which takes minutes."""
    return world.partner("converter")


@pytest.fixture
def broker(redis: Redis) -> CeleryBroker:
    """What waits for the workers."""
    return CeleryBroker(redis)


@behaviour(points=2, hint="Which queue does each of the workers take from, and who tells a task which one it goes to?")
@pytest.mark.usefixtures("worker")
def test_orders_are_carried_out(visitor: Visitor, converter: Partner, chat: Partner) -> None:
    """A conversion and a note are answered with 202, and each is carried out by a worker."""
    video = visitor.post("/conversions", {"video": "v-1"})
    assert video.status == 202, f"The conversion was answered with {video.shown()}."
    call = converter.next(SOON)
    expected = {"id": video.field("id", str), "video": "v-1"}
    assert call.json == expected, f"The converter was told {call.body.decode()}, instead of {expected}."
    note = visitor.post("/notes", {"text": "Door open", "priority": "normal"})
    assert note.status == 202, f"The note was answered with {note.shown()}."
    call = chat.next(SOON)
    expected = {"id": note.field("id", str), "text": "Door open"}
    assert call.json == expected, f"The chat was told {call.body.decode()}, instead of {expected}."


@behaviour(
    points=4,
    hint="Which worker converts, and what else does that one have to do?",
    needs=["test_orders_are_carried_out"],
    settings=OFTEN,
)
@pytest.mark.usefixtures("worker")
def test_notes_do_not_wait_for_videos(visitor: Visitor, world: World, converter: Partner, chat: Partner) -> None:
    """While one video is converted and two wait, notes are sent, whatever their priority; then those two are due."""
    with converter.closed() as gate:
        for video in VIDEOS:
            visitor.post("/conversions", {"video": video})
        assert gate.knocked(SOON), "No video was converted."
        for priority in ("low", "normal", "high"):
            _note(visitor, priority, priority)
        _all(world, chat, 3)
        assert gate.waiting == 1, f"One worker converts videos, one at a time, and {gate.waiting} were being converted."
    _all(world, converter, len(VIDEOS))


@behaviour(
    points=4,
    hint="Which number comes first on Redis, which numbers are one and the same to it, and what has a worker reserved?",
    needs=["test_orders_are_carried_out"],
    settings=SELDOM,
)
@pytest.mark.usefixtures("worker")
def test_urgent_notes_come_first(visitor: Visitor, world: World, broker: CeleryBroker, chat: Partner) -> None:
    """Of the notes that wait, those with a high priority are sent first, those with a low one last."""
    with chat.closed() as gate:
        _note(visitor, "first", "normal")
        assert gate.knocked(SOON), "No note was sent."
        _note(visitor, "low", "low")
        world.patience.until(lambda: not broker.waiting("light"), idle=TAKEN)
        for priority in ("normal", "high"):
            _note(visitor, priority, priority)
        _wait_queued(world, broker, 3)
        assert gate.waiting == 1, f"One worker sends notes, one at a time, and {gate.waiting} were being sent."
    sent = [call.field("text", str) for call in _all(world, chat, 4)]
    assert sent[1:] == ["high", "normal", "low"], (
        f"A note was being sent, three waited, and came so: {_shown(sent[1:])}."
    )


@behaviour(
    points=2,
    hint="What decides between two that are equally urgent?",
    needs=["test_orders_are_carried_out"],
    settings=SELDOM,
)
@pytest.mark.usefixtures("worker")
def test_equals_come_in_order(visitor: Visitor, world: World, broker: CeleryBroker, chat: Partner) -> None:
    """Notes with the same priority are sent in the order in which they were ordered."""
    ordered = [f"{number} of 6" for number in range(1, 7)]
    with chat.closed() as gate:
        _note(visitor, ordered[0], "low")
        assert gate.knocked(SOON), "No note was sent."
        for count, text in enumerate(ordered[1:], start=1):
            _note(visitor, text, "low")
            _wait_queued(world, broker, count)
    sent = [call.field("text", str) for call in _all(world, chat, len(ordered))]
    assert sent == ordered, f"Six notes with a low priority came so: {_shown(sent)}."


@behaviour(
    points=3,
    hint="The worker is free, and a video waits. What could tell the worker that it is too early?",
    needs=["test_orders_are_carried_out"],
    settings=LIMITED,
)
@pytest.mark.usefixtures("worker")
def test_conversions_are_limited(visitor: Visitor, world: World, broker: CeleryBroker, converter: Partner) -> None:
    """With 15 conversions per minute, the second one does not begin before four seconds have passed."""
    began = world.timeline.now()
    for video in VIDEOS:
        reply = visitor.post("/conversions", {"video": video})
        assert reply.status == 202, f"A conversion was ordered, and answered with {reply.shown()}."
    converter.next(SOON)
    left = len(VIDEOS) - 2
    world.patience.until(lambda: len(broker.waiting("heavy")) <= left, idle=SOON)  # a worker has the second one
    world.patience.until(lambda: len(converter.calls) > 1, idle=NOT_SOON)
    early = [call for call in converter.calls[1:] if call.at < began + SPACE]  # else the machine was slow
    assert not early, f"Four seconds were to be between two conversions, and {1 + len(early)} began at once."


def _note(visitor: Visitor, text: str, priority: str) -> None:
    reply = visitor.post("/notes", {"text": text, "priority": priority})
    assert reply.status == 202, f"A note with the priority {priority} was answered with {reply.shown()}."


def _wait_queued(world: World, broker: CeleryBroker, count: int) -> None:
    """Wait until so many notes are in the queue; where they are kept elsewhere, TAKEN is all that it costs."""
    world.patience.until(lambda: len(broker.waiting("light")) >= count, idle=TAKEN)


def _all(world: World, partner: Partner, count: int) -> list[PartnerCall]:
    """Wait for so many calls, for each of them SOON."""
    calls = partner.calls
    world.patience.until(lambda: len(calls) >= count, idle=SOON, moved=lambda: len(calls))
    assert len(calls) >= count, f"The {partner.name} service was called {len(calls)} of {count} times."
    return list(calls)


def _shown(texts: list[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)
