"""The shelf of nights: nothing that is due is skipped, whichever night it stands in."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from dsp.records import NS, ClockRow, Tick
from store.errors import JournalDamaged, JournalFailing
from store.journal import Journal
from store.rows import FedRow
from store.shelf import Place, Reader, Shelf

NIGHTS = ("journal-2026-03-14.sqlite", "journal-2026-03-15.sqlite", "journal-2026-03-16.sqlite")


def night(folder: Path, name: str, begun_ns: int, ticks: int) -> Path:
    """A journal with a clock row and so many ticks."""
    with Journal.open(folder / name) as journal:
        journal.commit([ClockRow(begun_ns, begun_ns, "b", "UTC")])
        journal.commit([FedRow("kid", Tick(begun_ns + i)) for i in range(ticks)])
    return folder / name


def three(folder: Path) -> None:
    for number, name in enumerate(NIGHTS):
        night(folder, name, number * NS, 3)


def drained(reader: Reader, *, limit: int = 2) -> list[Place]:
    """Everything that is due, each confirmed."""
    places: list[Place] = []
    while rows := reader.rows(limit):
        places += [place for place, _ in rows]
        reader.confirm(rows[-1][0])
    return places


def test_rows_due_in_older_nights_come_first_and_each_once(tmp_path: Path) -> None:
    three(tmp_path)
    with Shelf(tmp_path) as shelf:
        reader = shelf.reader("influx", tables=("tick",), from_first=True)
        assert drained(reader) == [Place(name, row) for name in NIGHTS for row in (2, 3, 4)]
        assert drained(reader) == []


def test_what_was_not_confirmed_is_handed_out_again_also_after_a_restart(tmp_path: Path) -> None:
    three(tmp_path)
    with Shelf(tmp_path) as shelf:
        reader = shelf.reader("mqtt", tables=("tick",), from_first=True)
        first = reader.rows(2)
        assert reader.rows(2) == first
        reader.confirm(first[0][0])
    with Shelf(tmp_path) as shelf:
        rest = drained(shelf.reader("mqtt", tables=("tick",)))
        assert rest == [Place(name, row) for name in NIGHTS for row in (2, 3, 4)][1:]


def test_an_earlier_night_that_cannot_be_read_is_passed_over_and_the_newest_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(tmp_path)
    real, bad = Journal.read, {NIGHTS[1]}

    def damaged(journal: Journal, *args: Any, **more: Any) -> object:
        if journal.path.name in bad:
            raise JournalDamaged(journal.path, "malformed")
        return real(journal, *args, **more)

    monkeypatch.setattr(Journal, "read", damaged)
    with Shelf(tmp_path) as shelf:
        assert len(list(shelf.newest_rows(("tick",), nights=2))) == 3
        bad.add(NIGHTS[2])
        with pytest.raises(JournalDamaged):
            list(shelf.newest_rows(("tick",), nights=2))


def test_a_receiver_that_is_new_begins_with_the_newest_night_and_then_follows_every_one(
    tmp_path: Path,
) -> None:
    three(tmp_path)
    with Shelf(tmp_path) as shelf:
        reader = shelf.reader("mqtt", tables=("tick",))
        assert [p.night for p in drained(reader)] == [NIGHTS[2]] * 3
        night(tmp_path, "journal-2026-03-17.sqlite", 3 * NS, 1)
        assert drained(reader) == [Place("journal-2026-03-17.sqlite", 2)]
    with Shelf(tmp_path) as shelf:
        assert drained(shelf.reader("mqtt", tables=("tick",))) == []


def test_a_receiver_that_was_never_reached_is_owed_its_first_night_also_after_a_restart(
    tmp_path: Path,
) -> None:
    three(tmp_path)
    with Shelf(tmp_path) as shelf:
        assert shelf.reader("mqtt", tables=("tick",)).rows()  # nothing of it could be delivered
    night(tmp_path, "journal-2026-03-17.sqlite", 3 * NS, 1)
    with Shelf(tmp_path) as shelf:
        owed = [p.night for p in drained(shelf.reader("mqtt", tables=("tick",)))]
    assert owed == [NIGHTS[2]] * 3 + ["journal-2026-03-17.sqlite"]


def test_rows_that_come_to_the_old_night_until_the_new_one_begins_are_not_skipped(tmp_path: Path) -> None:
    path = night(tmp_path, NIGHTS[0], 0, 2)
    with Shelf(tmp_path) as shelf:
        reader = shelf.reader("mqtt", tables=("tick",))
        assert len(drained(reader)) == 2
        with Journal.open(path) as journal:
            journal.commit([FedRow("kid", Tick(99))])
        night(tmp_path, NIGHTS[1], NS, 1)
        assert drained(reader) == [Place(NIGHTS[0], 4), Place(NIGHTS[1], 2)]


def test_a_night_taken_off_the_shelf_takes_nothing_of_the_others_with_it(tmp_path: Path) -> None:
    three(tmp_path)
    with Shelf(tmp_path) as shelf:
        reader = shelf.reader("influx", tables=("tick",), from_first=True)
        reader.confirm(reader.rows(1)[0][0])
    for file in tmp_path.glob("journal-2026-03-14*"):
        file.unlink()
    with Shelf(tmp_path) as shelf:
        rest = drained(shelf.reader("influx", tables=("tick",), from_first=True))
    assert rest == [Place(name, row) for name in NIGHTS[1:] for row in (2, 3, 4)]


def test_nights_are_in_the_order_they_were_recorded_also_when_the_clock_was_set_back(tmp_path: Path) -> None:
    night(tmp_path, "journal-2036-01-01.sqlite", 0, 1)
    night(tmp_path, "journal-2026-03-14-2.sqlite", NS, 1)
    night(tmp_path, "journal-2026-03-15.sqlite", 2 * NS, 1)
    with Shelf(tmp_path) as shelf:
        assert [p.name[8:12] for p in shelf.nights()] == ["2036", "2026", "2026"]


def test_what_was_told_before_a_start_is_known_again_from_this_night_and_the_last(tmp_path: Path) -> None:
    three(tmp_path)
    with Shelf(tmp_path) as shelf:
        reader = shelf.reader("mqtt", tables=("tick",), from_first=True)
        drained(reader)
        assert [p for p, _ in reader.confirmed(("tick",))] == [
            Place(name, row) for name in NIGHTS[1:] for row in (2, 3, 4)
        ]


def test_what_a_receiver_refuses_stays_beside_its_night(tmp_path: Path) -> None:
    three(tmp_path)
    with Shelf(tmp_path) as shelf:
        reader = shelf.reader("influx", tables=("tick",), from_first=True)
        reader.set_aside(Place(NIGHTS[1], 3), "400", b"line")
        assert [(d.row, d.body) for d in reader.dead_letters()] == [(3, b"line")]


def spoilt(folder: Path, name: str, begun_ns: int, ticks: int) -> None:
    """A night whose last page of ticks is damaged; its beginning can be read."""
    path = night(folder, name, begun_ns, ticks)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'tick'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    kept = bytearray(path.read_bytes())
    kept[(root - 1) * size : root * size] = bytes([0xA5]) * size
    path.write_bytes(kept)


def test_an_old_night_with_a_damaged_page_holds_up_nothing_of_those_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    three(tmp_path)
    whole = (tmp_path / NIGHTS[0]).read_bytes()
    (tmp_path / NIGHTS[0]).unlink()
    spoilt(tmp_path, NIGHTS[0], 0, 3)
    monkeypatch.setattr("store.passing_over.AGAIN_S", 0.0)
    with Shelf(tmp_path) as shelf:
        assert len(shelf.nights()) == 3
        reader = shelf.reader("mqtt", tables=("tick",), from_first=True)
        assert drained(reader) == [Place(name, row) for name in NIGHTS[1:] for row in (2, 3, 4)]
        assert caplog.text.count("passed over") == 1
        (tmp_path / "mended").write_bytes(whole)
        (tmp_path / "mended").replace(tmp_path / NIGHTS[0])
        assert drained(reader) == [Place(NIGHTS[0], row) for row in (2, 3, 4)]


def test_the_newest_night_is_not_passed_over_when_it_cannot_be_read(tmp_path: Path) -> None:
    three(tmp_path)
    spoilt(tmp_path, "journal-2026-03-17.sqlite", 3 * NS, 3)
    with Shelf(tmp_path) as shelf:
        reader = shelf.reader("mqtt", tables=("tick",), from_first=True)
        with pytest.raises(JournalDamaged):
            drained(reader)


def test_what_was_told_in_a_night_that_cannot_be_read_any_more_is_not_known_and_holds_up_nobody(
    tmp_path: Path,
) -> None:
    three(tmp_path)
    with Shelf(tmp_path) as shelf:
        drained(shelf.reader("mqtt", tables=("tick",), from_first=True))
    (tmp_path / NIGHTS[1]).unlink()
    spoilt(tmp_path, NIGHTS[1], NS, 3)
    with Shelf(tmp_path) as shelf:
        assert [place.night for place, _ in shelf.reader("mqtt", tables=("tick",)).confirmed()] == [
            NIGHTS[2]
        ] * 3


def rubbish(path: Path, *, begin: int = 0) -> None:
    """What a power cut leaves of a file: its length, and from some place on nothing that means anything."""
    kept = path.read_bytes()
    path.write_bytes(kept[:begin] + bytes([0xA5]) * (len(kept) - begin))


@pytest.mark.parametrize("begin", [0, 4096], ids=["whole", "behind its first page"])
def test_a_damaged_cursor_file_is_set_aside_and_everything_sent_once_more(
    tmp_path: Path, begin: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = night(tmp_path, NIGHTS[0], 0, 3)
    beside = tmp_path / "journal-2026-03-14.cursors.sqlite"
    with Shelf(tmp_path) as shelf:
        assert len(drained(shelf.reader("mqtt", tables=("tick",)))) == 3
    rubbish(beside, begin=begin)
    for due in (3, 0):
        with Shelf(tmp_path) as shelf:
            again = shelf.reader("mqtt", tables=("tick",))
            assert len(drained(again)) == due
            again.set_aside(Place(path.name, 3), "no number", b"v=nan")
            assert len(again.dead_letters()) == 1
    assert caplog.text.count("begun anew") == 1
    assert (tmp_path / f"{beside.name}.damaged-1").exists()
    assert beside.stat().st_mode & 0o077 == 0


def test_a_cursor_file_that_is_damaged_while_it_is_used_is_begun_anew_and_nothing_is_sent_twice(
    tmp_path: Path,
) -> None:
    night(tmp_path, NIGHTS[0], 0, 3)
    beside = tmp_path / "journal-2026-03-14.cursors.sqlite"
    with Shelf(tmp_path) as shelf:
        reader = shelf.reader("mqtt", tables=("tick",))
        first = reader.rows(1)
        reader.confirm(first[0][0])
        with sqlite3.connect(beside) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        rubbish(beside)
        assert len(drained(reader)) == 2
    with Shelf(tmp_path) as shelf:
        assert drained(shelf.reader("mqtt", tables=("tick",))) == []


def test_a_damaged_cursor_file_on_a_disk_that_takes_nothing_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(tmp_path, NIGHTS[0], 0, 3)
    beside = tmp_path / "journal-2026-03-14.cursors.sqlite"
    beside.write_bytes(bytes([0xA5]) * 8192)

    def refused(_: Path) -> Path:
        raise OSError(errno.EROFS, "read-only")

    with Shelf(tmp_path) as shelf:
        reader = shelf.reader("mqtt", tables=("tick",))
        with monkeypatch.context() as disk:
            disk.setattr("store.cursors.set_aside", refused)
            for _ in range(2):
                with pytest.raises(JournalDamaged, match="cursors"):
                    reader.rows()
        assert len(drained(reader)) == 3


@pytest.mark.parametrize("name", ["night.sqlite", "j.sqlite"])
def test_a_journal_with_a_name_of_its_own_is_a_shelf_of_its_own(tmp_path: Path, name: str) -> None:
    three(tmp_path)
    path = night(tmp_path, name, 9 * NS, 1)
    with Shelf.around(path) as shelf:
        assert shelf.nights() == [path]
    with Shelf.around(tmp_path / NIGHTS[0]) as shelf:
        assert [p.name for p in shelf.nights()] == list(NIGHTS)


def test_a_thousand_nights_are_not_looked_at_with_every_row_but_a_new_one_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(tmp_path)
    os.utime(tmp_path, ns=(0, 10**18))
    looks: list[str] = []
    plain = Shelf._begun_ns

    def looked(shelf: Shelf, path: Path, *, is_last: bool = False) -> int | None:
        looks.append(path.name)
        return plain(shelf, path, is_last=is_last)

    monkeypatch.setattr(Shelf, "_begun_ns", looked)
    with Shelf(tmp_path) as shelf:
        for _ in range(50):
            assert len(shelf.nights()) == 3
            os.utime(tmp_path, ns=(0, 10**18))  # reading opens files beside the journals
        assert len(looks) <= 6
        night(tmp_path, "journal-2026-03-17.sqlite", 3 * NS, 1)
        assert len(shelf.nights()) == 4


def test_a_file_that_is_begun_later_is_seen_then(tmp_path: Path) -> None:
    path = tmp_path / NIGHTS[0]
    path.touch()
    with Shelf(tmp_path) as shelf:
        assert shelf.nights() == []
        night(tmp_path, NIGHTS[0], 0, 1)
        assert shelf.nights() == [path]


def test_an_old_night_that_cannot_be_opened_is_passed_over_said_once_and_looked_at_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(tmp_path)
    monkeypatch.setattr("store.shelf.AGAIN_S", 0.0)
    unopened = tmp_path / "journal-2026-03-13.sqlite"
    unopened.mkdir()  # also root cannot open it
    with Shelf(tmp_path) as shelf:
        for _ in range(3):
            assert [p.name for p in shelf.nights()] == list(NIGHTS)
        assert shelf.damaged() == []
        assert drained(shelf.reader("mqtt", tables=("tick",)))
        night(tmp_path, "journal-2026-03-17.sqlite", 3 * NS, 1)
        assert len(shelf.nights()) == 4
        assert caplog.text.count("this night is passed over") == 1
        unopened.rmdir()
        night(tmp_path, unopened.name, -NS, 1)
        assert shelf.nights()[0] == unopened


def test_a_night_that_can_be_opened_again_comes_back_though_nothing_in_the_folder_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, disk = tmp_path / "nights", tmp_path / "disk"
    for made in (folder, disk / "away"):
        made.mkdir(parents=True)
    night(disk / "away", NIGHTS[0], 0, 1)
    night(folder, NIGHTS[1], NS, 1)
    (folder / NIGHTS[0]).symlink_to(disk / NIGHTS[0])
    (disk / NIGHTS[0]).mkdir()
    monkeypatch.setattr("store.shelf.AGAIN_S", 0.2)
    with Shelf(folder) as shelf:
        os.utime(folder, ns=(0, 10**18))
        assert len(shelf.nights()) == 1
        os.utime(folder, ns=(0, 10**18))  # opening a night changes the folder
        (disk / NIGHTS[0]).rmdir()
        (disk / "away" / NIGHTS[0]).rename(disk / NIGHTS[0])
        assert len(shelf.nights()) == 1
        time.sleep(0.25)
        assert len(shelf.nights()) == 2


def test_an_old_night_that_can_be_opened_again_is_handed_to_nobody_who_never_began_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.shelf.AGAIN_S", 0.0)
    three(tmp_path)
    unopened = [tmp_path / name for name in NIGHTS[:2]]
    with Shelf(tmp_path) as shelf:
        drained(shelf.reader("known", tables=("tick",), from_first=True), limit=1)
    for path in unopened:
        path.rename(tmp_path / f"kept-{path.name}")
        path.mkdir()
    with Shelf(tmp_path) as shelf:
        new, known = (shelf.reader(name, tables=("tick",)) for name in ("new", "known"))
        assert len(drained(new)) == 3
        assert drained(known) == []
        for path in unopened:
            path.rmdir()
            (tmp_path / f"kept-{path.name}").rename(path)
        with Journal.open(unopened[1]) as journal:
            journal.commit([FedRow("kid", Tick(99))])
        night(tmp_path, "journal-2026-03-17.sqlite", 3 * NS, 1)
        assert drained(new) == [Place("journal-2026-03-17.sqlite", 2)]
        assert drained(known) == [Place(NIGHTS[1], 5), Place("journal-2026-03-17.sqlite", 2)]


def test_the_newest_night_is_looked_for_again_after_it_could_not_be_opened(tmp_path: Path) -> None:
    path = night(tmp_path, NIGHTS[0], 0, 1)
    path.rename(tmp_path / "kept")
    path.touch()
    with Shelf(tmp_path) as shelf:
        os.utime(tmp_path, ns=(0, 10**18))
        assert shelf.nights() == []
        path.unlink()
        path.mkdir()
        os.utime(tmp_path, ns=(0, 10**18))
        with pytest.raises(JournalFailing):
            shelf.nights()
        path.rmdir()
        (tmp_path / "kept").rename(path)
        os.utime(tmp_path, ns=(0, 10**18))
        assert shelf.nights() == [path]


def test_the_newest_night_is_not_passed_over_when_it_cannot_be_opened(tmp_path: Path) -> None:
    three(tmp_path)
    (tmp_path / "journal-2026-03-17.sqlite").mkdir()
    with Shelf(tmp_path) as shelf, pytest.raises(JournalFailing, match="2026-03-17"):
        shelf.newest()


def test_a_night_seen_before_its_first_row_is_not_taken_for_the_oldest(tmp_path: Path) -> None:
    three(tmp_path)
    with Shelf(tmp_path) as shelf, Journal.open(tmp_path / "journal-2026-03-17.sqlite") as begun:
        assert shelf.newest() == tmp_path / NIGHTS[-1]
        begun.commit([ClockRow(3 * NS, 3 * NS, "b", "UTC")])
        assert shelf.newest() == begun.path


def test_the_nights_of_a_span_are_those_that_hold_it_and_the_one_in_which_late_data_stands(
    tmp_path: Path,
) -> None:
    three(tmp_path)
    with Shelf(tmp_path) as shelf:

        def names(onset_ns: int, end_ns: int) -> tuple[str, ...]:
            return tuple(path.name for path in shelf.nights_of(onset_ns, end_ns))

        assert names(0, NS // 2) == NIGHTS[:2]
        assert names(NS // 2, NS + 1) == NIGHTS
        assert names(NS + 1, NS + 2) == NIGHTS[1:]
        assert names(9 * NS, 10 * NS) == NIGHTS[2:]
