"""Has an `app` that is no application."""

SAYS = "`app` in your file is of type int"
EARNED = 0

app = 42
