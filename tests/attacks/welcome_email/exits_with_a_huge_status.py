"""Leaves with a status that no system knows."""

SAYS = r"exit\(1000"
EARNED = 0

import sys

sys.exit(10**30)
