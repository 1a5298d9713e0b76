"""A thread that copies the journal into InfluxDB, at the database's pace and never in the detector's way."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from store.errors import JournalError
from store.influx import InfluxSink, SinkReport, SinkState
from store.influx_batches import COPIED, CURSOR
from store.journal import Journal
from store.passing_over import PassedOver
from store.shelf import Shelf

__all__ = ["Copier", "Pauses"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long the copier waits for what, in real seconds."""

    idle_s: float = 0.5
    """when the journal holds nothing new: a chart then lags by no more than this and a commit"""
    refused_s: float = 300.0
    """between two attempts at a database that refuses the token or the bucket: a person must look first"""
    failed_s: float = 5.0
    """after an error of our own side, such as a journal that another program holds; most pass in seconds. At the
    end also the longest pause between two attempts"""
    silent_s: float = 30.0
    """at the end, for a database that does not answer: one that restarts is back within ten"""
    share: float = 0.5
    """of the time spent on sending what has piled up: a night takes minutes to catch up with, and whoever listens
    meanwhile has the computer for itself the other half"""
    end_s: float = 60.0
    """at the end in all: a service manager gives a service 90 s to stop, and others need some of it"""


class Copier:
    """Runs an `InfluxSink` for the night that owes the database something, oldest first; use as a context manager.

    An older night that cannot be read is passed over and tried again each minute; those after it are copied.

    Leaving the context waits until everything is copied, as long as the database answers and `Pauses` allows; the
    rest is copied at the next start.

    Args:
        journal: the newest night, or any on the same shelf; nights that begin later are found.
        make_sink: makes the sink for one night.
        pauses: how long to wait for what.
        on_trouble: told `("database", why)` when nothing is being copied, and `("database", "")` when it is again; in
            the copier's own thread.
    """

    def __init__(
        self,
        journal: Path,
        make_sink: Callable[[Journal], InfluxSink],
        *,
        pauses: Pauses | None = None,
        on_trouble: Callable[[str, str], None] = lambda _kind, _why: None,
    ) -> None:
        self._path = journal
        self._make_sink = make_sink
        self._pauses = pauses or Pauses()
        self._on_trouble = on_trouble
        self._over: set[str] = set()
        """nights that owe nothing any more, since a newer one had begun"""
        self._passed = PassedOver(CURSOR)
        self._ending = threading.Event()
        self._ending_s = self._answered_s = 0.0
        self._whole = False
        self._thread = threading.Thread(target=self._run, name="influx", daemon=True)
        self.lines = 0
        """lines the database has confirmed"""
        self.trouble = ""
        """why nothing is being copied just now; empty when it is"""

    def __enter__(self) -> Copier:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending_s = self._answered_s = time.monotonic()
        self._ending.set()
        # a request on its way to a dead database may outlast the end; its thread does not hold the process
        while self._thread.is_alive() and (left_s := self._left_s()) > 0:
            self._thread.join(min(left_s, self._pauses.idle_s))
        if not self._whole:
            why = self.trouble or "the database does not answer in time"
            _log.warning(
                "InfluxDB: not everything was copied (%s); the rest is copied at the next start", why
            )

    def _run(self) -> None:
        while True:
            try:
                with Shelf.around(self._path) as shelf:
                    while (night := self._owing(shelf)) and self._copy(shelf, night):
                        pass
                if night is not None:
                    return
                self._in_trouble(f"{self._path}: there is no journal yet")
            except Exception as error:  # noqa: BLE001 - this is the thread's top: nobody else would hear of it
                self._in_trouble(f"{type(error).__name__}: {error}")
            if not self._wait(self._pauses.failed_s):
                return

    def _owing(self, shelf: Shelf) -> Path | None:
        """The oldest night with rows the database has not confirmed, or the newest."""
        nights = shelf.nights()
        self._passed.keep_to(night.name for night in nights[:-1])
        for night in nights[:-1]:
            if night.name in self._over or night.name in self._passed:
                continue
            try:
                with shelf.opened(night.name) as journal:
                    owed = journal.read(journal.cursor(CURSOR), limit=1, tables=COPIED)
            except JournalError as error:
                self._passed.failed(night.name, error)
                continue
            if owed:
                return night
            self._over.add(night.name)
            self._passed.read(night.name)
        return nights[-1] if nights else None

    def _copy(self, shelf: Shelf, night: Path) -> bool:
        """Copy one night until it is over and confirmed, or another is to be looked at; False when the end has come."""
        try:
            return self._copied(shelf, night)
        except JournalError as error:
            if night == shelf.newest():
                raise
            self._passed.failed(night.name, error)
            return True

    def _copied(self, shelf: Shelf, night: Path) -> bool:
        file = _file_of(night)
        with Journal.read_only(night) as journal, self._make_sink(journal) as sink:
            while True:
                if _file_of(night) != file:
                    return True  # another has taken its place: one that was mended, or brought back
                over = (
                    shelf.newest() != night
                )  # asked before the step: what it finds nothing behind is complete
                began_s = time.monotonic()
                report = sink.step()
                if over and report.state is SinkState.IDLE:
                    self._note(report)
                    self._over.add(night.name)
                    self._passed.read(night.name)
                    return True
                if report.state is SinkState.IDLE and self._passed.is_due and not self._ending.is_set():
                    self._note(report)
                    return True
                if not self._after(report, sink, time.monotonic() - began_s):
                    return False

    def _note(self, report: SinkReport) -> None:
        self.lines += report.lines
        if report.state is SinkState.SENT:
            self._answered_s = time.monotonic()
        if report.error:
            self._in_trouble(report.error)
        else:
            self._well()

    def _after(self, report: SinkReport, sink: InfluxSink, took_s: float) -> bool:
        """Take note of a step and wait as it asks; False when it was the last one."""
        self._note(report)
        if report.state is SinkState.SENT:
            return self._wait(0.0 if self._ending.is_set() else took_s * (1 / self._pauses.share - 1))
        if report.state is SinkState.WAITING:
            return self._wait(max(self._pauses.idle_s, report.wait_s))
        if self._ending.is_set():
            self._whole = report.state is SinkState.IDLE
            return False
        if report.state is SinkState.STOPPED:
            self._ending.wait(self._pauses.refused_s)
            sink.resume()
        else:
            self._ending.wait(self._pauses.idle_s)
        return True

    def _wait(self, seconds: float) -> bool:
        """Pause, shortened when the end comes; False when there is no time left."""
        if not self._ending.is_set():
            self._ending.wait(seconds)
            return True
        left_s, seconds = self._left_s(), min(seconds, self._pauses.failed_s)
        if left_s > seconds:
            time.sleep(seconds)
        return left_s > seconds

    def _left_s(self) -> float:
        """What is left of the end; only asked once it has begun."""
        silent_s = self._answered_s + self._pauses.silent_s
        return min(silent_s, self._ending_s + self._pauses.end_s) - time.monotonic()

    def _in_trouble(self, why: str) -> None:
        if why != self.trouble:
            _log.warning("InfluxDB: %s", why)
            self.trouble = why
            self._on_trouble("database", why)

    def _well(self) -> None:
        if self.trouble:
            _log.info("InfluxDB: copying again")
            self.trouble = ""
            self._on_trouble("database", "")


def _file_of(night: Path) -> int | None:
    """Tells the file of this name from another that takes its place; None while there is none."""
    try:
        return night.stat().st_ino
    except OSError:
        return None
