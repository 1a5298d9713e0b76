"""How far receivers are behind the nights: also one that has taken nothing yet, over noon, and 0 where it has all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dsp.records import NS, ClockRow, Coverage, Delivery, Note, Usability
from lullwatch.settings import load
from lullwatch.sink_lag import Receiver, SinkLag, receivers_of
from store.cursors import Cursors
from store.journal import Journal
from store.rows import Row
from store.shelf import Shelf

MIN_NS = 60 * NS
MONDAY, TUESDAY = "journal-2026-03-16.sqlite", "journal-2026-03-17.sqlite"
DATABASE = Receiver("influx", ("coverage", "clock"), from_first=True)
BROKER = Receiver("mqtt-coverage", ("coverage",))


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with Shelf(tmp_path) as opened:
        yield opened


def write(folder: Path, night: str, minutes: int) -> None:
    """A night's clock row, so many minutes of coverage, and a note that is for nobody."""
    begin_ns = 24 * 3600 * NS * int(night[16:18])
    rows: list[Row] = [ClockRow(begin_ns, 1_773_662_400 * NS, "b", "UTC")]
    rows += [Coverage("kid", begin_ns + n * MIN_NS, MIN_NS, Usability.BLIND, (), ()) for n in range(minutes)]
    with Journal.open(folder / night) as journal:
        journal.commit([*rows, Note("kid", begin_ns, "note", "slept", "a1")])


def confirm(folder: Path, night: str, name: str, row: int) -> None:
    with closing(Cursors(Cursors.path_beside(folder / night))) as cursors:
        cursors.advance(name, row)


def test_a_receiver_that_never_took_anything_is_behind_by_all_there_is(tmp_path: Path, shelf: Shelf) -> None:
    lag = SinkLag(shelf, [DATABASE, BROKER])
    assert lag.rows() == {"influx": 0, "mqtt-coverage": 0}
    write(tmp_path, MONDAY, 500)
    assert lag.rows() == {"influx": 501, "mqtt-coverage": 501}
    assert not Cursors.path_beside(tmp_path / MONDAY).exists()


def test_what_the_last_night_owes_counts_after_noon_until_it_is_taken(tmp_path: Path, shelf: Shelf) -> None:
    lag = SinkLag(shelf, [DATABASE, BROKER])
    write(tmp_path, MONDAY, 500)
    confirm(tmp_path, MONDAY, "influx", 100)
    assert lag.rows() == {"influx": 401, "mqtt-coverage": 501}
    write(tmp_path, TUESDAY, 30)
    assert lag.rows() == {"influx": 401 + 31, "mqtt-coverage": 501 + 31}
    for night, row in ((MONDAY, 501), (TUESDAY, 31)):
        for receiver in (DATABASE, BROKER):
            confirm(tmp_path, night, receiver.name, row)
    assert lag.rows() == {"influx": 0, "mqtt-coverage": 0}


def test_who_has_all_that_is_for_it_is_not_behind_whatever_else_is_written(
    tmp_path: Path, shelf: Shelf
) -> None:
    write(tmp_path, MONDAY, 20)
    confirm(tmp_path, MONDAY, "influx", 21)
    with Journal.open(tmp_path / MONDAY) as journal:
        journal.commit([Delivery("alert-1", 1, n * NS, "ntfy", "raised") for n in range(9)])
    assert SinkLag(shelf, [DATABASE]).rows() == {"influx": 0}


def test_nights_before_the_broker_was_there_were_never_for_it_but_for_the_database(
    tmp_path: Path, shelf: Shelf
) -> None:
    write(tmp_path, MONDAY, 20)
    write(tmp_path, TUESDAY, 10)
    assert SinkLag(shelf, [DATABASE, BROKER]).rows() == {"influx": 21 + 11, "mqtt-coverage": 11}


@pytest.mark.parametrize(
    ("tables", "names"),
    [
        ("", []),
        ('[influx]\nurl = "http://localhost:8086"\ntoken_file = "t"\n', ["influx"]),
        ('[mqtt]\nhost = "localhost"\n', ["mqtt-alert", "mqtt-alert-event-state-coverage-link"]),
    ],
)
def test_every_receiver_that_the_settings_name_is_counted(
    tmp_path: Path, shelf: Shelf, tables: str, names: list[str]
) -> None:
    sensor = '[[infants.sensors]]\nsite = "LA"\naddress = "C0:FF:EE:00:00:01"\n'
    file = tmp_path / "lullwatch.toml"
    file.write_text(f'gateway = "g"\njournal_dir = "{tmp_path}"\n[[infants]]\nid = "a"\n{sensor}{tables}')
    (tmp_path / "t").write_text("secret")
    (tmp_path / "t").chmod(0o600)
    assert SinkLag(shelf, receivers_of(load(file))).rows() == dict.fromkeys(names, 0)
