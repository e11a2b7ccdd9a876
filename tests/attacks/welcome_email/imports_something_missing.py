"""Imports a package that nobody has."""

SAYS = "No module named .celery_but_better.*line 6 of your file"
EARNED = 0

import celery_but_better
