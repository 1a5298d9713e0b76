"""Single movements of a span are marked as the detector sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsp.records import NS, Segment, Site
from lullwatch.burst_marks import BurstMark, burst_marks_of, raw_around
from lullwatch.waveforms import heard_ns, waveforms
from store.shelf import Shelf
from tests.archive_maker import BEGIN_NS, KID, MOVEMENTS_S, make_archive


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    folder: Path = tmp_path_factory.mktemp("nights")
    make_archive(folder)
    return Shelf(folder)


def marks(shelf: Shelf, infant: str, onset_ns: int, end_ns: int) -> tuple[BurstMark, ...]:
    return burst_marks_of(raw_around(shelf, infant, onset_ns, end_ns), onset_ns, end_ns)


def at(seconds: float) -> int:
    return BEGIN_NS + round(seconds * NS)


def test_every_movement_is_marked_at_every_sensor_where_it_was_made(shelf: Shelf) -> None:
    found = marks(shelf, KID, at(90), at(170))
    assert len(found) == 3 * len(MOVEMENTS_S)
    for site in (Site.LA, Site.RA, Site.TR):
        own = [m for m in found if m.site is site]
        for mark, onset_s in zip(own, MOVEMENTS_S, strict=True):
            assert abs(mark.begin_ns - at(onset_s)) < 0.2 * NS
            assert 0.8 * NS < mark.end_ns - mark.begin_ns < 1.8 * NS


def test_only_what_touches_the_span_is_marked_and_rest_is_not(shelf: Shelf) -> None:
    assert marks(shelf, KID, at(180), at(230)) == ()
    only = marks(shelf, KID, at(110), at(115))
    assert [m.site for m in only] == [Site.LA, Site.RA, Site.TR]


def test_the_order_in_which_segments_come_does_not_matter(shelf: Shelf) -> None:
    with shelf.opened("journal-2026-03-14.sqlite") as journal:
        segments: list[Segment] = list(journal.segments(KID))
    found = burst_marks_of(segments, at(90), at(170))
    assert burst_marks_of(reversed(segments), at(90), at(170)) == found
    assert all(isinstance(mark, BurstMark) for mark in found)


def test_nothing_is_marked_where_the_raw_data_is_gone(shelf: Shelf) -> None:
    assert marks(shelf, KID, at(5000), at(5100)) == ()
    assert marks(shelf, "sib", at(90), at(170)) == ()


def test_how_much_of_a_span_was_heard_leaves_the_gap_out(shelf: Shelf) -> None:
    waves = waveforms(shelf, KID, at(40), at(70))
    assert heard_ns(waves[Site.RA], at(40), at(70)) == pytest.approx(30 * NS, abs=0.02 * NS)
    assert heard_ns(waves[Site.LA], at(40), at(70)) == pytest.approx(25 * NS, abs=0.05 * NS)
    assert heard_ns(waves[Site.LA], at(51), at(54)) == 0
