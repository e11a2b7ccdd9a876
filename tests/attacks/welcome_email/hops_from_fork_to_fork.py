"""Each process forks the next one and ends (95 times at most): no process lives long."""

SAYS = "ended before it listened"
EARNED = 0

import os
import time

tokens, fill = os.pipe()
os.write(fill, b"x" * 95)  # a bomb for real has no such end
os.close(fill)
while os.read(tokens, 1):
    if os.fork():
        os._exit(0)
    os.setsid()
while True:
    time.sleep(1)
