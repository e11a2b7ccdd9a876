"""Leaves with status 0 before it serves anything."""

SAYS = r"exit\(0\)"
EARNED = 0

import sys

sys.exit(0)
