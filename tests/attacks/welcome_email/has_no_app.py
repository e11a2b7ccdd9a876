"""Calls its application something else."""

SAYS = "There is no `app` in your file"
EARNED = 0

from fastapi import FastAPI

application = FastAPI()
