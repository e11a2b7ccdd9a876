"""Sends itself SIGKILL."""

SAYS = "SIGKILL"
EARNED = 0

import os
import signal

os.kill(os.getpid(), signal.SIGKILL)
