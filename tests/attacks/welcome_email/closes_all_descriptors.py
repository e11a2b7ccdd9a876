"""Closes everything that it was given."""

SAYS = "ended before it listened"
EARNED = 0

import os

from fastapi import FastAPI

os.closerange(0, 4096)
app = FastAPI()
