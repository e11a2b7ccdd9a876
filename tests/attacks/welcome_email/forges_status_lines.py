"""Writes to every descriptor that it listens, passed and is collected; then it only sleeps."""

SAYS = "was not answered"
EARNED = 0

import json
import os
import stat
import threading

LINES = [
    {"event": "listening"},
    {"event": "passed"},
    {"event": "collected"},
    {"event": "result", "value": 12},
    {"id": 1},
]
for name in os.listdir("/proc/self/fd"):
    descriptor = int(name)
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            os.write(descriptor, b"".join(json.dumps(line).encode() + b"\n" for line in LINES))
    except OSError:
        continue
threading.Event().wait()
