"""Runs lullwatch's commands in the guest, each in a process of its own, forked from one that has imported everything.

Only the imports are saved, which take the emulated processor half a minute: each life has its own memory, its own
process id, and can be killed like any other. It says "ready" in /run/lives.ready and takes orders from /run/lives,
a line of JSON each: a name, a command's words, a line for its standard input.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from bench.bluez.in_guest import kept
from lullwatch import monitor, sensors  # noqa: F401 - imported here so that no life has to
from lullwatch.__main__ import main as lullwatch

ORDERS = Path("/run/lives")
READY = Path("/run/lives.ready")


def life(name: str, words: list[str], said: str) -> None:
    """One command, from here to its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    Path(f"/tmp/{name}.pid").write_text(f"{os.getpid()}\n")
    log = os.open(f"/tmp/{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    given, give = os.pipe()
    os.write(give, said.encode() + b"\n")
    os.close(give)
    for mine, standard in ((given, 0), (log, 1), (log, 2)):
        os.dup2(mine, standard)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    logging.getLogger("bleak").setLevel(logging.INFO)  # it else writes down every notification
    sys.argv = ["lullwatch", *words]
    try:
        status = kept.main(words[1:]) if words[0] == "kept" else lullwatch()
    except SystemExit as ended:
        status = ended.code
    except BaseException:  # noqa: BLE001 - whatever it was, the host asks for the status
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    Path(f"/tmp/{name}.status.part").write_text(f"{status or 0}\n")
    Path(f"/tmp/{name}.status.part").rename(f"/tmp/{name}.status")
    os._exit(0)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.mkfifo(ORDERS)
    READY.write_text(f"{time.clock_gettime(time.CLOCK_BOOTTIME):.1f}\n")
    # Open for writing too: it never ends then, and no order is lost between an end and a new beginning.
    with os.fdopen(os.open(ORDERS, os.O_RDWR), encoding="utf-8") as orders:
        for line in orders:
            order = json.loads(line)
            if os.fork() == 0:
                life(order["name"], order["words"], order["said"])


if __name__ == "__main__":
    main()
