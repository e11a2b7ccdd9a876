"""Waits for ever in its lifespan."""

SAYS = r"its start-up \(lifespan\) has not ended"
EARNED = 0

import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app):
    await asyncio.Event().wait()
    yield


app = FastAPI(lifespan=lifespan)
