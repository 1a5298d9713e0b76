"""The thread that copies the journal into InfluxDB: it outlives every trouble, says so, and ends in time."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dsp.records import NS, ClockRow
from lullwatch.copier import Copier, Pauses
from store.errors import JournalBusy, JournalDamaged
from store.influx import InfluxSink
from store.journal import Journal
from store.salvage import salvage
from tests.servers_fixtures import PATIENCE_S, Influx, until
from tests.store_examples import segment, segment_row

CLOCK = ClockRow(0, 1_773_525_600 * NS, "b", "UTC")
QUICK = Pauses(idle_s=0.02, refused_s=0.1, failed_s=0.1, silent_s=10.0, end_s=20.0)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "n.sqlite") as opened:
        opened.commit([CLOCK])
        yield opened


def sink_to(influx: Influx, **changes: Any) -> partial[InfluxSink]:
    values = {"url": influx.url, "token": influx.token, "org": influx.org, "bucket": influx.bucket}
    return partial(InfluxSink, **{**values, "gateway": "gw", **changes})


def add(journal: Journal, first: int, last: int) -> None:
    journal.commit([segment_row(segment(seq)) for seq in range(first, last)])


def stored(influx: Influx) -> object:
    rows = influx.query("SELECT count(ax) FROM imu")
    return rows[0]["count"] if rows else 0


def test_leaving_waits_until_the_journal_is_copied(journal: Journal, influx: Influx) -> None:
    with Copier(journal.path, sink_to(influx), pauses=QUICK) as copier:
        add(journal, 0, 50)
    assert copier.lines == 50 * 16
    assert stored(influx) == 50 * 16
    assert copier.trouble == ""


def test_an_engine_that_goes_away_and_comes_back_gets_everything(
    journal: Journal, own_influx: Influx
) -> None:
    with Copier(journal.path, sink_to(own_influx), pauses=QUICK) as copier:
        add(journal, 0, 10)
        until(lambda: copier.lines == 10 * 16)
        own_influx.server.kill_engine()
        add(journal, 10, 30)
        until(lambda: copier.trouble)
        own_influx.server.start_engine()
        until(lambda: copier.lines == 30 * 16)
        assert copier.trouble == ""
    assert stored(own_influx) == 30 * 16


class Repairable(InfluxSink):
    """A sink whose bucket a person makes while it is stopped, before the third attempt."""

    tries = 0

    def __init__(self, journal: Journal, *, mend: Callable[[], None], **values: Any) -> None:
        super().__init__(journal, **values)
        self._mend = mend

    def resume(self) -> None:
        super().resume()
        self.tries += 1
        if self.tries == 3:
            self._mend()


def test_a_refusal_is_said_once_and_tried_again_until_it_is_let_in(
    journal: Journal, influx: Influx, caplog: pytest.LogCaptureFixture
) -> None:
    add(journal, 0, 5)
    late = replace(influx, bucket="not-there-yet")
    mend = partial(influx.server.create_bucket, late.bucket)
    with Copier(
        journal.path, partial(Repairable, mend=mend, **sink_to(late).keywords), pauses=QUICK
    ) as copier:
        until(lambda: copier.lines == 5 * 16)
    assert stored(late) == 5 * 16
    influx.server.drop_bucket(late.bucket)
    said = [r.message for r in caplog.records if "not-there-yet" in r.message]
    assert len(said) == 1
    assert "Check token, organisation and bucket" in said[0]


def test_a_wrong_token_stays_in_trouble_loses_nothing_and_does_not_hold_up_the_end(
    journal: Journal, own_influx: Influx, caplog: pytest.LogCaptureFixture
) -> None:
    add(journal, 0, 5)
    with Copier(journal.path, sink_to(own_influx, token="admin:wrong"), pauses=QUICK) as copier:
        until(lambda: copier.trouble)
        began_s = time.monotonic()
    assert time.monotonic() - began_s < QUICK.silent_s
    assert "401" in copier.trouble
    assert "copied at the next start" in caplog.text
    assert journal.cursor("influx") == 0
    with Copier(journal.path, sink_to(own_influx), pauses=QUICK):
        pass
    assert stored(own_influx) == 5 * 16


@pytest.mark.parametrize(
    "error",
    [JournalBusy(Path("n.sqlite"), 10.0), sqlite3.OperationalError("disk I/O error"), KeyError("unforeseen")],
)
def test_no_error_ends_the_copying(
    journal: Journal, influx: Influx, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    failures = iter([error, error])

    class Failing(InfluxSink):
        def step(self) -> Any:
            for failure in failures:
                raise failure
            return super().step()

    add(journal, 0, 5)
    with Copier(journal.path, partial(Failing, **sink_to(influx).keywords), pauses=QUICK) as copier:
        until(lambda: copier.trouble)
        assert type(error).__name__ in copier.trouble
        until(lambda: copier.lines == 5 * 16)
    assert copier.trouble == ""
    assert caplog.text.count(type(error).__name__) == 1


def test_a_journal_that_is_not_there_yet_is_waited_for(tmp_path: Path, influx: Influx) -> None:
    path = tmp_path / "later.sqlite"
    with Copier(path, sink_to(influx), pauses=QUICK) as copier:
        until(lambda: copier.trouble)
        with Journal.open(path) as journal:
            journal.commit([CLOCK])
            add(journal, 0, 3)
            until(lambda: copier.lines == 3 * 16)


@contextmanager
def black_hole() -> Iterator[str]:
    """A server that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_database_that_swallows_everything_does_not_hold_up_the_end(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    add(journal, 0, 5)
    pauses = Pauses(idle_s=0.02, failed_s=0.1, silent_s=0.5, end_s=1.0)
    with black_hole() as url:
        values: dict[str, Any] = {"url": url, "token": "t", "org": "o", "bucket": "b", "gateway": "gw"}
        with Copier(journal.path, partial(InfluxSink, **values, timeout_ms=8000), pauses=pauses):
            time.sleep(0.2)
            began_s = time.monotonic()
        assert time.monotonic() - began_s < 5.0
    assert "not everything was copied" in caplog.text
    (left,) = [t for t in threading.enumerate() if t.name == "influx"]
    left.join(20)
    assert not left.is_alive()


def night(folder: Path, number: int, packets: int) -> Journal:
    """A night that begins a day after the one before, with so many packets of its own."""
    journal = Journal.open(folder / f"journal-2026-03-{14 + number}.sqlite")
    begun_ns = number * 24 * 3600 * NS
    journal.commit([ClockRow(begun_ns, CLOCK.utc_ns + begun_ns, "b", "UTC")])
    rows = [segment_row(segment(1000 * number + i, t0_ns=begun_ns + i * NS)) for i in range(packets)]
    journal.commit(rows)
    return journal


def test_nights_that_still_owe_something_are_copied_first_and_a_new_night_is_followed(
    tmp_path: Path, influx: Influx
) -> None:
    for number in range(2):
        night(tmp_path, number, 5).close()
    with night(tmp_path, 2, 5) as newest, Copier(newest.path, sink_to(influx), pauses=QUICK) as copier:
        until(lambda: copier.lines == 15 * 16)
        newest.commit([segment_row(segment(2999, t0_ns=2 * 24 * 3600 * NS + 99 * NS))])
        night(tmp_path, 3, 5).close()
        until(lambda: copier.lines == 21 * 16)
    assert stored(influx) == 21 * 16
    with Journal.read_only(tmp_path / "journal-2026-03-17.sqlite") as last:
        assert last.cursor("influx") == 6


def test_an_old_night_that_cannot_be_read_is_passed_over_and_copied_when_it_can(
    tmp_path: Path, influx: Influx, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever read it is that fails, the look whether it owes anything or the copying."""
    monkeypatch.setattr("store.passing_over.AGAIN_S", 0.1)
    for number in range(2):
        night(tmp_path, number, 5).close()
    bad = {"journal-2026-03-14.sqlite": 1, "journal-2026-03-15.sqlite": 200}
    read = Journal.read

    def damaged(journal: Journal, *args: Any, limit: int = 200, **more: Any) -> object:
        if limit >= bad.get(journal.path.name, 1000):
            raise JournalDamaged(journal.path, "malformed")
        return read(journal, *args, limit=limit, **more)

    monkeypatch.setattr(Journal, "read", damaged)
    with night(tmp_path, 2, 5) as newest, Copier(newest.path, sink_to(influx), pauses=QUICK) as copier:
        until(lambda: copier.lines == 5 * 16)
        time.sleep(0.5)  # tried again some times
        assert caplog.text.count("passed over") == 2
        bad.clear()
        until(lambda: copier.lines == 15 * 16)
    assert copier.trouble == ""


def test_a_night_that_was_mended_is_copied_on_from_the_file_that_took_its_place(
    tmp_path: Path, influx: Influx
) -> None:
    path = tmp_path / "journal-2026-03-14.sqlite"
    with Journal.open(path) as journal:
        journal.commit([CLOCK])
        add(journal, 0, 5)
    with Copier(path, sink_to(influx), pauses=QUICK) as copier:
        until(lambda: copier.lines == 5 * 16)
        salvage(path)
        with Journal.open(path) as mended:
            add(mended, 5, 10)
        until(lambda: copier.lines == 10 * 16)
    assert stored(influx) == 10 * 16


def test_trouble_with_the_database_is_told_once_and_that_it_is_over(
    journal: Journal, own_influx: Influx
) -> None:
    said: list[tuple[str, str]] = []
    own_influx.server.kill_engine()
    with Copier(
        journal.path, sink_to(own_influx), pauses=QUICK, on_trouble=lambda *words: said.append(words)
    ) as copier:
        add(journal, 0, 10)
        until(lambda: copier.trouble)
        own_influx.server.start_engine()
        until(lambda: copier.lines == 10 * 16)
    assert {kind for kind, _ in said} == {"database"}
    assert said[-1] == ("database", "")
    assert [why for _, why in said].count("") == 1


def test_a_database_that_was_away_gets_hours_while_commits_go_on_as_before(
    tmp_path: Path, own_influx: Influx
) -> None:
    own_influx.server.kill_engine()
    with night(tmp_path, 0, 0) as old:
        old.commit([segment_row(segment(i, t0_ns=i * NS)) for i in range(4000)])
    with night(tmp_path, 1, 0) as journal:
        journal.commit([segment_row(segment(5000 + i, t0_ns=24 * 3600 * NS + i * NS)) for i in range(4000)])
        with Copier(journal.path, sink_to(own_influx), pauses=QUICK) as copier:
            until(lambda: copier.trouble)
            own_influx.server.start_engine()
            slowest_s, seq = 0.0, 9000
            while copier.lines < 8000 * 16:
                began_s = time.monotonic()
                journal.commit([segment_row(segment(seq, t0_ns=24 * 3600 * NS + seq * NS))])
                slowest_s = max(slowest_s, time.monotonic() - began_s)
                seq += 1
                time.sleep(0.05)
                assert seq < 9000 + 20 * PATIENCE_S
    assert slowest_s < 2.0
    assert stored(own_influx) == (8000 + seq - 9000) * 16
