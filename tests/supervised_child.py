"""A supervisor with parts that behave as they are named: python -m tests.supervised_child LOG PART [PART...]"""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from lullwatch.service_notify import Notifier
from lullwatch.supervisor import Part, Patience, Supervisor

QUICK = Patience(
    first_pause_s=0.05, last_pause_s=0.2, settled_s=30, watch_s=0.8, start_s=2.0, stop_s=1.0, loop_ends=4, well_s=0.3,
)  # fmt: skip


def note(log: Path, *words: object) -> None:
    with log.open("a") as file:
        file.write(" ".join(map(str, words)) + "\n")


def live(log: Path, kind: str) -> int:
    starts = log.read_text().count(f"begins {kind} ") if log.exists() else 0
    note(log, "begins", kind, os.getpid())
    if kind == "cannot":
        return 2
    if kind == "dies" or (kind == "recovers" and starts < 4):
        time.sleep(0.02)
        return 3
    if kind == "starts_slowly":
        time.sleep(0.5)
        return 3
    if kind == "comes_up_late" and starts == 0:
        time.sleep(3600)
    stopping: list[int] = []
    if kind == "stubborn":
        signal.signal(signal.SIGTERM, lambda *_: None)
    else:
        signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    signal.signal(signal.SIGHUP, lambda *_: (note(log, "left alone", kind), stopping.append(signal.SIGHUP)))
    notifier = Notifier()
    notifier.say("READY=1")
    hangs = kind == "hangs" and starts == 0
    while not stopping:
        time.sleep(0.05)
        if not hangs:
            notifier.say("WATCHDOG=1")
    time.sleep(0.1)
    note(log, "stopped", kind)
    return 0


def scarce(fork: Callable[[], int], refusals: Iterator[OSError]) -> int:
    """As on a computer without memory for one more process; no limit that a test could set holds for root."""
    if (refusal := next(refusals, None)) is not None:
        raise refusal
    return fork()


def main(log: Path, kinds: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if "scarce" in kinds:
        refusals = iter([OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))] * 3)
        os.fork = partial(scarce, os.fork, refusals)
    supervisor = Supervisor(
        [Part(kind, partial(live, log, kind), vital=kind != "dies") for kind in kinds],
        told=partial(note, log, "told"),
        began=partial(note, log, "all up"),
        patience=QUICK,
    )
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
