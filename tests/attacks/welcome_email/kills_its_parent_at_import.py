"""Kills the process that started it."""

SAYS = "does your program kill processes that are not its own"
EARNED = 0

import os
import signal

from fastapi import FastAPI

os.kill(os.getppid(), signal.SIGKILL)
app = FastAPI()
