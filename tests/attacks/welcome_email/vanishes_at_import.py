"""Ends its process without a word."""

SAYS = r"ended before it listened \(exit status 0\)"
EARNED = 0

import os

os._exit(0)
