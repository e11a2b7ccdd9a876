"""What a submission talks to: visitor, mail server, printer, partners. A product of its own, without pytest."""

from typing import TYPE_CHECKING

from grader.world.gate import Gate
from grader.world.loop import Loop
from grader.world.partner import Partner, PartnerCall
from grader.world.reply import Reply
from grader.world.request import Request
from grader.world.timeline import Seen, Timeline
from grader.world.visitor import Call, Visitor
from grader.world.world import Instance, Plan, World

if TYPE_CHECKING:
    from grader.world.mailbox import Mail, Mailbox
    from grader.world.printer import Printer

__all__ = [
    "Call",
    "Gate",
    "Instance",
    "Loop",
    "Mail",
    "Mailbox",
    "Partner",
    "PartnerCall",
    "Plan",
    "Printer",
    "Reply",
    "Request",
    "Seen",
    "Timeline",
    "Visitor",
    "World",
]


def __getattr__(name: str) -> object:
    """Import the parts that are costly to import when they are first asked for."""
    if name in {"Mail", "Mailbox"}:
        from grader.world import mailbox

        return getattr(mailbox, name)
    if name == "Printer":
        from grader.world.printer import Printer

        return Printer
    raise AttributeError(name)
