"""Wants 5 GB at once."""

SAYS = "MemoryError"
EARNED = 0

hoard = bytearray(5 * 1024**3)
