"""Writes to every descriptor for ever."""

SAYS = "given up|never began to listen"
EARNED = 0

import os
import stat
import threading


def flood(descriptor):
    while True:
        try:
            os.write(descriptor, b'{"event": "collected"}\n' * 1000)
        except OSError:
            return


for name in os.listdir("/proc/self/fd"):
    if not stat.S_ISSOCK(os.stat(f"/proc/self/fd/{name}").st_mode if os.path.exists(f"/proc/self/fd/{name}") else 0):
        threading.Thread(target=flood, args=(int(name),), daemon=True).start()
threading.Event().wait()
