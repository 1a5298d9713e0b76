"""Old raw data goes by itself, what people were told stays, and a full disk stops nobody."""

from __future__ import annotations

import gzip
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from dsp.records import NS, ClockRow, Coverage, Delivery, Pin, Site, Tick, Usability
from lullwatch.keeper import Keeper, Keeping, TroubleOf, make_room
from store.journal import Journal
from store.retention import drop_raw, give_back
from store.rows import TABLES, FedRow
from store.sealing import seal, sealed_path
from tests.alert_makers import event
from tests.store_examples import segment, segment_row

DAY_NS = 24 * 3600 * NS
VECTORS = Path(__file__).parent / "vectors"


def night(folder: Path, number: int, *, packets: int = 300, zero_utc_ns: int = 0) -> Path:
    """A night `number` days in, a packet of raw data every minute, and what was told of it."""
    path, begun_ns = folder / f"journal-2026-03-{10 + number}.sqlite", number * DAY_NS
    with Journal.open(path) as journal:
        journal.commit([ClockRow(begun_ns, zero_utc_ns + begun_ns, "b", "UTC")])
        times = [begun_ns + i * 60 * NS for i in range(packets)]
        journal.commit([segment_row(segment(1000 * number + i, t0_ns=t)) for i, t in enumerate(times)])
        journal.commit([FedRow("kid", Tick(t)) for t in times])
        journal.put_snapshot("kid", journal.last_row, times[-1], b"x" * 5000)
        journal.commit([event(infant="kid", id=f"e{number}", onset_ns=times[60], end_ns=times[61])])
        journal.commit([Delivery(f"a{number}", 1, times[61], "mqtt", "published")])
        journal.commit([Coverage("kid", begun_ns, 60 * NS, Usability.USABLE, (), ((Site.LA, 1.0),))])
    return path


def raw(path: Path) -> list[int]:
    with Journal.read_only(path) as journal:
        return [s.seq for s in journal.segments("kid")]


def keeper(
    folder: Path, now_ns: int, *, free: list[int] | None = None, said: list[str] | None = None
) -> Keeper:
    left = free if free is not None else [10**12]
    heard: list[str] = [] if said is None else said
    return Keeper(
        folder,
        Keeping(raw_days=2, min_free_bytes=1000),
        now_ns=lambda: now_ns,
        on_trouble=heard.append,
        free_bytes=lambda: left[0],
    )


def work(it: Keeper) -> int:
    steps = 0
    while it.step():
        steps += 1
    return steps


def test_raw_data_older_than_is_kept_goes_and_everything_told_stays(tmp_path: Path) -> None:
    paths = [night(tmp_path, number) for number in range(4)]
    sizes = [path.stat().st_size for path in paths]
    work(keeper(tmp_path, 4 * DAY_NS))
    assert [len(raw(path)) for path in paths] == [0, 0, 300, 300]
    assert paths[0].stat().st_size < 0.65 * sizes[0]
    with Journal.read_only(paths[0]) as journal:
        assert [e.id for e in journal.events("kid")] == ["e0"]
        assert len(journal.deliveries()) == len(journal.coverage()) == len(journal.clock_rows()) == 1
        assert journal.newest_snapshot("kid") is None
        assert list(journal.items("kid")) == []


def test_what_is_pinned_stays_with_the_ticks_beside_it(tmp_path: Path) -> None:
    path = night(tmp_path, 0)
    with Journal.amend(path) as journal:
        journal.commit([Pin("kid", 60 * 60 * NS, 70 * 60 * NS, "e0"), Pin("twin", 0, DAY_NS, "")])
    work(keeper(tmp_path, 9 * DAY_NS))
    assert raw(path) == list(range(60, 71))
    with Journal.read_only(path) as journal:
        assert len(list(journal.items("kid"))) == 22


def test_a_step_takes_little_and_begins_with_the_oldest(tmp_path: Path) -> None:
    path = night(tmp_path, 0)
    with Journal.amend(path) as journal:
        step = drop_raw(journal, before_ns=DAY_NS, rows=50)
    assert (step.rows, step.oldest_ns) == (50, 0)
    assert raw(path) == list(range(50, 300))


def test_the_writer_goes_on_while_old_rows_go(tmp_path: Path) -> None:
    path = night(tmp_path, 0)
    with Journal.open(path) as writer, Journal.amend(path) as beside:
        while drop_raw(beside, before_ns=100 * 60 * NS, rows=10).rows:
            row = writer.commit([FedRow("kid", Tick(DAY_NS))]).rows[0]
            assert row is not None
    assert raw(path) == list(range(100, 300))


def test_looking_for_what_may_go_waits_for_no_writer_and_holds_none_up(tmp_path: Path) -> None:
    path = night(tmp_path, 0)
    with Journal.amend(path) as writer, Journal.amend(path) as beside, writer.amending():
        assert drop_raw(beside, before_ns=0).rows == 0


def test_what_is_pinned_after_it_was_found_and_before_it_goes_stays(tmp_path: Path) -> None:
    path = night(tmp_path, 0)
    pin = Pin("kid", 0, 30 * 60 * NS, "e0")
    with Journal.amend(path) as writer, Journal.amend(path) as beside, ThreadPoolExecutor(1) as other:
        with writer.amending() as db:
            gone = other.submit(drop_raw, beside, before_ns=DAY_NS, rows=50)
            time.sleep(0.5)  # by now it has found its rows, and waits
            db.execute(TABLES["pin"].insert, (writer.last_row + 1, *TABLES["pin"].pack(pin)))
        assert gone.result().rows == 19
    assert raw(path) == [*range(31), *range(50, 300)]


def test_a_night_too_young_to_hold_anything_old_is_not_even_opened(tmp_path: Path) -> None:
    path, now_ns = night(tmp_path, 9), [9 * DAY_NS]
    it = Keeper(tmp_path, Keeping(raw_days=2), now_ns=lambda: now_ns[0], free_bytes=lambda: 10**12)
    it.step()
    with closing(sqlite3.connect(path, isolation_level=None)) as alone:
        alone.execute("PRAGMA journal_mode = DELETE")
        alone.execute("BEGIN EXCLUSIVE")  # outside of WAL not even a reader gets past it
        now_ns[0] += DAY_NS // 2
        assert not it.step()
    now_ns[0] = 12 * DAY_NS
    work(it)
    assert raw(path) == []


def test_a_file_of_the_first_schema_is_thinned_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal-2026-03-14.sqlite"
    path.write_bytes(gzip.decompress((VECTORS / "journal-schema-1.sqlite.gz").read_bytes()))
    work(keeper(tmp_path, 99 * DAY_NS))
    with Journal.read_only(path) as journal:
        assert list(journal.segments("kid")) == []
        assert len(journal.events("kid")) == 2
    while give_back(path):
        pass


def test_when_the_disk_runs_full_the_oldest_raw_data_goes_first_and_somebody_is_told(tmp_path: Path) -> None:
    paths = [night(tmp_path, number) for number in range(3)]
    free, said = [900], []
    it = keeper(tmp_path, 2 * DAY_NS + 300 * 60 * NS, free=free, said=said)
    it.step()
    assert "the oldest raw data goes" in said[-1]
    assert len(raw(paths[0])) < 300 == len(raw(paths[1]))
    free[0] = 1100
    it.step()
    assert said[-1] != ""  # a little more than the least is not enough to be well
    free[0] = 5000
    it.step()
    assert said[-1] == ""
    assert len(raw(paths[2])) == 300


def test_on_a_full_disk_the_last_hour_stays_and_that_nothing_may_go_is_said(tmp_path: Path) -> None:
    path = night(tmp_path, 0)
    said: list[str] = []
    now_ns = 300 * 60 * NS
    it = keeper(tmp_path, now_ns, free=[10], said=said)
    work(it)
    assert raw(path) == list(range(240, 300))
    assert "no raw data that may go" in said[-1]
    with Journal.read_only(path) as journal:
        assert len(journal.events("kid")) == len(journal.coverage()) == 1


def test_a_sealed_copy_keeps_nothing_that_its_night_lets_go_and_goes_first_on_a_full_disk(
    tmp_path: Path,
) -> None:
    paths = [night(tmp_path, number) for number in range(2)]
    for path in paths:
        seal(path)
    work(keeper(tmp_path, 3 * DAY_NS))
    assert [sealed_path(path).exists() for path in paths] == [False, True]
    keeper(tmp_path, DAY_NS, free=[10]).step()
    assert not sealed_path(paths[1]).exists()
    assert len(raw(paths[1])) == 300


def test_the_reserve_is_held_while_there_is_room_and_let_go_first(tmp_path: Path) -> None:
    night(tmp_path, 0)
    free = [10**12]
    it = keeper(tmp_path, 0, free=free)
    it.step()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 8_000_000
    assert (tmp_path / "reserve").stat().st_mode & 0o077 == 0
    free[0] = 10
    it.step()
    assert not (tmp_path / "reserve").exists()


def test_a_start_without_room_lets_go_of_the_reserve_and_then_of_copies_one_by_one(tmp_path: Path) -> None:
    paths = [night(tmp_path, number) for number in range(2)]
    for path in paths:
        seal(path)
    (tmp_path / "reserve").write_bytes(b"0")
    left = []
    while make_room(tmp_path):
        left.append((tmp_path / "reserve").exists() + sum(sealed_path(path).exists() for path in paths))
    assert left == [2, 1, 0]


def test_a_damaged_old_night_is_mended_and_holds_up_nothing(tmp_path: Path) -> None:
    paths = [night(tmp_path, number, packets=2000) for number in range(2)]
    whole = bytearray(paths[0].read_bytes())
    for page in range(20, len(whole) // 4096, 7):
        whole[page * 4096 : page * 4096 + 4096] = b"\xff" * 4096
    paths[0].write_bytes(whole)
    work(keeper(tmp_path, 9 * DAY_NS))
    assert raw(paths[0]) == raw(paths[1]) == []
    assert list(tmp_path.glob("*.damaged-1"))


@pytest.mark.parametrize("free", [10**12, 10])
def test_an_old_night_that_cannot_give_its_room_back_holds_up_nothing(tmp_path: Path, free: int) -> None:
    paths = [night(tmp_path, number, packets=3000) for number in range(2)]
    it = keeper(tmp_path, 9 * DAY_NS, free=[free])
    assert it.step()  # some of the first has gone, its room is given back next
    paths[0].rename(tmp_path / "elsewhere")
    paths[0].mkdir()
    work(it)
    assert raw(paths[1]) == []


def test_an_old_night_whose_free_pages_are_damaged_is_salvaged_and_thinned(tmp_path: Path) -> None:
    paths = [night(tmp_path, number, packets=3000) for number in range(2)]
    it = keeper(tmp_path, 9 * DAY_NS)
    it.step()
    whole = bytearray(paths[0].read_bytes())
    whole[32:36] = b"\xff" * 4  # the header says where the first free page is
    paths[0].write_bytes(whole)
    work(it)
    assert raw(paths[0]) == raw(paths[1]) == []
    assert list(tmp_path.glob("*.damaged-1"))


def test_an_old_night_that_somebody_holds_is_left_for_later_and_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.database.BUSY_TIMEOUT_S", 0.05)
    paths, now_ns = [night(tmp_path, number) for number in range(2)], [9 * DAY_NS]
    it = Keeper(tmp_path, Keeping(raw_days=2), now_ns=lambda: now_ns[0], free_bytes=lambda: 10**12)
    with Journal.amend(paths[0]) as held, held.amending():
        work(it)
    assert [len(raw(path)) for path in paths] == [300, 0]
    now_ns[0] += 3600 * NS
    work(it)
    assert raw(paths[0]) == []


def test_a_damaged_night_that_cannot_be_salvaged_holds_up_nothing(tmp_path: Path) -> None:
    paths = [night(tmp_path, number) for number in range(2)]
    paths[0].write_bytes(b"no journal at all" * 1000)
    (paths[0].with_suffix(".lock")).unlink()
    (paths[0].with_suffix(".lock")).mkdir()
    work(keeper(tmp_path, 9 * DAY_NS))
    assert raw(paths[1]) == []


def test_a_thread_does_it_by_itself_and_ends_when_told(tmp_path: Path) -> None:
    from tests.servers_fixtures import until

    path = night(tmp_path, 0)
    night(tmp_path, 1)
    with keeper(tmp_path, 9 * DAY_NS):
        until(lambda: raw(path) == [])


def test_what_nobody_expected_is_told_and_the_next_step_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.servers_fixtures import until

    monkeypatch.setattr("lullwatch.keeper._LOOK_EVERY_S", 0.01)
    said: list[str] = []
    at_ns = iter([None])

    def now_ns() -> int:
        return next(at_ns, 9 * DAY_NS) + 0  # type: ignore[operator] # the first one is wrong on purpose

    path = night(tmp_path, 0)
    night(tmp_path, 1)
    with Keeper(
        tmp_path, Keeping(raw_days=2), now_ns=now_ns, on_trouble=said.append, free_bytes=lambda: 10**12
    ):
        until(lambda: raw(path) == [])
    assert any("TypeError" in why for why in said)
    assert said[-1] == ""


YEARS_NS = 5 * 365 * DAY_NS
FIRST_UTC_NS = 1_800_000_000 * NS


class Started:
    """A computer that kept two nights and then started again; its clock is what a test makes of it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, jump_ns: int) -> None:
        self.folder = folder
        self.paths = [night(folder, number, zero_utc_ns=FIRST_UTC_NS) for number in range(2)]
        self.now = ClockRow(DAY_NS + 300 * 60 * NS + jump_ns, 0, "second", "UTC")
        self.at(0, wrong_ns=jump_ns)
        self.set: bool | None = False
        monkeypatch.setattr("lullwatch.ages.set_over_network", lambda: self.set)

    def at(self, passed_ns: int, *, wrong_ns: int = 0) -> None:
        """So much has truly passed since the start; so much is the clock ahead."""
        self.ran_ns = passed_ns
        self.wrong_ns = wrong_ns

    def row(self) -> ClockRow:
        true_ns = DAY_NS + 300 * 60 * NS + self.ran_ns
        return ClockRow(
            self.now.t_ns + self.ran_ns, FIRST_UTC_NS + true_ns + self.wrong_ns, self.now.boot, "UTC"
        )

    def noted(self) -> None:
        with Journal.amend(self.paths[-1]) as journal:
            journal.commit([self.row()])

    def kept(self) -> list[int]:
        """What a keeper that begins now leaves."""
        it = Keeper(
            self.folder,
            Keeping(raw_days=3),
            now_ns=lambda: self.row().t_ns,
            free_bytes=lambda: 10**12,
            read_clock=self.row,
        )
        work(it)
        return [len(raw(path)) for path in self.paths]


def test_a_clock_that_comes_up_years_ahead_makes_nothing_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    host = Started(tmp_path, monkeypatch, jump_ns=YEARS_NS)
    assert host.kept() == [300, 300]
    assert "went on by 1825.2 days over a start" in caplog.text
    host.noted()
    host.at(3600 * NS, wrong_ns=YEARS_NS)
    assert host.kept() == [300, 300], "nor does a start within the same boot"
    host.at(2 * 3600 * NS)
    host.set = True
    host.noted()
    assert host.kept() == [300, 300], "nor does the network that sets it right"
    host.now = ClockRow(host.now.t_ns + 3600 * NS, 0, "third", "UTC")
    assert host.kept() == [300, 300], "nor does the start after that"


def test_what_has_really_passed_makes_data_old_also_behind_a_clock_that_came_up_years_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Started(tmp_path, monkeypatch, jump_ns=YEARS_NS)
    host.noted()
    host.at(2 * DAY_NS, wrong_ns=YEARS_NS)
    assert host.kept() == [0, 300]
    host.at(4 * DAY_NS, wrong_ns=YEARS_NS)
    assert host.kept() == [0, 0]


@pytest.mark.parametrize(("set_by_network", "left"), [(False, 300), (None, 300), (True, 0)])
def test_a_long_time_off_makes_data_old_once_the_clock_is_known_to_be_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_by_network: bool | None, left: int
) -> None:
    host = Started(tmp_path, monkeypatch, jump_ns=50 * DAY_NS)
    host.at(50 * DAY_NS)
    host.now = ClockRow(host.now.t_ns - 50 * DAY_NS, 0, "second", "UTC")
    host.set = set_by_network
    assert host.kept() == [left, left]


def test_what_is_taken_away_is_logged_once_a_night_and_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "lullwatch.keeper")
    paths = [night(tmp_path, number) for number in range(2)]
    work(keeper(tmp_path, 3 * DAY_NS))
    assert [record.getMessage() for record in caplog.records] == [
        f"raw data of {paths[0]} goes: it is older than 2 days",
        f"601 rows of raw data of {paths[0]} went",
    ]


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_one_kind_of_trouble_is_told_once_and_is_over_when_all_are_well(order: tuple[str, str]) -> None:
    told: list[tuple[str, str]] = []
    both = TroubleOf("disk", lambda *words: told.append(words))
    both.say("a", "full")
    both.say("b", "failing")
    for part in order:
        both.say(part, "")
    assert told == [("disk", "full"), ("disk", "")]
