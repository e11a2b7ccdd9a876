"""The address of an export tells its owner how far it is, nobody else anything, and in the end nothing is left."""

import re

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, Reply, Visitor, World
from grader.world.redis import Redis

PARTNERS = ("archive",)
WORKERS = (("celery", "worker", "--pool=threads", "--concurrency=1"),)
TTL = 60
SETTINGS = {"RESULT_TTL_SECONDS": str(TTL)}
TRY = ('POST /exports X-User:ada {"month": "2027-03"}', "GET /exports/never-given-out X-User:ada")
MARCH = {"month": "2027-03"}
ADA, GRACE = {"X-User": "ada"}, {"X-User": "grace"}
NEVER_GIVEN_OUT = ("3f2b8c1e9d474a608e157c0f2a9b6d11", "b07d5a1c44e94b7f9a3c2e8d6f105b72")
SAID = "db-7 refused the password"
INTERNAL = re.compile(r"\b[A-Z]\w+(Error|Exception)\b|Traceback|https?:")
CELERYS_OWN = (b"_kombu.", b"unacked")
"""How keys begin that tell of queues and workers, not of an export."""
HANDED_OVER = 0.3
"""Seconds of idleness: a task is under way from one process to another, and both may sleep for a moment."""


@pytest.fixture(autouse=True)
def archive(world: World, redis: Redis) -> Partner:  # noqa: ARG001 - there is no queue without Redis
    """The service that knows how many rows there are."""
    partner = world.partner("archive")
    partner.answer(200, {"rows": 12})
    return partner


@behaviour(points=1, hint="Which status says: accepted, not done yet? And where can one look again?")
def test_export_is_queued(visitor: Visitor) -> None:
    """An export is answered with 202, and the Location leads to it: it is queued while no worker is there."""
    accepted = visitor.post("/exports", MARCH, headers=ADA)
    assert accepted.status == 202, f"The order was answered with {accepted.shown()}."
    export = visitor.get(accepted.follow(), headers=ADA)
    assert export.status == 200, f"Its owner asked for the export, and got {export.shown()}."
    told = [export.field(name) for name in ("id", "status", "rows", "error")]
    assert told == [accepted.field("id", str), "queued", None, None], (
        f"It waits in the queue, and yet: {export.shown()}."
    )


@behaviour(points=2, hint="Celery cannot tell what waits from what never was. Who can, and where is it written down?")
def test_unknown_export_is_not_found(visitor: Visitor) -> None:
    """An id that was never given out is answered with 404."""
    unknown = visitor.get(f"/exports/{NEVER_GIVEN_OUT[0]}", headers=ADA)
    assert unknown.status == 404, f"That id was never given out, and yet: {unknown.shown()}."


@behaviour(points=2, hint="Does it take more than knowing the address, and what does a refusal give away?")
def test_export_is_its_owners(visitor: Visitor) -> None:
    """Somebody else's export is answered like one that does not exist: with 404, and in the same words."""
    where = visitor.post("/exports", MARCH, headers=ADA).follow()
    foreign = visitor.get(where, headers=GRACE)
    assert foreign.status == 404, f"Ada's export was shown, or confirmed, to grace: {foreign.shown()}."
    unknown, another = (visitor.get(f"/exports/{identity}", headers=GRACE) for identity in NEVER_GIVEN_OUT)
    # Where no two refusals are alike, with a number or the time in them, they give nothing away by that.
    alike = _words(foreign) == _words(unknown) or _words(unknown) != _words(another)
    assert alike or unknown.status != 404, (
        f"A stranger can tell ada's export, {foreign.shown()}, from one that never was: {unknown.shown()}."
    )
    own = visitor.get(where, headers=ADA)
    assert own.status == 200, f"It is ada's export, and she got {own.shown()}."


@behaviour(points=2, hint="When does a worker first write down anything about a task?")
@pytest.mark.usefixtures("worker")
def test_export_is_running(visitor: Visitor, archive: Partner) -> None:
    """While the archive is asked, the export is running."""
    with archive.closed() as gate:
        where = visitor.post("/exports", MARCH, headers=ADA).follow()
        assert gate.knocked(HANDED_OVER), "Nobody asked the archive."
        export = visitor.get(where, headers=ADA)
        assert _told(export) == ("running", None, None), f"A worker is at work on it, and yet: {export.shown()}."


@behaviour(points=2, hint="Where does what the archive said end up?")
@pytest.mark.usefixtures("worker")
def test_export_is_done(visitor: Visitor, archive: Partner) -> None:
    """When the archive has answered, the export is done, and tells the number of rows, be it 0."""
    for rows in (12, 0):
        archive.answer(200, {"rows": rows})
        export = _until_told(visitor, visitor.post("/exports", MARCH, headers=ADA), ("done", rows, None))
        assert _told(export) == ("done", rows, None), f"The archive said {rows} rows, the export: {export.shown()}."


@behaviour(points=4, hint="What is the result of a task that raised, and for whose eyes is it?")
def test_failed_export_says_so(visitor: Visitor, worker: App, archive: Partner, redis: Redis) -> None:
    """When the archive fails, the export has failed, and the error gives nothing away of how the service is built."""
    archive.drop(times=1)
    archive.answer(500, {"detail": SAID}, times=1)  # this one comes first
    ordered = [visitor.post("/exports", MARCH, headers=ADA) for _ in range(2)]
    archive.expect(2, HANDED_OVER)
    _come_to_rest(worker, redis)  # what a task says of itself, its end may say otherwise
    for accepted, trouble in zip(ordered, (f'answered 500 "{SAID}"', "hung up"), strict=True):
        export = _ended(visitor, accepted)
        assert export.status == 200, f"The archive {trouble}; asked for the export, your service said {export.shown()}."
        status, rows, error = _told(export)
        assert (status, rows) == ("failed", None), f"The archive {trouble}, and yet: {export.shown()}."
        assert isinstance(error, str), f"The archive {trouble}, and nobody tells the customer: {export.shown()}."
        assert error.strip(), f"The archive {trouble}, and the error is empty: {export.shown()}."
        inside = INTERNAL.search(error) or SAID in error or archive.url.partition("//")[2] in error
        assert not inside, f"This is nothing that customers should read: {error}"


@behaviour(points=1, hint="From when on does its time count?")
def test_waiting_export_does_not_expire(visitor: Visitor, redis: Redis) -> None:
    """An export that has waited for a worker longer than RESULT_TTL_SECONDS is still queued."""
    where = visitor.post("/exports", MARCH, headers=ADA).follow()
    redis.age(TTL + 1)
    export = visitor.get(where, headers=ADA)
    assert _told(export)[0] == "queued", f"It had waited for {TTL + 1} s, and no worker had begun: {export.shown()}."


@behaviour(
    points=3,
    hint="List the keys that one export leaves. Which of them ends by itself, and is that so if it fails?",
    needs=["test_export_is_done", "test_failed_export_says_so"],
)
def test_nothing_is_left(visitor: Visitor, worker: App, archive: Partner, redis: Redis) -> None:
    """An export can be asked for until RESULT_TTL_SECONDS after its end; then nothing of it is left."""
    with archive.closed() as gate:
        done = visitor.post("/exports", MARCH, headers=ADA)
        assert gate.knocked(HANDED_OVER), "Nobody asked the archive."
        redis.age(TTL * 2 / 3)  # so long does the archive take, and the time counts from the end
    _ended(visitor, done)
    archive.answer(500)
    failed = visitor.post("/exports", MARCH, headers=ADA)
    _ended(visitor, failed)
    places = [done.follow(), failed.follow()]
    _come_to_rest(worker, redis)  # it may have something to put away when the status is known already
    redis.age(TTL * 2 / 3)
    for where, status in zip(places, ("done", "failed"), strict=True):
        export = visitor.get(where, headers=ADA)
        assert _told(export)[0] == status, f"{TTL * 2 // 3} of {TTL} s after its end: {export.shown()}."
    redis.age(TTL / 3 + 1)
    for where in places:
        expired = visitor.get(where, headers=ADA)
        assert expired.status == 404, f"It had ended {TTL + 1} s ago, and yet: {expired.shown()}."
    keys = redis.keys()
    left = [key.decode(errors="replace") for key in keys if not key.startswith(CELERYS_OWN)]
    assert not left, f"{TTL + 1} s after the last export had ended, these keys were left in Redis: {', '.join(left)}."


def _ended(visitor: Visitor, accepted: Reply) -> Reply:
    """The reply that tells of an export's end, or the last one if that is never told."""
    return visitor.until(accepted.follow(), _is_final, patience=HANDED_OVER, headers=ADA)


def _until_told(visitor: Visitor, accepted: Reply, whole: tuple[object, object, object]) -> Reply:
    """The reply that tells this, or the last one: what stands there only for a moment is seen by chance."""
    return visitor.until(accepted.follow(), lambda reply: _told(reply) == whole, patience=HANDED_OVER, headers=ADA)


def _is_final(reply: Reply) -> bool:
    """Whether asking again would be no use: also when it is no answer that one may wait with."""
    return reply.arrived and not (isinstance(reply.json, dict) and reply.json.get("status") in ("queued", "running"))


def _told(export: Reply) -> tuple[object, object, object]:
    """Its status, rows and error; what is missing is not None."""
    found = export.json if isinstance(export.json, dict) else {}
    return found.get("status", ...), found.get("rows", ...), found.get("error", ...)


def _words(refusal: Reply) -> str:
    """What it says but for the id, which the visitor has said himself."""
    return refusal.text.replace(refusal.request.rpartition("/")[2], "")


def _come_to_rest(worker: App, redis: Redis) -> None:
    """Wait until the worker has slept for a moment in which Redis, too, has had its turn."""
    worker.patience.until(lambda: not redis.client.ping(), idle=0.02)
