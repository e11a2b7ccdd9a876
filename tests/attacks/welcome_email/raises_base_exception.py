"""Raises what `except Exception` does not catch."""

SAYS = "Stop"
EARNED = 0


class Stop(BaseException):
    pass


raise Stop("here")
