"""The task manager: jobs that can be asked after, cancelled, and forgotten in time."""

from grader.behaviour import behaviour
from grader.world import Printer, Reply, Visitor

TRY = ('POST /jobs {"labels": ["A-17", "B-2"]}', 'POST /jobs {"labels": ["A-17", "A-17"]}')


def order(visitor: Visitor, *labels: str) -> Reply:
    """Ask for a job for each label."""
    reply = visitor.post("/jobs", {"labels": list(labels)})
    assert reply.arrived, "Your app gave no answer to the order before the printer had printed."
    return reply


def paths_of(reply: Reply, jobs: int = 1) -> list[str]:
    """Where the statuses of the jobs that this reply tells of can be read."""
    ids = reply.field("ids", list)
    assert len(ids) == jobs, f"Labels ordered: {jobs}; ids that came back: {len(ids)}."
    assert all(isinstance(job_id, str) for job_id in ids), f"The ids are not all texts: {ids}"
    return [f"/jobs/{job_id}" for job_id in ids]


def start(visitor: Visitor, *labels: str) -> list[str]:
    """Start a job for each label; returns the paths where their statuses can be read."""
    return paths_of(order(visitor, *labels), jobs=len(labels))


def wait_for(visitor: Visitor, path: str, status: str) -> str:
    """Wait until the job reads this status; returns what it reads in the end."""
    read: str = visitor.until(path, lambda reply: reply.field("status", str) == status).field("status", str)
    return read


def is_gone(reply: Reply) -> bool:
    """Whether the job is unknown by now."""
    return reply.status == 404


@behaviour(points=1, hint="Who waits for the printer: the visitor, or a task?")
def test_job_is_done(visitor: Visitor, printer: Printer) -> None:
    """A job is accepted with 202 while the printer is busy, and reads "done" after its label is printed."""
    with printer.held():
        reply = order(visitor, "A-17")
        assert reply.status == 202, f"The order was answered with {reply.status}."
        [path] = paths_of(reply)
        status = visitor.get(path).field("status", str)
        assert status == "running", f"The printer is still busy with the label, and the job reads {status!r}."
    status = wait_for(visitor, path, "done")
    assert status == "done", f"The label is printed, and the job reads {status!r}."


@behaviour(points=2, hint="A task that fails says nothing by itself. At which moment can its exception be asked for?")
def test_error_is_told(visitor: Visitor, printer: Printer) -> None:
    """A job at whose label the printer jams or hangs up reads "failed" and says why."""
    printer.jam("A-17")
    printer.drop("B-2")
    for label, seen in (("A-17", "The printer answered JAM"), ("B-2", "The printer hung up")):
        [path] = start(visitor, label)
        status = wait_for(visitor, path, "failed")
        assert status == "failed", f"{seen}, and the job reads {status!r}."
        assert visitor.get(path).field("error", str).strip(), f"{seen}, the job failed, and its error is an empty text."


@behaviour(points=2, hint="What is raised in a cancelled task is no Exception. And what if nobody lets it out again?")
def test_cancelled_job_reads_cancelled(visitor: Visitor, printer: Printer) -> None:
    """A job that is cancelled in the middle of its work reads "cancelled"."""
    with printer.held():
        [path] = start(visitor, "A-17")
        printer.take("A-17")
        reply = visitor.delete(path)
        assert reply.status == 202, f"The cancellation of a job in work was answered with {reply.status}."
        status = wait_for(visitor, path, "cancelled")
    assert status == "cancelled", f"The job was cancelled in the middle of its work, and it reads {status!r}."
    error = visitor.get(path).field("error")
    assert error is None, f"The job was cancelled, it did not fail, and its error is {error!r}."


@behaviour(points=2, hint="On its way out, a cancellation passes through the job's own code. What can stand there?")
def test_cancelled_job_tells_the_printer(visitor: Visitor, printer: Printer) -> None:
    """A job that is cancelled in the middle of its work tells the printer so, and no other job does."""
    printer.jam("B-2")
    for label in ("B-2", "C-3"):
        [path] = start(visitor, label)
        visitor.until(path, lambda reply: is_gone(reply) or reply.field("status", str) != "running")
    with printer.held():
        [path] = start(visitor, "A-17")
        printer.take("A-17")
        visitor.delete(path)
        printer.expect_cancelled(1)
    assert not printer.hung_up, "CANCEL A-17 came on another connection than PRINT A-17, which had been closed."
    told = sorted(set(printer.cancelled))
    assert told == ["A-17"], f"Of a jammed label, a printed one and A-17, which was cancelled, CANCEL came for {told}."


@behaviour(points=3, hint="A coroutine that never began has run no line of yours. Who else learns of its end?")
def test_replaced_job_reads_cancelled(visitor: Visitor, printer: Printer) -> None:
    """A new order for a label ends the older jobs; one that had not made its first step reads "cancelled"."""
    with printer.held():
        [begun] = start(visitor, "A-17")
        printer.take("A-17")
        unbegun, last = start(visitor, "A-17", "A-17")
        status = wait_for(visitor, unbegun, "cancelled")
        assert status == "cancelled", f"A job was replaced in the request that started it, and it reads {status!r}."
        reply = visitor.until(begun, lambda reply: reply.field("status", str) != "running")
        assert reply.field("status") != "running", (
            "The label was ordered anew, and the older job still reads 'running'."
        )
        [newest] = start(visitor, "A-17")
        reply = visitor.until(last, lambda reply: reply.field("status", str) != "running")
        assert reply.field("status") != "running", (
            "The label was ordered anew once more, and the job before that still reads 'running'."
        )
    status = wait_for(visitor, newest, "done")
    assert status == "done", f"The job that replaced the others reads {status!r}."


@behaviour(
    points=1,
    hint="Does it matter when the wish to cancel comes?",
    needs=["test_cancelled_job_reads_cancelled"],
)
def test_end_is_final(visitor: Visitor, printer: Printer) -> None:
    """Cancelling a job that has ended, done or cancelled, is answered with 409 and changes nothing."""
    [path] = start(visitor, "A-17")
    printer.expect_printed(1)
    wait_for(visitor, path, "done")
    reply = visitor.delete(path)
    assert reply.status == 409, f"The cancellation of a finished job was answered with {reply.status}."
    status = visitor.get(path).field("status", str)
    assert status == "done", f"The label was printed, then the job was cancelled, and now it reads {status!r}."
    with printer.held():
        [path] = start(visitor, "B-2")
        printer.take("B-2")
        visitor.delete(path)
        wait_for(visitor, path, "cancelled")
        reply = visitor.delete(path)
        assert reply.status == 409, f"The cancellation of a cancelled job was answered with {reply.status}."


@behaviour(
    points=2,
    hint="Who is going to remove a result, and when does the clock start?",
    settings={"RESULT_TTL_SECONDS": "0.02"},
)
def test_result_expires(visitor: Visitor, printer: Printer) -> None:
    """RESULT_TTL_SECONDS after its end a job is forgotten: 404."""
    [path] = start(visitor, "A-17")
    printer.expect_printed(1)
    reply = visitor.until(path, is_gone, patience=1.0)
    assert reply.status == 404, f"RESULT_TTL_SECONDS is 0.02; a second later the result is still there: {reply.text}"


@behaviour(
    points=1,
    hint="Does the clock start with the job, or with its end?",
    needs=["test_cancelled_job_reads_cancelled", "test_replaced_job_reads_cancelled", "test_result_expires"],
    settings={"RESULT_TTL_SECONDS": "0.02"},
)
def test_job_in_work_does_not_expire(visitor: Visitor, printer: Printer) -> None:
    """Only a job's end starts the clock: one in work is not forgotten, one that never made its first step is."""
    with printer.held():
        slow, unbegun, stopped = start(visitor, "A-17", "B-2", "B-2")
        printer.take("A-17")
        visitor.delete(stopped)
        visitor.until(stopped, is_gone, patience=1.0)  # it ended after the slow one began: its time is up
        reply = visitor.until(unbegun, is_gone, patience=1.0)
        assert reply.status == 404, f"A job that was replaced before its first step is still there: {reply.text}"
        reply = visitor.get(slow)
    assert reply.status == 200, f"The printer is still busy with the label; asked for, its job gives {reply.status}."
