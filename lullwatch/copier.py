"""A thread that copies the journal into InfluxDB, at the database's pace and never in the detector's way."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from store.influx import InfluxSink, SinkReport, SinkState
from store.journal import Journal

__all__ = ["Copier"]

_log = logging.getLogger(__name__)

IDLE_S = 0.5
"""Pause when the journal holds nothing new: a chart then lags by no more than this and a commit."""
LAST_S = 30.0
"""A service manager gives a service 90 s to stop; a database that restarts is back within ten."""


class Copier:
    """Runs an `InfluxSink` on its own connection to the journal; use as a context manager.

    Leaving the context waits until the journal is copied, as long as the database answers.
    """

    def __init__(self, journal: Path, make_sink: Callable[[Journal], InfluxSink]) -> None:
        self._path = journal
        self._make_sink = make_sink
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="influx", daemon=True)
        self.lines = 0
        """lines the database has confirmed"""
        self._left_s = LAST_S
        self.trouble = ""
        """why nothing is being copied just now; empty when it is"""

    def __enter__(self) -> Copier:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        with Journal.read_only(self._path) as journal, self._make_sink(journal) as sink:
            while self._after(sink.step()):
                pass

    def _after(self, report: SinkReport) -> bool:
        """Take note of a step and wait as it asks; False when it was the last one.

        At the end a database that does not answer is asked for `LAST_S` more; the rest is copied at the next start.
        """
        self.lines += report.lines
        if report.error and report.error != self.trouble:
            _log.warning("InfluxDB: %s", report.error)
        self.trouble = report.error
        if report.state is SinkState.SENT:
            return True
        if report.state is SinkState.STOPPED:
            return False
        if not self._ending.is_set():
            self._ending.wait(max(IDLE_S, report.wait_s))
            return True
        self._left_s -= report.wait_s
        if report.state is SinkState.IDLE or self._left_s < 0:
            return False
        time.sleep(report.wait_s)
        return True
