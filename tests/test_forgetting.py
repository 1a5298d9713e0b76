"""Whoever is forgotten is in no byte of any file; whoever else was there loses nothing."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsp.records import (
    NS,
    Alert,
    ClockRow,
    Config,
    Coverage,
    Delivery,
    LinkSample,
    Note,
    Opinion,
    Pin,
    Severity,
    Site,
    Tick,
    Usability,
)
from lullwatch.__main__ import main
from store import database, forgetting
from store.errors import JournalBusy, JournalInUse, StillThere
from store.forgetting import forget, trace_of
from store.journal import Carried, Journal
from store.rows import FedRow, LinkRow, Row
from store.sealing import seal, sealed_path
from tests.store_examples import event, segment, segment_row

GONE, STAYS = "zoe-7f3a", "max-11d0"
NAMES = ("journal-2026-03-14.sqlite", "journal-2026-03-15.sqlite")


def of(infant: str, number: int) -> list[Row]:
    """Rows of every kind, each with something of the infant's own in it."""
    t_ns = number * NS
    alert = Alert(
        f"alert-{infant}-{number}", 1, Severity.URGENT, infant, t_ns, "p", f"e-{infant}-{number}", 0, NS, 3, "r@1",
        f"words about {infant}", {},
    )  # fmt: skip
    return [
        *(segment_row(segment(1000 * number + i, sensor=f"s-{infant}"), infant) for i in range(40)),
        FedRow(infant, Tick(t_ns)),
        event(f"e-{infant}-{number}", infant=infant),
        alert,
        Delivery(alert.id, 1, t_ns, "mqtt", "published", f"to {infant}"),
        Note(infant, t_ns, "note", f"{infant} slept", "p"),
        Opinion(infant, f"e-{infant}-{number}", t_ns, "p", "caregiver", "movement", f"{infant} kicked"),
        Pin(infant, 0, NS, f"e-{infant}-{number}"),
        Coverage(infant, t_ns, 60 * NS, Usability.USABLE, (), ((Site.LA, 1.0),)),
        LinkRow(infant, LinkSample(Site.LA, f"s-{infant}", t_ns, "streaming", 1, 0, 0, 80, -60, 0.1)),
        Config(t_ns, "digest", f'{{"infant":"{infant}","sites":["LA"]}}'),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(NAMES):
        carried = [Carried(i, NS, "earlier", 1, f"state of {i}".encode() * 50) for i in (GONE, STAYS)]
        with Journal.begin(tmp_path / name, [ClockRow(number * NS, NS, "b", "UTC")], carried) as journal:
            for infant in (GONE, STAYS):
                rows = (
                    [r for r in of(infant, number) if not isinstance(r, FedRow)]
                    if number
                    else of(infant, number)
                )
                journal.commit(rows)
                journal.put_snapshot(infant, journal.last_row, NS, f"{infant} snapshot".encode() * 100)
                journal.set_aside("influx", journal.last_row, "400", f"imu,infant={infant} x=1".encode())
                journal.advance("influx", journal.last_row)
        seal(tmp_path / name)
    (tmp_path / "journal-2026-03-14.sqlite.damaged-1").write_bytes(b"..." + GONE.encode())
    (tmp_path / f"journal-2026-03-14_{GONE}.edf").write_bytes(b"samples")
    return tmp_path


def kept(path: Path, infant: str) -> list[str]:
    with Journal.read_only(path) as journal:
        rows = [repr(row) for _, row in journal.read(limit=10_000) if infant in repr(row)]
        return [*rows, repr(journal.newest_snapshot(infant)), repr(journal.carried(infant))]


def test_no_byte_of_any_file_speaks_of_who_was_forgotten(folder: Path) -> None:
    with Journal.open(folder / NAMES[1]) as journal:
        journal.commit(of(GONE, 7))  # some of it is only in the log yet
    assert trace_of(folder, [GONE.encode()])
    forget(folder, GONE)
    assert trace_of(folder, [GONE.encode(), f"e-{GONE}".encode()]) == []
    with Journal.read_only(folder / NAMES[1]) as journal:
        assert journal.infants() == [STAYS]


def test_what_people_asked_and_were_told_about_it_goes_too_also_in_the_next_night(folder: Path) -> None:
    asked = '{"infant":"%s","asked":"mute","by":"anna"}'
    with Journal.open(folder / NAMES[1]) as journal:
        for infant in (GONE, STAYS):
            journal.commit(
                [
                    Delivery(f"command-{infant}-m1", 1, 5 * NS, "mqtt", "command", asked % infant),
                    Delivery(f"summary-{infant}-2026-03-14", 1, 5 * NS, "mqtt", "published", "2026-03-14"),
                    Delivery(f"alert-{infant}-0", 1, 5 * NS, "mqtt", "acknowledged", '{"by":"anna"}'),
                ]
            )
    forget(folder, GONE)
    with Journal.read_only(folder / NAMES[1]) as journal:
        left = [row.alert_id for row in journal.deliveries()]
    assert [i for i in left if GONE in i] == []
    assert {f"command-{STAYS}-m1", f"summary-{STAYS}-2026-03-14", f"alert-{STAYS}-0"} <= set(left)


def test_samples_are_gone_from_free_pages_too(tmp_path: Path) -> None:
    path = tmp_path / NAMES[0]
    mine, other = segment_row(segment(5), GONE), segment_row(segment(6, site=Site.RA), STAYS)
    with Journal.open(path) as journal:
        journal.commit([ClockRow(0, 0, "b", "UTC"), mine, other])
    forget(tmp_path, GONE)
    assert trace_of(tmp_path, [mine.segment.counts.tobytes()[:64]]) == []
    assert trace_of(tmp_path, [other.segment.counts.tobytes()[:64]]) == [path]


def test_others_in_the_same_files_keep_every_row_state_and_cursor(folder: Path) -> None:
    before = [kept(folder / name, STAYS) for name in NAMES]
    with Journal.read_only(folder / NAMES[0]) as journal:
        cursor = journal.cursor("influx")
    forget(folder, GONE)
    assert [kept(folder / name, STAYS) for name in NAMES] == before
    with Journal.open(folder / NAMES[0]) as journal:
        assert journal.cursor("influx") == cursor
        assert [d.body for d in journal.dead_letters("influx")] == [f"imu,infant={STAYS} x=1".encode()]
        assert journal.commit(of(STAYS, 9)).last_row > cursor


def test_copies_beside_the_nights_go_too(folder: Path) -> None:
    done = forget(folder, GONE)
    assert not sealed_path(folder / NAMES[0]).exists()
    assert not list(folder.glob("*.damaged-*"))
    assert not list(folder.glob("*.edf"))
    assert {f.suffix for f in done.files} >= {".npz", ".edf"}


def test_a_night_that_held_nobody_else_goes_whole(tmp_path: Path) -> None:
    with Journal.open(tmp_path / NAMES[0]) as journal:
        journal.commit([ClockRow(0, 0, "b", "UTC"), *of(GONE, 0)])
        journal.advance("influx", 3)
    forget(tmp_path, GONE)
    assert list(tmp_path.iterdir()) == []


def test_while_a_monitor_runs_nothing_is_taken_away(folder: Path) -> None:
    with Journal.open(folder / NAMES[1]), pytest.raises(JournalInUse):
        forget(folder, GONE)
    with Journal.read_only(folder / NAMES[0]) as journal:
        assert GONE in journal.infants()


_IDS = (
    "a", "b", "sqlite", "sealed", "journal", "part", "damaged-1", "event", "infant", "clock", "movement", "2026",
    "baby", "baby2", "a-baby", "note", "cursors", "lock", "snapshot",
)  # fmt: skip
_THEIR_OWN = (
    "vitamin_{}.pdf",
    "film.part1.mp4",
    "holiday.damaged-1.jpg",
    "{}.txt",
    "sub-01_{}_events.tsv.gz",
)
_EXPORTED = ("{}.edf", "{}_events.tsv", "{}_run-2.edf", "{}_night.png")


@given(ids=st.lists(st.sampled_from(_IDS), min_size=2, max_size=2, unique=True))
@example(ids=["sqlite", "b"])
@example(ids=["baby", "baby2"])
@example(ids=["a", "a-baby"])
@settings(max_examples=6)
def test_whatever_the_ids_are_only_what_is_the_infants_goes(ids: list[str]) -> None:
    gone, stays = ids
    with TemporaryDirectory() as name:
        folder = Path(name)
        with Journal.open(folder / NAMES[0]) as journal:
            journal.commit([ClockRow(NS, NS, "x", "UTC")])
            for infant in ids:
                last = journal.commit(of(infant, 0)[-9:]).last_row
                for word in (
                    f"infant={infant},id=e x=1",
                    f'{{\\"infant\\":\\"{infant}\\"}}',
                    f"T(infant='{infant}', 1)",
                ):
                    journal.set_aside("influx", last + 5000, f"400 {word}", f"event,{word}".encode())
        own = {pattern.format(i) for pattern in _THEIR_OWN for i in ids}
        exported = {i: {f"{NAMES[0][:-7]}_{end.format(i)}" for end in _EXPORTED} for i in ids}
        for file in (*own, *exported[gone], *exported[stays]):
            (folder / file).write_bytes(b"0")
        forget(folder, gone)
        with Journal.read_only(folder / NAMES[0]) as journal:
            rows = [row for _, row in journal.read(limit=100)]
        assert rows == [ClockRow(NS, NS, "x", "UTC"), *of(stays, 0)[-9:]]
        there = {path.name for path in folder.iterdir()}
        assert own | exported[stays] <= there
        assert not exported[gone] & there
        with Journal.open(folder / NAMES[0]) as journal:
            letters = [letter.body.decode() for letter in journal.dead_letters("influx")]
        assert len(letters) == 3
        assert all(stays in letter for letter in letters)


def test_before_it_asks_it_names_every_file_that_goes_whole(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "my-film.part1.mp4").touch()
    (folder / f"{NAMES[0][:-7]}.part").touch()
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    assert main(["forget", GONE, "--journals", str(folder)]) == 2
    said = capsys.readouterr().out
    for file in (f"{NAMES[0][:-7]}_{GONE}.edf", f"{NAMES[0]}.damaged-1", f"{NAMES[0][:-7]}.part"):
        assert f"deleted whole: {file}" in said
        assert (folder / file).exists()
    assert "my-film" not in said


def test_a_file_that_still_speaks_of_it_is_named(folder: Path) -> None:
    (folder / "my-notes.txt").write_text(f"about {GONE}")
    with pytest.raises(StillThere, match=r"my-notes\.txt"):
        forget(folder, GONE)


@pytest.mark.parametrize("ends_in", ["_empty_log", "_delete", "trace_of"])
def test_a_forgetting_that_was_cut_short_is_gone_on_with_to_the_last_byte(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ends_in: str
) -> None:
    class CutShortError(Exception):
        pass

    def cut_short(*_: object) -> None:
        raise CutShortError

    before = kept(folder / NAMES[1], STAYS)
    with monkeypatch.context() as patched:
        patched.setattr(forgetting, ends_in, cut_short)
        with pytest.raises(CutShortError):
            forget(folder, GONE)
    assert trace_of(folder, [GONE.encode()])
    assert main(["forget", GONE, "--journals", str(folder), "--yes"]) == 0
    assert "none speaks of this infant any more" in capsys.readouterr().out
    assert trace_of(folder, [GONE.encode(), f"e-{GONE}".encode()]) == []
    assert not list(folder.glob("*.damaged-*"))
    assert kept(folder / NAMES[1], STAYS) == before


def test_a_file_that_spoke_of_it_and_was_taken_away_lets_the_next_run_end_well(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = folder / "my-notes.txt"
    notes.write_text(f"about {GONE}")
    assert main(["forget", GONE, "--journals", str(folder), "--yes"]) == 2
    assert "my-notes.txt still speaks of" in capsys.readouterr().err
    notes.unlink()
    assert main(["forget", GONE, "--journals", str(folder), "--yes"]) == 0
    assert trace_of(folder, [GONE.encode()]) == []
    assert main(["forget", GONE, "--journals", str(folder), "--yes"]) == 2
    assert "knows infant" in capsys.readouterr().err


@pytest.mark.parametrize("gone", [GONE, "a"])
def test_trouble_of_the_gateway_that_names_its_link_goes_too(tmp_path: Path, gone: str) -> None:
    def trouble(number: int, detail: str) -> Alert:
        facts = {"detail": detail, "why": f"{detail}: KeyError"}
        return Alert(
            f"t-{number}", 1, Severity.TECHNICAL, "", NS, "service", None, NS, NS, 0, "r", "words", facts
        )  # fmt: skip

    with Journal.open(tmp_path / NAMES[0]) as journal:
        of_both = [trouble(1, f"link {gone} LA la"), trouble(2, f"link {STAYS} LA la"), trouble(3, "board")]
        journal.commit([ClockRow(0, 0, "b", "UTC"), *of(gone, 0), *of(STAYS, 0), *of_both])
    forget(tmp_path, gone)
    with Journal.read_only(tmp_path / NAMES[0]) as journal:
        assert [a.id for a in journal.alerts("")] == ["t-2", "t-3"]


def test_while_somebody_reads_on_it_is_not_said_that_nothing_is_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.2)
    with closing(sqlite3.connect(folder / NAMES[0], isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM segment LIMIT 1").fetchall()
        with pytest.raises((StillThere, JournalBusy)):
            forget(folder, GONE)
    forget(folder, GONE)
    assert trace_of(folder, [GONE.encode()]) == []


SETTINGS = """
gateway = "home"
journal_dir = "."

[[people]]  # {0} is on her list
id = "anna"
infants = ["{0}", "{1}"]

[[infants]]
id = "{0}"

[[infants]]
id = "{1}"
"""


@pytest.mark.parametrize("gone", [GONE, "a"])
def test_settings_beside_the_nights_are_kept_and_named_while_they_speak_of_it(
    tmp_path: Path, gone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "lullwatch.toml"
    settings.write_text(SETTINGS.format(gone, STAYS))
    (tmp_path / "garden.toml").write_text("trees = 2")

    def forgotten(*words: str) -> str:
        with Journal.open(tmp_path / NAMES[0]) as journal:
            journal.commit([ClockRow(0, 0, "b", "UTC"), *of(gone, 0), *of(STAYS, 0)])
        assert main(["forget", gone, "--journals", str(tmp_path), "--yes", *words]) == 0
        return capsys.readouterr().out

    said = forgotten()
    assert f"  {settings} still does: take [[infants]] {gone}, and whatever else names it, out of it" in said
    assert "garden" not in said
    assert json.loads(forgotten("--json"))["still_in"] == [str(settings)]
    assert settings.read_text() == SETTINGS.format(gone, STAYS)
    settings.write_text(SETTINGS.format("other", STAYS))
    said = forgotten()
    assert "none speaks of this infant any more." in said
    assert "still does" not in said


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('[[schedule]]\ninfants = ["a"]', True),
        ("[[infants]]\nid = 'a'\nsensors = [", True),  # somebody is amid writing it
        ('\ufeff[[infants]]\nid = "a"', True),
        ('infants = "a"', False),
        ('[[infants]]\nid = "a-baby"', False),
        ('[[people]]\nid = "a"', False),
    ],
)
def test_settings_name_a_short_id_where_it_stands_as_an_infants(
    tmp_path: Path, text: str, names: bool
) -> None:
    with Journal.open(tmp_path / NAMES[0]) as journal:
        journal.commit([ClockRow(0, 0, "b", "UTC"), *of("a", 0)])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "s.toml").write_text(text, encoding="utf-8")
    assert forget(tmp_path, "a").settings == ([tmp_path / "mine" / "s.toml"] if names else [])


def test_it_asks_first_and_says_what_it_cannot_reach(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    assert main(["forget", GONE, "--journals", str(folder)]) == 2
    assert "nothing was changed" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{GONE}\n"))
    assert main(["forget", GONE, "--journals", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "InfluxDB" in said
    assert "backup" in said
    assert main(["forget", GONE, "--journals", str(folder), "--yes"]) == 2
    assert "knows infant" in capsys.readouterr().err


def test_an_infant_is_taken_out_of_a_backup_by_the_same_command(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = tmp_path / "usb"
    assert main(["backup", str(backup), "--journals", str(folder)]) == 0
    (backup / NAMES[1]).unlink()
    (backup / NAMES[1].replace(".sqlite", ".cursors.sqlite")).unlink()
    capsys.readouterr()
    assert main(["forget", GONE, "--journals", str(backup), "--yes"]) == 0
    said = capsys.readouterr().out
    assert "rows of 1 night;" in said
    assert f"lullwatch forget {GONE} --journals FOLDER" in said
    assert trace_of(backup, [GONE.encode()]) == []
    with Journal.read_only(backup / NAMES[0]) as journal:
        assert journal.notes(STAYS)
