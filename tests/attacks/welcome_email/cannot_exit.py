"""Takes away the function with which a process ends, and wants to end."""

SAYS = r"exit\(0\)"
EARNED = 0

import os
import sys

os._exit = lambda status: None
sys.exit(0)
