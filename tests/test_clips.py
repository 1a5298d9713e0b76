"""One event as a recording of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dsp.records import NS, Label, Note, Site
from lullwatch.clips import clip, write_clip
from lullwatch.errors import NothingToReplay
from lullwatch.pinning import newest_event
from store.edf import read_recording
from store.events_tsv import read_events
from store.journal import Journal
from store.shelf import Shelf
from tests.archive_maker import BEGIN_NS, KID, SERIES, TRAIN, make_archive


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    make_archive(tmp_path)
    return Shelf(tmp_path)


def test_a_clip_holds_the_raw_data_around_an_event_and_what_was_told_of_it(shelf: Shelf) -> None:
    event = newest_event(shelf.nights(), TRAIN)
    assert event is not None
    made = clip(shelf, event, margin_ns=30 * NS)
    assert made.sites == (Site.LA, Site.RA, Site.TR)
    assert made.t0_ns == event.onset_ns - 30 * NS
    assert made.end_ns == pytest.approx(BEGIN_NS + 240 * NS, abs=0.1 * NS)
    assert {e.id for e in made.events} == {TRAIN, "e-single"}
    assert made.start_utc_ns is not None


def test_a_clip_is_read_back_as_the_journal_holds_it(shelf: Shelf, tmp_path: Path) -> None:
    event = newest_event(shelf.nights(), SERIES)
    assert event is not None
    paths = write_clip(shelf, event, tmp_path / "out")
    edf = next(p for p in paths if p.suffix == ".edf")
    assert edf.name == f"{SERIES}_clip.edf"
    with shelf.opened("journal-2026-03-14.sqlite") as journal:
        kept = [s for s in journal.segments(KID) if s.site is Site.RA]
    read = [s for s in read_recording(edf).segments if s.site is Site.RA]
    assert np.array_equal(np.concatenate([s.counts for s in read]), np.concatenate([s.counts for s in kept]))
    lines = read_events(next(p for p in paths if p.name.endswith("_events.tsv")))
    assert {(line.event_id, line.label) for line in lines} >= {(SERIES, Label.SPASM_LIKE_CLUSTER)}


def test_the_facts_of_a_note_go_along_as_an_annotation(shelf: Shelf, tmp_path: Path) -> None:
    facts = (("name", "Vigabatrin"), ("dose", "2 ml"))
    with Journal.amend(shelf.nights()[0]) as journal:
        journal.commit([Note(KID, BEGIN_NS + 120 * NS, "medicine", "with milk", "anna", facts, "n-1")])
    event = newest_event(shelf.nights(), SERIES)
    assert event is not None
    edf = next(p for p in write_clip(shelf, event, tmp_path / "out") if p.suffix == ".edf")
    assert "note medicine: name=Vigabatrin; dose=2 ml with milk" in {
        a.text for a in read_recording(edf).annotations
    }


def test_an_event_whose_raw_data_is_gone_has_no_clip(shelf: Shelf) -> None:
    event = newest_event(shelf.nights(), SERIES)
    assert event is not None
    with pytest.raises(NothingToReplay, match="not kept any more"):
        clip(shelf, replace(event, infant="sib"))
