"""Raises in its lifespan."""

SAYS = r"start-up \(its lifespan\) failed: RuntimeError: no database \(line 13 of your file\)"
EARNED = 0

from contextlib import asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app):
    raise RuntimeError("no database")
    yield


app = FastAPI(lifespan=lifespan)
