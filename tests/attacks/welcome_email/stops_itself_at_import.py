"""Sends itself SIGSTOP: neither asleep nor computing."""

SAYS = "never began to listen"
EARNED = 0

import os
import signal

os.kill(os.getpid(), signal.SIGSTOP)
