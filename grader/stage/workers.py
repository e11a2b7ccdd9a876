"""The roles of a worker's process: the real ``celery`` and ``arq`` commands, run on what the submission defines."""

from __future__ import annotations

import logging.config
from types import ModuleType
from typing import TYPE_CHECKING, Any

from grader.stage.missing import Missing

if TYPE_CHECKING:
    from arq.worker import Worker

    from grader.stage.child import Status


def celery(module: ModuleType, request: dict[str, Any], _listeners: list[int], status: Status) -> int:
    """``celery -A FILE ARGUMENT...``, that is, worker or beat, on the submission's ``celery_app``."""
    from celery import Celery, signals

    app = getattr(module, "celery_app", None)
    if app is None:
        raise Missing("There is no `celery_app` in your file: `celery -A` looks for a Celery object of that name.")
    if not isinstance(app, Celery):
        raise Missing(f"`celery_app` in your file is of type {type(app).__name__}: make it a Celery object.")

    def ready(**_sent: object) -> None:
        status.say("listening")

    signals.worker_ready.connect(ready, weak=False)
    signals.beat_init.connect(ready, weak=False)
    code = app.start(argv=request["arguments"])
    return code if isinstance(code, int) else 0


def arq(module: ModuleType, request: dict[str, Any], _listeners: list[int], status: Status) -> int:
    """``arq FILE.WorkerSettings``; the request's options go before what the settings say."""
    from arq.logs import default_log_config
    from arq.worker import create_worker

    settings = getattr(module, "WorkerSettings", None)
    if settings is None:
        raise Missing("There is no `WorkerSettings` in your file: `arq` looks for a class of that name.")
    if not isinstance(settings, type | dict):
        raise Missing(f"`WorkerSettings` in your file is of type {type(settings).__name__}: make it a class.")
    logging.config.dictConfig(default_log_config(verbose=False))
    worker = create_worker(settings, **request["options"])
    own_startup = worker.on_startup

    async def on_startup(ctx: dict[Any, Any]) -> None:
        if own_startup is not None:
            await own_startup(ctx)
        status.say("listening")

    worker.on_startup = on_startup
    worker.on_stop = lambda _signal: _insist(worker)
    worker.run()
    return 0


def _insist(worker: Worker) -> None:
    """Cancel a worker that was told to stop until it does.

    redis-py sends each command within ``asyncio.wait_for``, which before Python 3.12 swallows a cancellation that comes
    when the sending is just done. A worker that looks into the queue all the time is nearly always there: it would go
    on, and take up the very job that it has given back.
    """
    worker.allow_pick_jobs = False
    if worker.main_task is not None and not worker.main_task.done():
        worker.main_task.cancel()
        worker.loop.call_soon(_insist, worker)
