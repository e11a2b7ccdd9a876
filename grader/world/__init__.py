"""What a submission talks to: visitor, mail server, printer, partners. A product of its own, without pytest."""

import importlib
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
    from grader.world.mail import Mail
    from grader.world.mailbox import Mailbox
    from grader.world.payments import Payments
    from grader.world.printer import Printer
    from grader.world.redis import Redis

LATE = {"Mail": "mail", "Mailbox": "mailbox", "Payments": "payments", "Printer": "printer", "Redis": "redis"}

__all__ = [
    "Call",
    "Gate",
    "Instance",
    "Loop",
    "Mail",
    "Mailbox",
    "Partner",
    "PartnerCall",
    "Payments",
    "Plan",
    "Printer",
    "Redis",
    "Reply",
    "Request",
    "Seen",
    "Timeline",
    "Visitor",
    "World",
]


def __getattr__(name: str) -> object:
    """Import the parts that are costly to import when they are first asked for."""
    if name not in LATE:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"grader.world.{LATE[name]}"), name)
