"""What people say of nights that no monitor writes any more."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest

from dsp.records import NS, ClockRow
from lullwatch.afterwards import command_afterwards
from lullwatch.errors import NothingRecorded
from lullwatch.web.session import Role
from store.database import claimed_for
from store.errors import JournalFull, JournalInUse
from store.journal import Journal
from store.rows import Row
from store.schema import SCHEMA_VERSION
from store.sealing import seal, sealed_night
from tests.archive_maker import BEGIN_NS, KID, NIGHT, SERIES, UTC_0_NS, ZONE, make_archive
from tests.page_rig import site_at, visitors

VECTORS = Path(__file__).parent / "vectors"


async def test_a_word_a_note_and_a_pin_go_into_the_newest_night(tmp_path: Path) -> None:
    make_archive(tmp_path)
    later = tmp_path / "journal-2026-03-15.sqlite"
    with Journal.begin(later, [ClockRow(90_000 * NS, UTC_0_NS + 90_000 * NS, "b", ZONE)]):
        pass
    for name, body in (
        ("opinion", {"event": SERIES, "label": "rocking"}),
        ("note", {"text": "it was hot that night", "facts": {}}),
        ("pin", {"event": SERIES}),
    ):
        assert (await command_afterwards(tmp_path, KID, name, {"by": "rita", **body}))["ok"]
    with Journal.read_only(later) as journal, Journal.read_only(tmp_path / NIGHT) as before:
        assert [o.by for o in journal.opinions_of(SERIES)] == ["rita"]
        assert [n.text for n in journal.notes(KID)] == ["it was hot that night"]
        assert [pin.event_id for pin in before.pins(KID)] == [SERIES]  # beside the raw data that it keeps


async def test_the_rules_are_those_of_commands(tmp_path: Path) -> None:
    make_archive(tmp_path)
    for name, body in (
        ("opinion", {"event": "e-nobody", "label": "rocking"}),
        ("opinion", {"event": SERIES, "label": "lovely"}),
        ("note", {"kind": "fever", "facts": {"celsius": 100}}),
        ("nonsense", {}),
    ):
        answer = await command_afterwards(tmp_path, KID, name, {"by": "rita", **body})
        assert not answer["ok"]
        assert answer["remedy"]
    assert not (await command_afterwards(tmp_path, "sib", "note", {"by": "rita", "text": "x"}))["ok"]


async def test_what_is_written_is_placed_in_time_after_what_was_recorded(tmp_path: Path) -> None:
    make_archive(tmp_path)
    await command_afterwards(tmp_path, KID, "note", {"by": "rita", "text": "x"})
    with Journal.read_only(tmp_path / NIGHT) as journal:
        [*_, note] = journal.notes(KID)
    assert note.t_ns > BEGIN_NS + 240 * NS


@pytest.mark.parametrize("name", ["note", "opinion"])
async def test_nothing_is_written_beside_somebody_who_is_at_the_night_and_afterwards_it_is(
    tmp_path: Path, name: str
) -> None:
    make_archive(tmp_path)
    body = {"by": "rita"} | ({"text": "x"} if name == "note" else {"event": SERIES, "label": "rocking"})
    with Journal.open(tmp_path / NIGHT) as journal:  # a monitor whose socket is not there yet
        before = journal.last_row
        with pytest.raises(JournalInUse):
            await command_afterwards(tmp_path, KID, name, body)
        assert journal.last_row == before
    assert (await command_afterwards(tmp_path, KID, name, body))["ok"]
    with claimed_for(tmp_path / NIGHT):
        pass  # and it leaves no claim behind


async def test_two_people_at_once_and_a_sealed_night_lose_nothing(tmp_path: Path) -> None:
    make_archive(tmp_path)
    seal(tmp_path / NIGHT)
    said = [command_afterwards(tmp_path, KID, "note", {"by": "rita", "text": f"{n}"}) for n in range(8)]
    assert all(answer["ok"] for answer in await asyncio.gather(*said))
    with Journal.read_only(tmp_path / NIGHT) as journal:
        assert {f"{n}" for n in range(8)} < {note.text for note in journal.notes(KID)}
        assert sealed_night(journal, KID) is not None
        steps = [row for row in journal.deliveries() if row.step == "command"]
        assert len(steps) == 8


async def test_what_the_disk_refuses_is_refused_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_archive(tmp_path)
    with Journal.read_only(tmp_path / NIGHT) as journal:
        before = journal.last_row

    def refuses(_: object, rows: Sequence[Row]) -> None:
        assert len(rows) == 2  # the note, and what was asked
        raise JournalFull(tmp_path / NIGHT)

    with monkeypatch.context() as full:
        full.setattr(Journal, "commit", refuses)
        full.setattr("lullwatch.afterwards._Straight.add_quietly", lambda self, row: self._write([row, row]))
        with pytest.raises(JournalFull):
            await command_afterwards(tmp_path, KID, "note", {"by": "rita", "text": "x"})
    with Journal.read_only(tmp_path / NIGHT) as journal:
        assert journal.last_row == before


async def test_an_empty_folder_has_nothing_to_write_into(tmp_path: Path) -> None:
    with pytest.raises(NothingRecorded):
        await command_afterwards(tmp_path, KID, "note", {"by": "rita", "text": "x"})


@pytest.mark.parametrize("schema", [1, 2])
async def test_a_night_of_an_older_program_is_brought_up_to_date_to_take_it(
    tmp_path: Path, schema: int
) -> None:
    path = tmp_path / NIGHT
    path.write_bytes(gzip.decompress((VECTORS / f"journal-schema-{schema}.sqlite.gz").read_bytes()))
    rita = visitors(site_at(tmp_path), rita=Role.RESEARCHER)["rita"]
    assert "rita has labelled 0 of" in (await rita.get("/review")).words
    answer = await rita.post("/review/e1", label="tremor", basis="sensors", blind="1")
    assert answer.status == 303
    assert "rita has labelled 1 of" in (await rita.get("/review")).words
    with Journal.read_only(path) as journal:
        assert journal.schema == SCHEMA_VERSION


async def test_while_a_monitor_of_another_age_writes_the_night_nothing_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_archive(tmp_path)
    monkeypatch.setattr("lullwatch.afterwards.SCHEMA_VERSION", SCHEMA_VERSION + 1)
    with Journal.open(tmp_path / NIGHT), pytest.raises(JournalInUse):
        await command_afterwards(tmp_path, KID, "note", {"by": "rita", "text": "x"})
