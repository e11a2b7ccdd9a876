"""Computes for ever at import."""

SAYS = "went on computing"
EARNED = 0

while True:
    pass
