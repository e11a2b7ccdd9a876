"""Prints without end instead of serving."""

SAYS = "printed more than 128 MB"
EARNED = 0

while True:
    print("spam and eggs " * 100_000)
