"""Writes a failure of its own to every descriptor: escapes, many lines, half a character, no line number."""

SAYS = "forged"
EARNED = 0

import json
import os
import stat
import threading

TEXT = "forged \x1b[2J" + "line\n" * 50_000 + "\ud800"
for name in os.listdir("/proc/self/fd"):
    descriptor = int(name)
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            os.write(
                descriptor, json.dumps({"event": "failed", "text": TEXT, "line": {"no": "number"}}).encode() + b"\n"
            )
    except OSError:
        continue
threading.Event().wait()
