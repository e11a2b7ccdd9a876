"""``--redis URL``: a Redis of the user's own instead of the grader's."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from grader.cli.faults import UsageError
from grader.world.redis_foreign import ForeignServer
from grader.world.redis_servers import FOREIGN

RedisOption = Annotated[
    str, typer.Option("--redis", metavar="URL", envvar=FOREIGN, help="Use this empty Redis, not the grader's own.")
]


def use(url: str, jobs: int = 1) -> None:
    """Have all worlds use the server at this URL, if there is one; it is looked at right away.

    Raises StageError when it cannot be used, and UsageError when several jobs would have to share it.
    """
    if not url:
        return
    if jobs > 1:
        raise UsageError("--redis names one server, and two jobs cannot share it; leave --jobs out.")
    ForeignServer(url).stop()
    os.environ[FOREIGN] = url
