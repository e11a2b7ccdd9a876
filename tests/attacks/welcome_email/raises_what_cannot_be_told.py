"""Raises an error whose text raises another one."""

SAYS = "Untold"
EARNED = 0


class Untold(Exception):
    def __str__(self):
        raise RuntimeError("not telling")


raise Untold
