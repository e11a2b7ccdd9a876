"""Many instances settle each hour once: late if need be, never two at a time, and after a crash as well."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grader.behaviour import behaviour
from grader.world import Instance, Partner, World
from grader.world.redis import Redis
from grader.world.redis_gate import Command

PARTNERS = ("bank",)
LEASE = 30
SETTINGS = {"LEASE_SECONDS": str(LEASE), "LOOK_SECONDS": "0.02"}
TRY = ("GET /settled",)
ZONE = "Asia/Kolkata"
"""Where the servers stand; there it is half past when elsewhere an hour begins."""
NINE = datetime(2027, 3, 29, 9, tzinfo=UTC)
LATE = NINE + timedelta(minutes=20)
EIGHT = NINE - timedelta(hours=1)
SOON = 0.3
"""Seconds of idleness after which nobody will begin any more: fifteen looks, where two are allowed."""
QUIET = 0.06
"""Seconds of idleness, three looks, in which whoever would do too much has done it."""
LEAD = 0.3
"""Seconds before nine at which an instance is started: it is at work after half of them on a quiet machine."""
MOST_ROUNDS = 6
MOST_LEFT = 60
"""Seconds that may be left until nine; it strikes, and nobody waits for longer."""


@pytest.fixture(autouse=True)
def bank(world: World, redis: Redis) -> Partner:  # noqa: ARG001 - the instances share it
    """The bank; a run is under way for as long as it keeps somebody waiting."""
    return world.partner("bank")


def told(hour: datetime) -> str:
    """An hour in the words in which the bank is told of it."""
    return f"{hour:%Y-%m-%dT%H:%M:%SZ}"


def hours(bank: Partner) -> list[str]:
    """Of which hours the bank has been told, in order."""
    return [call.field("hour", str) for call in list(bank.calls)]


def started_at(world: World, instant: datetime) -> Instance:
    """Start one more instance when the clock shows that."""
    world.clock.set(instant.isoformat(), ZONE)
    return world.instance()


def called(world: World, bank: Partner, times: int = 1, patience: float = SOON) -> bool:
    """Wait until the bank has been called so often in all; False when it is not."""

    def outcome() -> bool:
        world.redis.client.ping()  # whoever waits for Redis sleeps, and yet he is not idle: Redis has had its turn now
        return len(bank.calls) >= times

    return bool(world.patience.until(outcome, idle=patience))


def settled(world: World, bank: Partner) -> None:
    """Have an instance settle the hour that is due at 09:20, and kill it; fail when it is not settled."""
    instance = started_at(world, LATE)
    assert called(world, bank), "An instance came up at 09:20, and nobody settled the hour of nine."
    instance.visitor.until("/settled", lambda reply: reply.json == {"hour": told(NINE)}, patience=SOON)
    world.patience.until(lambda: _nothing_expires(world.redis), idle=0.1)  # a lock has been given back
    instance.app.kill()


def _nothing_expires(redis: Redis) -> bool:
    keys = redis.keys()
    return all(redis.client.ttl(key) == -1 for key in keys)


@behaviour(points=3, hint="At nine nobody was there. Who looks, when somebody is, and by what does he know?")
def test_late_run_is_done(world: World, bank: Partner) -> None:
    """An instance that comes up at twenty past nine settles the hour of nine, and no older one."""
    started_at(world, LATE)
    assert called(world, bank), "An instance came up at 09:20, and nobody settled the hour of nine."
    call = bank.calls[0]
    assert (call.method, call.path) == ("POST", "/settlements"), f"The bank got {call.method} {call.path}."
    assert hours(bank)[0] == told(NINE), (
        f"It was 09:20, nothing had been settled; the bank was told of {hours(bank)[0]}."
    )
    again = called(world, bank, 2, QUIET)
    assert not again, f"One hour was to be settled. The bank was told of {', '.join(hours(bank))}."


@behaviour(
    points=2,
    hint="Who waits for Redis: the start, or the first look? And when a look fails, who looks again?",
    needs=["test_late_run_is_done"],
)
def test_instance_comes_up_and_goes_on_looking(world: World, bank: Partner, redis: Redis) -> None:
    """An instance comes up while Redis is silent, and a run that fails is not its last."""
    bank.drop(times=1)
    redis.fall_silent()
    started_at(world, LATE)
    redis.come_back()
    assert called(world, bank), "Redis was silent when an instance came up. Redis came back, and nobody settled nine."
    again = called(world, bank, 2, QUIET)
    if not again:  # he has left his lock where it was
        redis.age(LEASE + 1)
        again = called(world, bank, 2)
    assert again, f"The bank hung up on a run. {LEASE + 1} s later nobody had tried again."


@behaviour(
    points=3,
    hint="Each instance sees that nobody is at it. How many of them then begin?",
    needs=["test_late_run_is_done"],
)
def test_one_instance_settles_the_hour(world: World, bank: Partner, redis: Redis) -> None:
    """Of two instances that look at the same moment, one settles the hour."""
    with bank.closed():
        with redis.held() as row:  # whoever looks sees that nobody is at it, and nobody can write that he is
            world.clock.set(LATE.isoformat(), ZONE)
            world.launch()
            world.instance()
            world.app.wait_listening()
            row.knocked(2)
        assert called(world, bank), "Two instances came up at 09:20, and nobody settled the hour of nine."
        both = called(world, bank, 2, QUIET)
    assert not both, "Two instances looked at the same moment, and both began to settle the hour."


@behaviour(
    points=2,
    hint="It has been done: who knows of it, and where does he know it when he is gone?",
    needs=["test_late_run_is_done"],
)
def test_settled_hour_is_not_settled_again(world: World, bank: Partner) -> None:
    """An hour that has been settled is not settled again, by another instance or after a restart of all."""
    settled(world, bank)
    before = len(bank.calls)
    other = started_at(world, LATE)
    again = called(world, bank, before + 1, QUIET)
    assert not again, "An instance had settled the hour, and was killed; another one came up and settled it again."
    shown = other.visitor.get("/settled")
    assert shown.field("hour") == told(NINE), (
        f"The hour of nine had been settled; another instance said {shown.shown()}."
    )


@behaviour(
    points=3,
    hint="You look, and then you take the lock. What may have happened until you have it?",
    needs=["test_settled_hour_is_not_settled_again"],
)
def test_who_gets_the_lock_late_settles_nothing(world: World, bank: Partner, redis: Redis) -> None:
    """An instance that has looked, and is overtaken by one that settles the hour, does not settle it again.

    All that Redis holds is taken away; the instance looks, and before it can write anything, all is there again.
    """
    settled(world, bank)
    before = len(bank.calls)
    with redis.held() as row:
        row.put_ahead([("FLUSHALL",)], _all_there_is(redis))
        started_at(world, LATE)
        row.knocked(patience=SOON)
        if len(bank.calls) > before:  # who settles without taking a lock first has not been overtaken
            return
    again = called(world, bank, before + 1, QUIET)
    assert not again, "Between its look and its lock somebody else settled the hour: it was settled twice."


def _all_there_is(redis: Redis) -> list[Command]:
    """The commands that write again what lies in Redis now."""
    commands: list[Command] = []
    keys = redis.keys()
    for key in keys:
        left: Any = redis.client.pttl(key)
        value: Any = redis.client.dump(key)
        commands.append(("RESTORE", key, str(max(left, 0)), value, "REPLACE"))
    return commands


@behaviour(
    points=3,
    hint="What does a run exclude: another run for its hour, or any other run? And when it ends?",
    needs=["test_late_run_is_done"],
)
def test_runs_do_not_overlap(world: World, bank: Partner) -> None:
    """While the hour of eight is being settled it strikes nine: that hour is settled when the run has ended."""
    with bank.closed() as gate:
        nine = _eight_is_under_way(world, bank)
        started_at(world, NINE)
        world.patience.until(lambda: world.timeline.now() >= nine, idle=MOST_LEFT)
        assert not called(world, bank, 2, QUIET), (
            f"A run was under way, and another one began: {', '.join(hours(bank))}."
        )
        gate.open()
        assert called(world, bank, 2), "It struck nine during a run, and nine was never settled."
    assert hours(bank)[1] == told(NINE), f"After eight, and at nine, the bank was told of {hours(bank)[1]}."


def _eight_is_under_way(world: World, bank: Partner) -> float:
    """Have an instance begin to settle the hour of eight shortly before nine; when it will be nine, in timeline's ms.

    On a machine that is so slow that it was nine by then, start again, and earlier. What is left has to be waited for:
    a process's clock can be set, but what it sleeps is real.
    """
    lead = LEAD
    for _ in range(MOST_ROUNDS):
        instance = started_at(world, NINE - timedelta(seconds=lead))
        began = called(world, bank)
        setting, now = world.clock.setting(), world.timeline.now()
        left = NINE.timestamp() - (setting.instant if setting else 0.0)
        if left > 0:
            assert began, "It was not nine yet, and the hour of eight had not been settled: nobody did."
            assert hours(bank)[0] == told(EIGHT), f"It was not nine yet, and the bank was told of {hours(bank)[0]}."
            return now + 1000 * left
        instance.app.kill()
        world.patience.until(lambda: None, idle=0.01)  # what it had sent has come by then
        world.redis.client.flushdb()
        bank.calls.clear()
        lead = 2 * (lead - left)
    raise TimeoutError("This machine is too slow: the instance was never up by nine.")


@behaviour(
    points=3,
    hint="He who was at work is dead. Until when are the others kept away, and does anybody look again then?",
    needs=["test_late_run_is_done"],
)
def test_run_of_a_killed_instance_is_done_by_another(world: World, bank: Partner, redis: Redis) -> None:
    """When the instance at work is killed, another one settles the hour once the lock has expired, and not earlier."""
    with bank.closed():
        owner = started_at(world, LATE)
        assert called(world, bank), "An instance came up at 09:20, and nobody settled nine."
        started_at(world, LATE)
        owner.app.kill()
        early = called(world, bank, 2, QUIET)
        assert not early, "The instance at work was killed; its lock had not expired, and another one began."
    redis.age(LEASE + 1)
    assert called(world, bank, 2), f"The instance at work was killed; {LEASE + 1} s later nobody had settled the hour."
    assert hours(bank)[1] == told(NINE), (
        f"What the killed instance left was nine; the bank was told of {hours(bank)[1]}."
    )
