"""Calls itself without end."""

SAYS = "RecursionError"
EARNED = 0


def again():
    return again()


again()
