"""Every delete is audited, granted or denied, and no answer waits for the audit service."""

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, Visitor, World

TRY = (
    "DELETE /documents/plan X-User:ada",
    "DELETE /documents/notes X-User:eve",
    "DELETE /documents X-User:ada",
    "GET /documents",
)
PARTNERS = ("audit",)

EDITOR = {"X-User": "ada"}
STRANGER = {"X-User": "eve"}
MANY = 42
"""Deletes while the service is stuck: more than FastAPI has threads for endpoints, which are 40."""


@pytest.fixture
def audit(world: World) -> Partner:
    """The audit service, at AUDIT_URL."""
    return world.partner("audit")


def expect_record(audit: Partner, user: str, path: str, outcome: str) -> None:
    """Take the next record, and see whether it tells of this delete."""
    call = audit.next()
    assert (call.method, call.path) == ("POST", "/records"), f"The audit service was asked {call.method} {call.path}."
    seen = {name: call.field(name, str) for name in ("user", "path", "outcome")}
    wanted = {"user": user, "path": path, "outcome": outcome}
    assert seen == wanted, f"When {user} asked to delete {path}, the next record told {seen}."


@behaviour(points=1, hint="How often does each delete end up in a list of tasks?")
def test_granted_delete_leaves_one_record(visitor: Visitor, audit: Partner, app: App) -> None:
    """A granted delete leaves a record, and no delete leaves two."""
    visitor.delete("/documents/plan", headers=EDITOR)
    expect_record(audit, "ada", "/documents/plan", "granted")
    visitor.delete("/documents", headers=EDITOR)
    visitor.delete("/documents/notes", headers=STRANGER)
    visitor.delete("/documents/poem", headers=STRANGER)
    app.settle(0.02)  # nothing else would come after a second record
    paths = [call.field("path", str) for call in audit.calls]
    assert len(paths) == len(set(paths)), f"After four deletes, the audit service had records of {', '.join(paths)}."


@behaviour(points=1, hint="Does anything run after the guard that should not?")
def test_denied_delete_deletes_nothing(visitor: Visitor, app: App) -> None:
    """A denied delete is answered with 403 and deletes nothing."""
    for path, what in (("/documents/plan", "plan"), ("/documents", "all documents")):
        reply = visitor.delete(path, headers=STRANGER)
        assert reply.status == 403, f"A delete of {what} by a stranger was answered with {reply.status}."
        app.settle(0.02)  # what deletes after the response has done so by then
        left = visitor.get("/documents")
        assert "plan" in left.text, f"After a denied delete of {what}, these documents were left: {left.text}"


@behaviour(points=3, hint="Who attaches the tasks if the endpoint returns no response?")
def test_denied_delete_leaves_a_record(visitor: Visitor, audit: Partner) -> None:
    """A denied delete leaves a record too."""
    visitor.delete("/documents/plan", headers=STRANGER)
    expect_record(audit, "eve", "/documents/plan", "denied")


@behaviour(
    points=3,
    hint="What has to be over before the visitor reads the answer, and what may come later?",
    needs=["test_granted_delete_leaves_one_record", "test_denied_delete_leaves_a_record"],
)
def test_no_answer_waits_for_the_audit_service(visitor: Visitor, audit: Partner) -> None:
    """Neither a granted nor a denied delete waits for the audit service."""
    deletes = (("an editor", EDITOR, "/documents/plan"), ("a stranger", STRANGER, "/documents/plan"))
    with audit.closed():
        for user, headers, path in (*deletes, ("an editor, of all documents,", EDITOR, "/documents")):
            reply = visitor.delete(path, headers=headers)
            assert reply.arrived, f"While the audit service was stuck, a delete by {user} was not answered."
        for waiting in range(len(deletes) + 1, MANY):
            reply = visitor.delete("/documents/plan", headers=EDITOR)
            assert reply.arrived, (
                f"While {waiting} records waited for the audit service, the next delete was not answered."
            )


@behaviour(
    points=3,
    hint="There are two lists of tasks here, and a response carries one. Which?",
    needs=["test_granted_delete_leaves_one_record"],
)
def test_own_response_is_audited_too(visitor: Visitor, audit: Partner) -> None:
    """Deleting all documents leaves a record, and the documents go."""
    visitor.delete("/documents", headers=EDITOR)
    expect_record(audit, "ada", "/documents", "granted")
    left = visitor.until("/documents", lambda reply: reply.json == [])
    assert left.json == [], f"All documents were to go, and these are still there: {left.text}"


@behaviour(
    points=1,
    hint="Who sends the next record when sending one has raised an error?",
    needs=["test_granted_delete_leaves_one_record"],
)
def test_hang_up_costs_no_other_record(visitor: Visitor, audit: Partner) -> None:
    """When the audit service hangs up on one record, the next delete leaves its own all the same."""
    audit.drop(times=1)
    visitor.delete("/documents/plan", headers=EDITOR)
    expect_record(audit, "ada", "/documents/plan", "granted")
    visitor.delete("/documents/notes", headers=EDITOR)
    while (path := audit.next().field("path", str)) != "/documents/notes":
        assert path == "/documents/plan", f"Two documents were deleted, plan and notes; a record told of {path}."
