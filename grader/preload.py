"""Which modules the zygote imports ahead, for which submissions."""

from __future__ import annotations

from collections.abc import Iterable

PRELOADABLE: dict[bytes, tuple[str, ...]] = {
    b"sqlalchemy": ("sqlalchemy.ext.asyncio", "sqlalchemy.orm", "sqlalchemy.dialects.sqlite.aiosqlite", "aiosqlite"),
    b"aiosqlite": ("aiosqlite",),
    b"sqlite3": ("sqlite3",),
    b"aiosmtplib": ("aiosmtplib",),
    b"smtplib": ("smtplib",),
    b"EmailMessage": ("email.message", "email.policy"),
    b"EmailStr": ("email_validator",),
    b"httpx": ("httpx", "httpcore", "certifi", "anyio._backends._asyncio", "anyio.streams.tls"),
    b"PIL": ("PIL.Image", "PIL.ImageOps", "PIL.JpegImagePlugin", "PIL.PngImagePlugin", "PIL.GifImagePlugin"),
    b"UploadFile": ("python_multipart.multipart",),
    b"reportlab": ("reportlab.pdfgen.canvas", "reportlab.platypus", "reportlab.graphics.renderPDF"),
    b"QrCodeWidget": ("reportlab.graphics.barcode.qr",),
    b"redis": ("redis.asyncio", "redis.asyncio.connection", "redis.commands.helpers"),
    b"sse": ("fastapi.sse",),
    b"celery": (
        "celery.bin.celery", "celery.apps.worker", "celery.apps.beat", "celery.worker.worker", "celery.worker.strategy",
        "celery.worker.consumer", "celery.worker.autoscale", "celery.worker.components", "celery.worker.control",
        "celery.worker.consumer.delayed_delivery", "celery.concurrency.solo", "celery.concurrency.prefork",
        "celery.concurrency.thread", "celery.backends.redis", "celery.app.amqp", "celery.app.log", "celery.app.control",
        "celery.app.builtins", "celery.app.routes", "celery.app.events", "celery.loaders.app", "celery.fixups.django",
        "celery.events.receiver", "celery.contrib.migrate", "celery.utils.static", "kombu.transport.redis",
        "kombu.asynchronous.hub", "kombu.pools", "billiard.sharedctypes", "billiard.popen_fork", "encodings.idna",
        "tzlocal", "dateutil.parser", "shelve",
    ),
    b"arq": ("arq.worker", "arq.logs", "arq.cron", "arq.connections"),
    b"apscheduler": (
        "apscheduler.schedulers.asyncio", "apscheduler.schedulers.background", "apscheduler.triggers.cron",
        "apscheduler.triggers.interval", "apscheduler.triggers.date", "apscheduler.jobstores.memory",
        "apscheduler.executors.asyncio", "apscheduler.executors.pool", "tzlocal", "time_machine",
    ),
    b"zoneinfo": ("time_machine", "zoneinfo"),
}  # fmt: skip
"""What the zygote imports ahead when a submission mentions a word. Reading the text decides about speed only."""


def modules_for(sources: Iterable[bytes]) -> list[str]:
    """The modules that a zygote should import ahead for these submissions."""
    text = b"\n".join(sources)
    return list(dict.fromkeys(module for word, names in PRELOADABLE.items() if word in text for module in names))


def all_modules() -> list[str]:
    """The modules for a zygote that will see every exercise."""
    return modules_for(PRELOADABLE)
