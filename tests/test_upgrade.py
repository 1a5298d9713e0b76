"""What an earlier version wrote, this one opens, brings up to date, goes on with, copies, replays and forgets.

The files in tests/kept were written by the code of their day; docs/journal.md says how one is added.
"""

from __future__ import annotations

import lzma
import sqlite3
from pathlib import Path

import pytest

from dsp.records import NS, ClockRow, Label, Note, Tick, Watchfulness, Watching
from lullwatch.copies import back_up, restore
from lullwatch.nights import load
from lullwatch.replay import replay, told_lines
from lullwatch.settings import load as load_settings
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from store.forgetting import forget, trace_of
from store.journal import Journal
from store.rows import TABLES, FedRow, Row
from store.schema import SCHEMA_VERSION
from tests.kept.make_kept import SECONDS, SITES, batch

KEPT = Path(__file__).parent / "kept"
FILES = sorted(KEPT.glob("schema-*.sqlite.xz"))
NIGHT = "journal-2026-01-01.sqlite"
INFANTS = ("inf1", "kid2")


@pytest.fixture(params=FILES, ids=lambda path: path.name.partition(".")[0])
def night(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A kept journal, under the name that nights have."""
    (tmp_path / "journals").mkdir()
    path = tmp_path / "journals" / NIGHT
    path.write_bytes(lzma.decompress(request.param.read_bytes()))
    return path


def counted(path: Path) -> dict[str, int]:
    """Rows of each table, asked of SQLite and not of us."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        names = [
            n for (n,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'") if n in TABLES
        ]
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def read_whole(path: Path) -> list[tuple[int, Row]]:
    with Journal.read_only(path) as journal:
        return journal.read(limit=100_000)


def test_the_newest_schema_is_among_those_that_are_kept() -> None:
    assert f"schema-{SCHEMA_VERSION}.sqlite.xz" in [path.name for path in FILES], "see docs/journal.md"


def test_it_is_read_as_it_stands_without_being_changed(night: Path) -> None:
    before = night.read_bytes()
    rows = read_whole(night)
    assert len(rows) == sum(counted(night).values())
    assert night.read_bytes() == before


def test_it_is_brought_up_to_date_and_holds_what_it_held(night: Path) -> None:
    before, rows = counted(night), read_whole(night)
    Journal.open(night).close()
    with sqlite3.connect(night) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    after = counted(night)
    assert set(after) == set(TABLES)
    assert {name: n for name, n in after.items() if n} == {name: n for name, n in before.items() if n}
    assert [repr(row) for row in read_whole(night)] == [repr(row) for row in rows]


def test_every_sample_is_the_one_that_was_measured(night: Path) -> None:
    with Journal.read_only(night) as journal:
        for infant in INFANTS:
            measured = [row.segment for second in range(SECONDS) for row in batch(infant, second)]
            kept = list(journal.segments(infant))
            assert sorted(map(repr, kept)) == sorted(map(repr, measured))
            assert set(kept) == set(measured)


def test_it_replays_to_what_this_version_sees_in_it(night: Path, tmp_path: Path) -> None:
    newest = tmp_path / "newest.sqlite"
    newest.write_bytes(lzma.decompress(FILES[-1].read_bytes()))
    for as_arrived in (False, True):
        ours, theirs = (
            [replay(one).told for one in load(path, infant="inf1", as_arrived=as_arrived)]
            for path in (night, newest)
        )
        assert [told_lines(t.events, t.alerts) for t in ours] == [
            told_lines(t.events, t.alerts) for t in theirs
        ]
        assert any(event.label is Label.MOVEMENT for told in ours for event in told.events)


def test_the_monitor_goes_on_in_it(night: Path) -> None:
    at_ns = (SECONDS + 100) * NS
    with Journal.open(night) as journal:
        spine = Spine(journal, [Watch.of(infant, SITES, 100) for infant in INFANTS])
        spine.begin(ClockRow(at_ns, 1_767_290_700 * NS, "boot", "Europe/Berlin"))
        spine.take([Watching("inf1", at_ns, Watchfulness.PAUSED, at_ns + 60 * NS, "bath", "ann")])
        for second in range(0, 200, 10):
            ticks = [Tick(at_ns + (second + n) * NS) for n in range(10)]
            spine.take([FedRow(infant, tick) for tick in ticks for infant in INFANTS])
        spine.close()
        assert journal.coverage("inf1")[-1].t_ns > at_ns


def test_it_is_copied_and_put_back(night: Path, tmp_path: Path) -> None:
    rows = [repr(row) for row in read_whole(night)]
    back_up(night.parent, tmp_path / "copy")
    night.unlink()
    restore(tmp_path / "copy", night.parent)
    assert [repr(row) for row in read_whole(night)] == rows


def test_a_child_of_then_is_forgotten_and_the_other_is_not(night: Path) -> None:
    kept = [repr(row) for _, row in read_whole(night) if "kid2" in repr(row)]
    with Journal.open(night) as journal:
        journal.commit(
            [Watching("inf1", 0, Watchfulness.ARMED, by="ann"), Note("inf1", 0, "fed", "inf1", "ann")]
        )
    (night.parent / f"{night.stem}_inf1_clock.tsv").write_text("beside an EDF+")
    forget(night.parent, "inf1")
    assert trace_of(night.parent, [b"inf1"]) == []
    assert [repr(row) for _, row in read_whole(night) if "kid2" in repr(row)] == kept


@pytest.mark.parametrize("path", sorted(KEPT.glob("settings-*.toml")), ids=lambda path: path.stem)
def test_settings_of_then_are_understood(path: Path) -> None:
    settings = load_settings(path)
    assert settings.infants
    assert settings.mqtt is not None
