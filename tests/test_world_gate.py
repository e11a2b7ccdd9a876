"""The gate, and the clock that all parts of the world write to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from grader.world import Gate, Seen, Timeline
from grader.world.timeline import LONGEST, MOST_EVENTS
from tests.world_kit import HASTY, PATIENT, Kit, kit


@pytest.fixture
def world() -> Iterator[Kit]:
    with kit() as world:
        yield world


def test_an_open_gate_holds_nobody(world: Kit) -> None:
    gate = Gate(world.loop, world.timeline, world.patience)
    world.loop.wait(gate.passage())
    assert (gate.shut, gate.waiting) == (False, 0)
    assert not gate.knocked(HASTY)


def test_a_closed_gate_holds_all_who_come_until_it_opens(world: Kit) -> None:
    gate = Gate(world.loop, world.timeline, world.patience)
    with gate:
        comers = [world.loop.start(gate.passage()) for _ in range(3)]
        assert gate.knocked(PATIENT, times=3)
        assert not gate.knocked(HASTY, times=4)
        assert gate.shut
        assert not any(comer.done() for comer in comers)
    for comer in comers:
        comer.result(PATIENT)
    assert gate.waiting == 0


def test_a_gate_opens_however_the_block_ends(world: Kit) -> None:
    gate = Gate(world.loop, world.timeline, world.patience)
    with pytest.raises(KeyError), gate:
        raise KeyError
    assert not gate.shut


def test_a_gate_may_be_opened_early_and_closed_again(world: Kit) -> None:
    gate = Gate(world.loop, world.timeline, world.patience)
    with gate:
        gate.open()
        world.loop.wait(gate.passage())
    with gate:
        comer = world.loop.start(gate.passage())
        assert gate.knocked(PATIENT)
    comer.result(PATIENT)


def test_who_waited_goes_before_who_comes_as_it_opens(world: Kit) -> None:
    gate = Gate(world.loop, world.timeline, world.patience)
    through = []

    async def come(name: str) -> None:
        await gate.passage()
        through.append(name)

    async def meet() -> None:
        early = [asyncio.create_task(come("first")), asyncio.create_task(come("second"))]
        await asyncio.sleep(0)
        late = asyncio.create_task(come("third"))  # its turn comes before those of whom the opening wakes
        gate._open.set()
        await asyncio.gather(*early, late)

    gate.close()
    world.loop.wait(meet())
    assert through == ["first", "second", "third"]


def test_a_gate_may_let_the_first_ones_through(world: Kit) -> None:
    gate = Gate(world.loop, world.timeline, world.patience)
    with gate.close(let=2):
        for _ in range(2):
            assert not gate.shut
            world.loop.wait(gate.passage())
        assert gate.shut
        comer = world.loop.start(gate.passage())
        assert gate.knocked(PATIENT)
        assert not comer.done()
    comer.result(PATIENT)
    with gate:
        assert gate.shut


def test_one_who_goes_away_does_not_stand_before_the_gate_any_more(world: Kit) -> None:
    gate = Gate(world.loop, world.timeline, world.patience)
    with gate:
        comer = world.loop.start(gate.passage())
        assert gate.knocked(PATIENT)
        comer.cancel()
        assert world.patience.until(lambda: gate.waiting == 0, idle=PATIENT)


def test_events_stand_in_the_order_of_their_recording() -> None:
    noticed: list[Seen] = []
    timeline = Timeline(noticed.append)
    for text in ("first", "second", "third"):
        timeline.record("visitor", text)
    assert [seen.text for seen in timeline.events] == ["first", "second", "third"]
    assert noticed == timeline.events
    times = [seen.at for seen in timeline.events]
    assert times == sorted(times)


def test_events_from_many_threads_are_all_there_in_the_order_of_their_times() -> None:
    timeline, together = Timeline(), threading.Barrier(4)

    def record(part: int) -> None:
        together.wait(PATIENT)
        for number in range(100):
            timeline.record(str(part), str(number))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(record, range(4)))
    events = timeline.events
    assert [seen.at for seen in events] == sorted(seen.at for seen in events)
    for part in range(4):
        assert [seen.text for seen in events if seen.part == str(part)] == [str(number) for number in range(100)]


def test_a_flood_of_events_is_counted_and_not_kept() -> None:
    timeline = Timeline()
    for number in range(MOST_EVENTS + 5):
        timeline.record("app", str(number))
    assert len(timeline.events) == MOST_EVENTS
    assert timeline.left_out == 5


def test_an_event_is_cut_and_holds_whole_characters_only() -> None:
    timeline = Timeline()
    timeline.record("app", "x" * 100_000)
    timeline.record("app", "half of a \ud800 character")
    long, half = (seen.text for seen in timeline.events)
    assert len(long) < LONGEST + 100
    assert half == "half of a ? character"


def test_the_clock_can_begin_again() -> None:
    timeline = Timeline()
    for number in range(MOST_EVENTS + 1):
        timeline.record("app", str(number))
    timeline.restart_clock()
    assert (timeline.events, timeline.left_out) == ([], 0)


def test_what_comes_after_a_failed_check_is_not_told(world: Kit) -> None:
    gate = Gate(world.loop, world.timeline, world.patience)
    world.timeline.record("visitor", "before")
    gate.close()
    gate.__exit__(AssertionError, AssertionError(), None)
    world.timeline.record("visitor", "only the tidying up")
    assert [seen.text for seen in world.timeline.events] == ["before"]
