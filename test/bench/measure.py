"""Runs a command and writes what it and its children used, as JSON: measure.py RESULT COMMAND [ARG...].

The processor time is that of the whole family; the memory is the peak of its largest process, as the kernel counted it.
This process is small and starts nothing else, because a child's peak is never less than that of the one that forked it.
"""

import json
import os
import sys
import time

result, *command = sys.argv[1:]
started = time.monotonic()
pid = os.posix_spawnp(command[0], command, os.environ)
_, status, used = os.wait4(pid, 0)
wall = time.monotonic() - started
with open(result, "w") as file:
    json.dump(
        {
            "wallSeconds": wall,
            "userSeconds": used.ru_utime,
            "systemSeconds": used.ru_stime,
            "peakRssMib": used.ru_maxrss / 1024,
            "exitCode": os.waitstatus_to_exitcode(status),
        },
        file,
    )
