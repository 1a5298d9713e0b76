"""A backup is whole whatever is committed meanwhile, and a restore puts back exactly that."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.records import NS, ClockRow, Note, Tick
from lullwatch.__main__ import main
from lullwatch.copies import NightsStay, back_up, restore
from lullwatch.errors import NothingRecorded, SameFolder
from store.backup import Copied, copy_night
from store.errors import (
    CopyIsAnother,
    CopyIsNewer,
    JournalDamaged,
    JournalFailing,
    JournalFull,
    JournalInUse,
    NightIsAnother,
    NightIsNewer,
)
from store.forgetting import forget
from store.journal import Journal
from store.kinship import one_night
from store.retention import drop_raw
from store.rows import FedRow, Row
from store.salvage import salvage
from tests.store_examples import segment, segment_row
from tests.test_shelf import NIGHTS, night, three


def rows(path: Path) -> list[int]:
    with Journal.read_only(path) as journal:
        return [row for row, _ in journal.read(limit=100_000)]


def test_a_backup_taken_while_the_monitor_writes_is_of_one_moment(tmp_path: Path) -> None:
    path = night(tmp_path, NIGHTS[0], 0, 3)
    with Journal.open(path) as journal:
        journal.commit([segment_row(segment(i)) for i in range(6000)])
        ending = threading.Event()

        def write() -> None:
            seq = 5000
            while not ending.is_set():
                journal.commit([segment_row(segment(seq)), segment_row(segment(seq + 1))])
                seq += 2

        writer = threading.Thread(target=write)
        writer.start()
        shares: list[float] = []
        (tmp_path / "to").mkdir()
        done = copy_night(path, tmp_path / "to", on_progress=shares.append)
        ending.set()
        writer.join()
        assert journal.last_row >= done.rows >= 6004
    assert rows(done.path) == list(range(1, done.rows + 1))
    assert done.rows % 2 == 0  # two rows a commit: none was cut in half
    assert len(shares) > 1
    assert sum(shares) == pytest.approx(1.0)


def test_a_second_backup_copies_only_what_has_changed(tmp_path: Path) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    three(folder)
    assert [c.was_there for c in back_up(folder, dest)] == [False] * 3
    with Journal.open(folder / NIGHTS[2]) as journal:
        journal.commit([FedRow("kid", Tick(99))])
    assert [c.was_there for c in back_up(folder, dest)] == [True, True, False]
    assert sorted(p.name for p in dest.glob("*.part*")) == []


def test_what_was_restored_is_what_was_backed_up_with_its_cursors(tmp_path: Path) -> None:
    folder, dest, back = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    folder.mkdir()
    three(folder)
    with Journal.amend(folder / NIGHTS[1]) as journal:
        journal.advance("influx", 3)
    back_up(folder, dest)
    restore(dest, back)
    assert [rows(back / name) for name in NIGHTS] == [rows(folder / name) for name in NIGHTS]
    with Journal.open(back / NIGHTS[1]) as journal:
        assert journal.cursor("influx") == 3
        assert journal.commit([FedRow("kid", Tick(7))]).rows == (5,)


def test_a_restore_takes_no_row_away_unless_told_to(tmp_path: Path) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    path = night(folder, NIGHTS[0], 0, 2)
    back_up(folder, dest)
    with Journal.open(path) as journal:
        journal.commit([FedRow("kid", Tick(9))])
    with pytest.raises(NightIsNewer, match="1 rows that this copy does not"):
        restore(dest, folder)
    assert len(rows(path)) == 4
    restore(dest, folder, replace=True)
    assert len(rows(path)) == 3


def test_a_restore_under_a_running_monitor_is_refused(tmp_path: Path) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    path = night(folder, NIGHTS[0], 0, 2)
    back_up(folder, dest)
    with Journal.open(path) as journal:
        journal.commit([FedRow("kid", Tick(9))])
        with pytest.raises(JournalInUse):
            restore(dest, folder, replace=True)


def test_a_damaged_copy_is_not_put_back(tmp_path: Path) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    with Journal.open(night(folder, NIGHTS[0], 0, 2)) as journal:
        journal.commit([segment_row(segment(i)) for i in range(2000)])
    (copy,) = back_up(folder, dest)
    whole = bytearray(copy.path.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096
    whole[middle : middle + 4096] = b"\xff" * 4096
    copy.path.write_bytes(whole)
    before = rows(folder / NIGHTS[0])
    with pytest.raises(JournalDamaged):
        restore(dest, folder, replace=True)
    assert rows(folder / NIGHTS[0]) == before


def notes(path: Path) -> list[str]:
    with Journal.read_only(path) as journal:
        return [note.text for note in journal.notes("kid")]


def written(folder: Path, name: str, boot: str, count: int) -> Path:
    """A night of a gateway of its own, with so many notes."""
    folder.mkdir(exist_ok=True)
    begun_ns = len(boot) * NS
    with Journal.open(folder / name) as journal:
        journal.commit([ClockRow(begun_ns, 10**18 + begun_ns, boot, "UTC")])
        journal.commit([Note("kid", begun_ns + k, "note", f"{boot} {k}", "") for k in range(count)])
    return folder / name


@pytest.mark.parametrize("count", [2, 5, 9])
def test_a_night_of_another_gateway_or_disk_is_never_replaced_and_all_others_are_copied(
    tmp_path: Path, count: int
) -> None:
    folder, dest, new = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    for name in NIGHTS[:2]:
        written(folder, name, "before", 5)
    back_up(folder, dest)
    there = written(new, NIGHTS[0], "the-other", count)
    with pytest.raises(NightsStay, match="not of the same recording") as restored:
        restore(dest, new)
    assert [type(error) for error in restored.value.stay] == [NightIsAnother]
    assert notes(there) == [f"the-other {k}" for k in range(count)]
    assert notes(new / NIGHTS[1]) == [f"before {k}" for k in range(5)]
    (new / NIGHTS[1]).unlink()
    with pytest.raises(CopyIsAnother):
        back_up(new, dest)
    assert notes(dest / NIGHTS[0]) == [f"before {k}" for k in range(5)]
    restore(dest, new, replace=True)
    assert notes(there) == [f"before {k}" for k in range(5)]


def test_a_copy_that_holds_more_than_the_night_is_not_replaced(tmp_path: Path) -> None:
    folder, dest, back = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    written(folder, NIGHTS[0], "x", 3)
    back_up(folder, dest)
    restore(dest, back)
    with Journal.open(folder / NIGHTS[0]) as journal:
        journal.commit([Note("kid", 99, "note", "later", "")])
    back_up(folder, dest)
    with pytest.raises(CopyIsNewer, match="1 rows that the night does not"):
        back_up(back, dest)
    assert notes(dest / NIGHTS[0])[-1] == "later"


def test_what_went_on_from_an_earlier_copy_is_another_recording_from_there_on(tmp_path: Path) -> None:
    folder, dest, back = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    written(folder, NIGHTS[0], "x", 3)
    back_up(folder, dest)
    restore(dest, back)
    for place, word, count in ((folder, "died", 700), (back, "went on", 900)):
        with Journal.open(place / NIGHTS[0]) as journal:
            journal.commit([ClockRow(50, 10**18, word, "UTC")])
            journal.commit([Note("kid", 99 + k, "note", word, "") for k in range(count)])
    assert not back_up(folder, dest)[0].was_there
    with pytest.raises(CopyIsAnother):
        back_up(back, dest)
    assert notes(dest / NIGHTS[0])[-1] == "died"


def test_a_night_stays_the_same_when_raw_data_went_or_an_infant_was_forgotten(tmp_path: Path) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    with Journal.open(written(folder, NIGHTS[0], "x", 3)) as journal:
        journal.commit([segment_row(segment(i)) for i in range(300)])
        journal.commit([Note("other", 7, "note", "stays", "")])
        back_up(folder, dest)
        drop_raw(journal, before_ns=10**18)
    forget(folder, "kid")
    assert back_up(folder, dest)[0].was_there
    with Journal.open(folder / NIGHTS[0]) as journal:
        journal.commit([Note("other", 8, "note", "later", "")])
    assert not back_up(folder, dest)[0].was_there


def test_what_a_copy_holds_and_the_night_has_lost_is_still_in_it_when_it_is_brought_up_to_date(
    tmp_path: Path,
) -> None:
    folder, dest, back = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    path = written(folder, NIGHTS[0], "x", 3)
    with Journal.open(path) as journal:
        journal.commit([segment_row(segment(i)) for i in range(300)])
        journal.put_snapshot("kid", 304, 5, b"spoiled")
        back_up(folder, dest)
        drop_raw(journal, before_ns=10**18, rows=200)
        journal.commit([segment_row(segment(300)), Note("kid", 99, "note", "later", "")])
        journal.put_snapshot("kid", 306, 6, b"good", instead_behind_ns=0)
        journal.advance("influx", 306)
    (done,) = back_up(folder, dest)
    assert (done.rows, done.was_there) == (308, False)
    assert rows(done.path) == [*range(1, 305), 306, 307]
    assert back_up(folder, dest)[0].was_there
    restore(dest, back)
    with Journal.open(back / NIGHTS[0]) as journal:
        snapshot = journal.newest_snapshot("kid")
        assert snapshot is not None
        assert (snapshot.state, journal.cursor("influx")) == (b"good", 306)
        assert journal.commit([Note("kid", 100, "note", "on", "")]).last_row == 309


def test_a_night_that_was_damaged_and_salvaged_takes_nothing_from_its_copy(tmp_path: Path) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    path = written(folder, NIGHTS[0], "x", 3)
    with Journal.open(path) as journal:
        journal.commit([segment_row(segment(i)) for i in range(2000)])
    back_up(folder, dest)
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096
    whole[middle : middle + 40_960] = b"\xff" * 40_960
    path.write_bytes(whole)
    salvage(path)
    with Journal.open(path) as journal:
        lost = sorted(set(range(2000)) - {s.seq for s in journal.segments("kid")})
        assert len(lost) > 10
        journal.commit(
            [segment_row(segment(i)) for i in (*lost[::2], *range(2000, 2100))]
        )  # a sock sends some again
    (done,) = back_up(folder, dest)
    with Journal.read_only(done.path) as journal:
        assert sorted(s.seq for s in journal.segments("kid")) == list(range(2100))


def test_a_damaged_night_is_replaced_when_told_to(tmp_path: Path) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    path = written(folder, NIGHTS[0], "x", 300)
    back_up(folder, dest)
    for broken in (path.read_bytes()[:4096] + b"\xff" * 20_000, b"no journal" * 1000):
        path.write_bytes(broken)
        with pytest.raises(JournalDamaged):
            restore(dest, folder)
        restore(dest, folder, replace=True)
        assert len(notes(path)) == 300


@given(
    split=st.integers(0, 8),
    here=st.integers(0, 8),
    there=st.integers(0, 8),
    told=st.lists(st.sampled_from("tnc"), min_size=16, max_size=16),
)
@settings(max_examples=12)
def test_two_files_are_one_night_exactly_when_one_is_the_beginning_of_the_other(
    split: int, here: int, there: int, told: list[str]
) -> None:
    def row(at: int, branch: int) -> Row:
        kinds: dict[str, Row] = {
            "t": FedRow("kid", Tick(at)),
            "n": Note("kid", at, "note", str(branch), ""),
            "c": ClockRow(at, at, str(branch), "UTC"),
        }
        return kinds[told[at]] if not branch else kinds["c" if told[at] == "t" else told[at]]

    with TemporaryDirectory() as name:
        paths = []
        for branch, length in ((1, here), (2, there)):
            paths.append(Path(name) / f"{branch}.sqlite")
            with Journal.open(paths[-1]) as journal:
                journal.commit([row(at, 0) for at in range(split)])
                journal.commit([row(split + at, branch) for at in range(length)])
        assert one_night(*paths) == one_night(*reversed(paths)) == (min(here, there) == 0)


@contextmanager
def no_file_above(n_bytes: int) -> Iterator[None]:
    """Nothing longer can be written by this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [100_000, 1_000_000])
def test_a_copy_that_does_not_fit_leaves_what_was_there_as_it_was(tmp_path: Path, room: int) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    with Journal.open(night(folder, NIGHTS[0], 0, 2)) as journal:
        journal.advance("influx", 2)
        journal.set_aside("influx", 2, "400", b"x" * 200)
        back_up(folder, dest)
        journal.commit([segment_row(segment(i)) for i in range(6000)])
        journal.advance("influx", 5000)
    before = {path.name: path.read_bytes() for path in dest.iterdir()}
    with no_file_above(room), pytest.raises(JournalFailing):
        back_up(folder, dest)
    assert {path.name: path.read_bytes() for path in dest.iterdir() if path.suffix != ".lock"} == before
    there = night(tmp_path, NIGHTS[0], 0, 1)
    with no_file_above(room), pytest.raises(JournalFailing):
        restore(folder, tmp_path, replace=True)
    assert rows(there) == [1, 2]
    assert list(tmp_path.glob("*.part*")) == []
    assert len(rows(back_up(folder, dest)[0].path)) == 6003


def test_a_log_that_is_still_read_is_not_played_into_the_night_that_is_put_back(tmp_path: Path) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    path = night(folder, NIGHTS[0], 0, 2)
    back_up(folder, dest)
    with Journal.read_only(path) as page:
        assert page.last_row == 3
        with Journal.open(path) as journal:
            journal.commit([segment_row(segment(i)) for i in range(500)])
        restore(dest, folder, replace=True)
        assert len(rows(path)) == 3
    with Journal.open(path) as journal:
        journal.commit([FedRow("kid", Tick(99))])
    assert rows(path) == [1, 2, 3, 4]


def test_copies_need_something_to_copy_and_another_folder(tmp_path: Path) -> None:
    with pytest.raises(NothingRecorded):
        back_up(tmp_path, tmp_path / "b")
    three(tmp_path)
    with pytest.raises(SameFolder):
        back_up(tmp_path, tmp_path)


def test_the_commands_say_what_they_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    three(folder)
    assert main(["backup", str(dest), "--journals", str(folder)]) == 0
    said = capsys.readouterr().out
    assert said.count("copied     ") == 3
    assert f"Backed up: 3 nights in {dest}, each read through; 3 copied now, 0 unchanged." in said
    assert "Not in it: the settings file, passwords, and who may look at the pages." in said
    assert main(["backup", str(dest), "--journals", str(folder)]) == 0
    assert "0 copied now, 3 unchanged." in capsys.readouterr().out
    assert main(["restore", str(dest), "--to", str(tmp_path / "c"), "--json"]) == 0
    assert '"rows": 4' in capsys.readouterr().out
    (tmp_path / "c" / NIGHTS[0]).unlink()
    assert main(["restore", str(dest), "--to", str(tmp_path / "c")]) == 0
    assert f"Put back: 1 night into {tmp_path / 'c'}; 2 were there already." in capsys.readouterr().out
    assert main(["backup", str(dest), "--journals", str(tmp_path / "nowhere")]) == 2
    assert "no journal here" in capsys.readouterr().err


def test_what_fails_is_said_with_what_is_left_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, dest = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    three(folder)
    (tmp_path / "file").touch()
    assert main(["backup", str(tmp_path / "file" / "b"), "--journals", str(folder)]) == 2
    said = capsys.readouterr().err
    assert "no folder can be made there (Not a directory). Nothing was copied." in said
    assert "--out" not in said
    assert main(["restore", str(tmp_path / "nothing"), "--to", str(folder)]) == 2
    assert "there is no backup in it. Nothing was changed." in capsys.readouterr().err

    def full(night: Path, into: Path, *, on_progress: object) -> Copied:
        if night.name == NIGHTS[1]:
            raise JournalFull(into)
        return copy_night(night, into)

    monkeypatch.setattr("lullwatch.copies.copy_night", full)
    assert main(["backup", str(dest), "--journals", str(folder)]) == 2
    said = capsys.readouterr().err
    assert f"no room left for {NIGHTS[1]}; what was there of it before stays. 1 of 3 nights are done." in said
