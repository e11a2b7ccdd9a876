"""Prints without end instead of serving."""

SAYS = "printed 128 MB and went on"
EARNED = 0

while True:
    print("spam and eggs " * 100_000)
