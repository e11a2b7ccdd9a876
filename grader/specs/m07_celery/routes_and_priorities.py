"""Two workers, two queues: what is heavy keeps nobody waiting, what is urgent comes first, and there is a limit."""

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, Visitor, World
from grader.world.redis import Redis

PARTNERS = ("converter", "chat")
WORKER = ("celery", "worker", "--pool=threads", "--concurrency=1", "-Q")
WORKERS = ((*WORKER, "heavy"), (*WORKER, "light"))
SETTINGS = {"CONVERSIONS_PER_MINUTE": "6000"}
"""One in 10 ms: where it is not about the limit, nobody waits for it."""
TRY = ('POST /conversions {"video": "v-1"}', 'POST /notes {"text": "Door open", "priority": "high"}')
HANDED_OVER = 0.5
"""Seconds of idleness: a task is under way from one process to another, and both may sleep for a moment."""
TAKEN = 0.05
"""Seconds of idleness: a worker that reserves tasks has one by then, for it waits in Redis, which gives at once."""
NOT_SOON = 0.15
"""Seconds of idleness of a worker that has a minute to wait, and idles: the one wait that right answers sit out."""


@pytest.fixture(autouse=True)
def chat(world: World, redis: Redis) -> Partner:  # noqa: ARG001 - there is no queue without Redis
    """Where notes are sent."""
    return world.partner("chat")


@pytest.fixture(autouse=True)
def converter(world: World) -> Partner:
    """Where videos are converted, which takes minutes."""
    return world.partner("converter")


@behaviour(points=2, hint="Which queue does each of the workers take from, and who tells a task which one it goes to?")
@pytest.mark.usefixtures("worker")
def test_orders_are_carried_out(visitor: Visitor, converter: Partner, chat: Partner) -> None:
    """A conversion and a note are answered with 202, and each is carried out by a worker."""
    video = visitor.post("/conversions", {"video": "v-1"})
    assert video.status == 202, f"The conversion was answered with {video.shown()}."
    call = converter.next(HANDED_OVER)
    expected = {"id": video.field("id", str), "video": "v-1"}
    assert call.json == expected, f"The converter was told {call.body.decode()}, instead of {expected}."
    note = visitor.post("/notes", {"text": "Door open", "priority": "normal"})
    assert note.status == 202, f"The note was answered with {note.shown()}."
    call = chat.next(HANDED_OVER)
    expected = {"id": note.field("id", str), "text": "Door open"}
    assert call.json == expected, f"The chat was told {call.body.decode()}, instead of {expected}."


@behaviour(
    points=4,
    hint="Which worker converts, and what else does that one have to do?",
    needs=["test_orders_are_carried_out"],
)
@pytest.mark.usefixtures("worker")
def test_notes_do_not_wait_for_videos(visitor: Visitor, converter: Partner, chat: Partner) -> None:
    """While one video is converted and others wait, notes are sent, whatever their priority."""
    with converter.closed() as gate:
        for video in ("v-1", "v-2", "v-3"):
            visitor.post("/conversions", {"video": video})
        assert gate.knocked(HANDED_OVER), "No video was converted."
        for number, priority in enumerate(("low", "normal", "high"), start=1):
            visitor.post("/notes", {"text": priority, "priority": priority})
            sent = chat.expect(number, HANDED_OVER)
            assert len(sent) == number, f"{number} notes were ordered, and {len(sent)} sent."
        assert gate.waiting == 1, f"One worker converts videos, one at a time, and {gate.waiting} were being converted."


@behaviour(
    points=4,
    hint="Which number comes first on Redis, which numbers are one and the same to it, and what has a worker reserved?",
    needs=["test_orders_are_carried_out"],
)
@pytest.mark.usefixtures("worker")
def test_urgent_notes_come_first(visitor: Visitor, world: World, chat: Partner) -> None:
    """Of the notes that wait, those with a high priority are sent first, those with a low one last."""
    with chat.closed() as gate:
        _note(visitor, "first", "normal")
        assert gate.knocked(HANDED_OVER), "No note was sent."
        _note(visitor, "low", "low")
        world.patience.until(lambda: None, idle=TAKEN)  # whoever takes more than one has taken this
        _note(visitor, "normal", "normal")
        _note(visitor, "high", "high")
    sent = [call.field("text", str) for call in chat.expect(4, HANDED_OVER)]
    assert sent[1:] == ["high", "normal", "low"], (
        f"A note was being sent, three waited, and came so: {_shown(sent[1:])}."
    )


@behaviour(
    points=2,
    hint="What decides between two that are equally urgent?",
    needs=["test_orders_are_carried_out"],
)
@pytest.mark.usefixtures("worker")
def test_equals_come_in_order(visitor: Visitor, chat: Partner) -> None:
    """Notes with the same priority are sent in the order in which they were ordered."""
    ordered = ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    with chat.closed() as gate:
        _note(visitor, ordered[0], "low")
        assert gate.knocked(HANDED_OVER), "No note was sent."
        for text in ordered[1:]:
            _note(visitor, text, "low")
    sent = [call.field("text", str) for call in chat.expect(len(ordered), HANDED_OVER)]
    assert sent == ordered, f"Four notes with a low priority came so: {_shown(sent)}."


@behaviour(
    points=3,
    hint="The worker is free, and a video waits. What could tell the worker that it is too early?",
    needs=["test_orders_are_carried_out"],
    settings={"CONVERSIONS_PER_MINUTE": "1"},
)
def test_conversions_are_limited(visitor: Visitor, worker: App, converter: Partner, chat: Partner) -> None:
    """With one conversion per minute, a second one does not begin in the first seconds, and notes are sent."""
    for video in ("v-1", "v-2"):
        reply = visitor.post("/conversions", {"video": video})
        assert reply.status == 202, f"A conversion was ordered, and answered with {reply.shown()}."
    converter.next(HANDED_OVER)
    worker.patience.until(lambda: len(converter.calls) > 1, idle=NOT_SOON)
    assert len(converter.calls) == 1, "There was to be one conversion per minute, and the second one began at once."
    _note(visitor, "Door open", "normal")
    chat.next(HANDED_OVER)


def _note(visitor: Visitor, text: str, priority: str) -> None:
    reply = visitor.post("/notes", {"text": text, "priority": priority})
    assert reply.status == 202, f"A note with the priority {priority} was answered with {reply.shown()}."


def _shown(texts: list[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)
