"""Forks without end (the 95 tokens in a pipe are all that limits it)."""

SAYS = "more than 64 processes"
EARNED = 0

import os
import time

tokens, fill = os.pipe()
os.write(fill, b"x" * 95)  # a bomb for real has no such end
os.close(fill)
while os.read(tokens, 1):
    os.fork()
while True:
    time.sleep(1)
