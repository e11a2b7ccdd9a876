"""Raises an error with a text of ten megabytes."""

SAYS = "ValueError: xxxx"
EARNED = 0

raise ValueError("x" * 10_000_000)
