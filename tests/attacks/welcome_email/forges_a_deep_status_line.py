"""Writes lines to every descriptor that break a careless reader."""

SAYS = "ended before it listened"
EARNED = 0

import os
import stat

LINES = b"".join(
    line + b"\n"
    for line in (
        b"[" * 200_000,
        b'{"event": "failed", "text": {"a": ["b"]}, "line": {"no": "number"}}'[:-1],
        b'{"event": ["failed"]}',
        b"9" * 100_000,
        b"\xff\xfe",
    )
)
for name in os.listdir("/proc/self/fd"):
    descriptor = int(name)
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            os.write(descriptor, LINES)
    except OSError:
        continue
os._exit(7)
