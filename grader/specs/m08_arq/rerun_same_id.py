"""A shop is synced by one job at a time, and by another one as soon as that has ended."""

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, Reply, Visitor, World
from grader.world.arq_queue import ArqQueue
from grader.world.redis import Redis

PARTNERS = ("catalogue",)
WORKERS = (("arq",),)
SYNC_SECONDS = 20
SETTINGS = {"SYNC_SECONDS": str(SYNC_SECONDS)}
TRY = ("POST /shops/berlin/syncs", "GET /shops/berlin")
HANDOVER = 0.5
"""Seconds of idleness: a worker sleeps between two looks into the queue, so the job lies there while all sleep."""


@pytest.fixture(autouse=True)
def catalogue(world: World, redis: Redis, visitor: Visitor, worker: App) -> Partner:
    """The service that counts; a sync runs for as long as it keeps somebody waiting."""
    del redis, visitor, worker  # they only have to be there: all behaviours need all of them
    partner = world.partner("catalogue")
    partner.answer(200, {"products": 42})
    return partner


@behaviour(points=1, hint="Which of what the worker finds out is anybody to see later?")
def test_products_are_counted(visitor: Visitor, catalogue: Partner) -> None:
    """A sync is accepted with 202 and an id, and in the end the shop shows the catalogue's count."""
    before = visitor.get("/shops/berlin")
    assert not before.field("busy", bool), f"Nobody had asked for a sync, and the shop was {before.text}."
    reply = visitor.post("/shops/berlin/syncs")
    assert reply.status == 202, f"The sync was answered with {reply.shown()}."
    assert reply.field("id", str), "The id is empty."
    assert catalogue.next(HANDOVER).path == "/shops/berlin", f"Asked for was {catalogue.calls[0].path}."
    _assert_counted(_in_the_end(visitor), 42, "The catalogue counted 42 products")


@behaviour(points=2, hint="What do two requests for the same thing have in common, and for how long?")
def test_one_sync_at_a_time(visitor: Visitor, world: World, catalogue: Partner, redis: Redis) -> None:
    """Whoever asks while a sync runs gets its id, and no second one is made."""
    with catalogue.closed() as gate:
        first = _ask(visitor)
        assert gate.knocked(HANDOVER), "No worker asked the catalogue."
        _assert_under_way(visitor, first, "A sync ran")
        _sync_another_shop(visitor, world, catalogue)
    made = _syncs_in_the_end(visitor, world, catalogue, redis)
    assert made == 1, f"One sync ran, somebody asked once more, and the catalogue was asked {made} times."


@behaviour(points=1, hint="What is it that must not be done twice at a time: any sync, or this one?")
def test_shops_do_not_wait_for_each_other(visitor: Visitor, catalogue: Partner) -> None:
    """While one shop's sync runs, another shop's is made."""
    with catalogue.closed() as gate:
        first = _ask(visitor)
        assert gate.knocked(HANDOVER), "No worker asked the catalogue."
        assert _ask(visitor, "oslo") != first, f"Two shops were given one sync: {first}."
        assert gate.knocked(HANDOVER, times=2), "While Berlin's sync ran, Oslo's was not begun."


@behaviour(
    points=4,
    hint="The job has ended. Look into Redis: what of it is still there, and what does that say to the next one?",
    needs=["test_products_are_counted"],
)
def test_another_sync_after_one_that_is_done(visitor: Visitor, world: World, catalogue: Partner) -> None:
    """Whoever asks when a sync is done gets another one, and the shop shows the new count."""
    _ask(visitor)
    _in_the_end(visitor)
    catalogue.answer(200, {"products": 43})
    _ask(visitor)
    _assert_asked(world, catalogue, 2, "A sync was done, another one was asked for and accepted, and none was made.")
    _assert_counted(_in_the_end(visitor), 43, "At the second sync the catalogue counted 43 products")


@behaviour(
    points=3,
    hint="Which lines run when a sync fails? Does the shop know that it has ended?",
    needs=["test_products_are_counted"],
)
def test_another_sync_after_one_that_has_failed(visitor: Visitor, world: World, catalogue: Partner) -> None:
    """Whoever asks when a sync has failed gets another one."""
    catalogue.drop(times=1)
    catalogue.answer(503, times=1)  # this one comes first
    none_made = "A sync had failed, another one was asked for and accepted, and none was made."
    for syncs, trouble in ((1, "answered 503"), (2, "hung up")):
        _ask(visitor)
        assert not _in_the_end(visitor).field("busy", bool), f"The catalogue {trouble}, and the shop is still busy."
        asked = _times_asked(world, catalogue, syncs)
        assert asked >= syncs, none_made
        assert asked == syncs, f"The catalogue {trouble}: the sync was to fail at once, and was made again."
    _ask(visitor)
    _assert_asked(world, catalogue, 3, none_made)


@behaviour(
    points=2,
    hint="All see that the last sync has ended, and make the next one. Who says which of them it is?",
    needs=["test_one_sync_at_a_time", "test_another_sync_after_one_that_is_done"],
)
def test_asked_at_the_same_moment(visitor: Visitor, world: World, catalogue: Partner, redis: Redis) -> None:
    """Of several who ask at the same moment when a sync is done, all get the same id, and one more is made."""
    _ask(visitor)
    _in_the_end(visitor)
    with catalogue.closed():
        with redis.held() as row:  # whoever looks sees that the last one has ended, and nobody has changed that yet
            calls = [visitor.start("POST", "/shops/berlin/syncs") for _ in range(2)]
            row.knocked(len(calls))
        ids = {call.reply().field("id", str) for call in calls}
        assert len(ids) == 1, f"Two who asked at the same moment were given {' and '.join(sorted(ids))}."
        _sync_another_shop(visitor, world, catalogue)
    made = _syncs_in_the_end(visitor, world, catalogue, redis) - 1
    assert made == 1, f"Two asked at the same moment, and {made} syncs were made for them."


@behaviour(
    points=3,
    hint="Does one thing in Redis say both that the shop was synced and what came of it? For how long is each of use?",
    needs=["test_another_sync_after_one_that_is_done"],
)
def test_last_count_stays(visitor: Visitor, catalogue: Partner, redis: Redis) -> None:
    """The last count, be it 0, is shown a week later, while the next sync runs, and when that one has failed."""
    catalogue.answer(200, {"products": 0})
    _ask(visitor)
    _assert_counted(_in_the_end(visitor), 0, "The last sync has counted 0 products")
    _assert_counted(visitor.get("/shops/oslo"), None, "Of two shops, this one has never been synced")
    redis.age(7 * 86_400)
    _assert_counted(visitor.get("/shops/berlin"), 0, "The last sync was a week ago, and had counted 0 products")
    catalogue.answer(503)
    with catalogue.closed() as gate:
        _ask(visitor)
        assert gate.knocked(HANDOVER), "No worker asked the catalogue."
        _assert_counted(visitor.get("/shops/berlin"), 0, "The next sync ran; the one before had counted 0 products")
    _assert_counted(_in_the_end(visitor), 0, "A sync failed; the one before had counted 0 products")


@behaviour(
    points=3,
    hint="What does one leave behind who is killed, and who is told to stop? Who reads it, and when does it go away?",
    needs=["test_one_sync_at_a_time", "test_another_sync_after_one_that_is_done"],
)
def test_killed_worker_blocks_nobody(visitor: Visitor, world: World, worker: App, catalogue: Partner) -> None:
    """A sync whose worker was killed, or told to stop, waits, and the next worker makes it."""
    with catalogue.closed() as gate:
        first = _ask(visitor)
        assert gate.knocked(HANDOVER), "No worker asked the catalogue."
        worker.kill()
    world.redis.age(SYNC_SECONDS + 11)
    _assert_under_way(visitor, first, f"A sync's worker was killed {SYNC_SECONDS + 11} s ago, and no other was there")
    worker.restart()
    _assert_asked(world, catalogue, 2, "A worker was killed, its time was over; the next one did not make its sync.")
    _in_the_end(visitor)
    with catalogue.closed():
        last = _ask(visitor)
        _assert_asked(world, catalogue, 3, "A killed worker's sync was made; the next one was accepted and not made.")
        worker.terminate()
        worker.exited(HANDOVER)
        _assert_under_way(visitor, last, "A sync's worker was told to stop, and no other was there")


def _ask(visitor: Visitor, shop: str = "berlin") -> str:
    """Ask for a sync; its id."""
    reply = visitor.post(f"/shops/{shop}/syncs")
    assert reply.succeeded, f"A sync was asked for and answered {reply.shown()}."
    return str(reply.field("id", str))


def _in_the_end(visitor: Visitor) -> Reply:
    """Look at Berlin until it is not busy any more, or cannot be looked at."""
    return visitor.until("/shops/berlin", lambda shop: not shop.succeeded or not shop.field("busy", bool), HANDOVER)


def _assert_counted(reply: Reply, products: int | None, situation: str) -> None:
    assert reply.status == 200, f"{situation}; the shop was answered {reply.shown()}."
    told = reply.field("products")
    assert told == products, f"{situation}, and shown was {told}: {reply.text}."


def _assert_under_way(visitor: Visitor, sync: str, situation: str) -> None:
    shop = visitor.get("/shops/berlin")
    assert shop.field("busy", bool), f"{situation}; the shop was not busy: {shop.text}."
    again = _ask(visitor)
    assert again == sync, f"{situation}; it was {sync}, and whoever asked again was given {again}."


def _assert_asked(world: World, catalogue: Partner, count: int, otherwise: str) -> None:
    assert _times_asked(world, catalogue, count) == count, otherwise


def _times_asked(world: World, catalogue: Partner, count: int) -> int:
    """How often the catalogue has been asked when it has been so often, or when nothing moves any more."""
    world.patience.until(lambda: len(catalogue.calls) >= count, idle=HANDOVER)
    return len(catalogue.calls)


def _sync_another_shop(visitor: Visitor, world: World, catalogue: Partner) -> None:
    """Ask for another shop's sync and wait until it has begun: what was queued before has begun as well."""
    _ask(visitor, "lima")
    world.patience.until(lambda: any(call.path == "/shops/lima" for call in catalogue.calls), idle=HANDOVER)


def _syncs_in_the_end(visitor: Visitor, world: World, catalogue: Partner, redis: Redis) -> int:
    """How often Berlin was synced, once nothing is queued: ARQ takes a job off its queue when it has ended."""
    _in_the_end(visitor)
    world.patience.until(lambda: not ArqQueue(redis).due(), idle=HANDOVER)
    return sum(call.path == "/shops/berlin" for call in catalogue.calls)
