"""Waits at import for something that never comes."""

SAYS = "never began to listen"
EARNED = 0

import threading

threading.Event().wait()
