"""Why a minute was not seen: what the links said, laid beside what the samples say; the minutes always tile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.catalogue import Catalogue
from alerts.english import ENGLISH
from alerts.german import GERMAN
from dsp.records import (
    NS,
    ClockRow,
    Coverage,
    Epoch,
    LinkSample,
    Site,
    Tick,
    Usability,
    Watchfulness,
    Watching,
)
from ingest.sensor_link import LinkState
from lullwatch.coverage import CoverageLedger
from lullwatch.link_causes import CODES, LinkBook, plain, unaccounted
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from store.journal import Journal
from store.recording import newest_of
from store.rows import FedRow, LinkRow, Row
from tests.ledger_checks import adds_up
from tests.spine_examples import KID, SITES, five_minutes

MINUTE_NS = 60 * NS


def said(
    t_s: float, state: str, *, site: Site = Site.LA, battery: int | None = 80, rssi: int | None = -60
) -> LinkRow:
    sample = LinkSample(site, site.value.lower(), round(t_s * NS), state, 0, 0, 0, battery, rssi, None)
    return LinkRow(KID, sample)


def minute(n: int = 0, share: float = 0.0, *causes: str) -> Coverage:
    blind = share < 0.5
    return Coverage(
        KID, n * MINUTE_NS, MINUTE_NS, Usability.BLIND if blind else Usability.USABLE,
        causes or (("no_data:LA",) if blind else ()), ((Site.LA, share),),
    )  # fmt: skip


def causes(rows: list[LinkRow], share: float = 0.0) -> tuple[str, ...]:
    return LinkBook(rows).explained(minute(0, share)).causes


def test_what_the_link_did_longest_is_the_cause() -> None:
    rows = [said(-100, "streaming"), said(5, "backing_off"), said(6, "connecting"), said(8, "searching")]
    assert causes(rows) == ("no_data:LA", "searching:LA")


def test_a_sensor_that_was_nearly_empty_is_not_searched_for_but_empty() -> None:
    assert causes([said(-9, "streaming", battery=3), said(1, "searching", battery=3)])[-1] == "battery:LA"


def test_a_sensor_that_was_faint_is_out_of_range() -> None:
    assert causes([said(-9, "streaming", rssi=-94), said(1, "searching", rssi=None)])[-1] == "out_of_range:LA"


def test_a_sensor_that_was_refused_is_said_to_be_refused_and_one_that_proves_its_key_to_be_connecting() -> (
    None
):
    assert causes([said(-9, "streaming"), said(1, "refused")])[-1] == "refused:LA"
    assert causes([said(-9, "streaming"), said(1, "pairing")])[-1] == "connecting:LA"


@pytest.mark.parametrize("words", [ENGLISH, GERMAN], ids=["en", "de"])
def test_every_cause_that_a_link_can_lead_to_has_a_word_of_its_own(words: Catalogue) -> None:
    rows = [
        [said(-9, "streaming"), said(1, state)] for state in LinkState if state is not LinkState.STREAMING
    ]
    assert {causes(row)[-1].partition(":")[0] for row in rows} <= CODES <= set(words.causes)


def test_a_link_that_streams_while_samples_are_missing_is_said_to_be_incomplete() -> None:
    assert causes([said(-9, "streaming")], 0.3)[-1] == "incomplete:LA"


def test_a_state_nobody_has_heard_of_here_is_a_cause_of_its_own_name() -> None:
    assert causes([said(-9, "charging")])[-1] == "charging:LA"


def test_a_minute_that_was_fetched_later_says_so_and_stays_usable() -> None:
    row = LinkBook([said(-9, "streaming"), said(10, "searching"), said(50, "streaming")]).explained(
        minute(0, 1.0)
    )
    assert (row.usability, row.causes) == (Usability.USABLE, ("backfilled:LA",))


def test_a_link_that_said_nothing_yet_explains_nothing() -> None:
    assert causes([said(500, "searching")]) == ("no_data:LA",)


def test_a_kill_is_noted_of_links_that_were_not_ended_in_order() -> None:
    book = LinkBook([said(0, "streaming"), said(1, "stopped", site=Site.RA)])
    (row,) = book.silence(5 * NS)
    assert (row.sample.site, row.sample.state, row.sample.t_ns) == (Site.LA, "not_running", 5 * NS)
    book.note(row)
    assert book.silence(6 * NS) == []
    assert book.explained(minute(1)).causes[-1] == "not_running:LA"


epochs = st.lists(
    st.tuples(
        st.sampled_from(SITES), st.integers(0, 40), st.sampled_from([0.0, 0.4, 0.97, 1.0]), st.booleans()
    ),
    max_size=60,
)
reports = st.lists(
    st.tuples(
        st.sampled_from(SITES), st.integers(0, 1300), st.sampled_from(["streaming", "searching", "stalled", "odd"]),
        st.sampled_from([None, 1, 90]),
    ),
    max_size=40,
)  # fmt: skip
pauses = st.lists(st.tuples(st.integers(0, 1300), st.sampled_from(list(Watchfulness))), max_size=4)


@given(epochs, reports, pauses, st.lists(st.integers(0, 1300), max_size=20))
def test_whatever_comes_the_minutes_tile_the_time_exactly_once(told, links, watched, ticks) -> None:
    ledger, book = CoverageLedger(KID, SITES), LinkBook()
    for site, t_s, state, battery in sorted(links, key=lambda r: r[1]):
        book.note(said(t_s, state, site=site, battery=battery))
    for t_s, state in sorted(watched, key=lambda r: r[0]):
        ledger.watch(Watching(KID, t_s * NS, state))
    rows = [row for t_s in sorted(ticks) for row in ledger.pass_time(t_s * NS)]
    first_s = max(ticks, default=0) // 30
    for site, n, present, worn in sorted(told, key=lambda r: r[1]):
        t_ns = (first_s + n) * 30 * NS
        rows += ledger.feed(
            Epoch(KID, site, t_ns, 30 * NS, present, worn, 0.0, 0.01, 0.002, 1.0, (0.0, 0.0, 1.0))
        )
    until_ns = max([0, *(t * NS for t in ticks), *((first_s + n + 1) * 30 * NS for _, n, _, _ in told)])
    rows += ledger.finish(until_ns)
    explained = [book.explained(row) for row in rows]
    assert adds_up(explained)
    assert [plain(row) for row in explained] == rows
    assert [row.usability for row in explained] == [row.usability for row in rows]
    assert len({row.t_ns for row in rows}) == len(rows)
    if rows:
        assert sum(row.span_ns for row in rows) == rows[-1].t_ns + rows[-1].span_ns - rows[0].t_ns


@given(st.integers(0, 10**5), st.integers(0, 10**5))
def test_what_lies_between_two_detectors_is_accounted_for_up_to_the_minute(begin_s: int, span_s: int) -> None:
    begin_ns, end_ns = begin_s * NS, (begin_s + span_s) * NS
    rows = unaccounted(KID, SITES, begin_ns, end_ns)
    assert sum(row.span_ns for row in rows) == max(0, end_ns // MINUTE_NS * MINUTE_NS - begin_ns)
    assert adds_up(rows)
    assert all(row.usability is Usability.BLIND and row.causes[-1] == "restarted" for row in rows)


def run_on(
    path: Path, batches: list[list[Row]], *, age_days: int = 200, sites: tuple[Site, ...] = SITES
) -> None:
    with Journal.open(path) as journal:
        spine = Spine(journal, [Watch.of(KID, sites, age_days)])
        ticks = [row.item.t_ns for batch in batches for row in batch if isinstance(row, FedRow)]
        spine.begin(ClockRow(ticks[0] - 1, 1_767_290_400 * NS, "boot", "UTC"))
        for batch in batches:
            spine.take(batch)
        spine.pause()
        spine.close()


def ticks(begin_s: int, end_s: int) -> list[list[Row]]:
    return [[FedRow(KID, Tick(t_s * NS))] for t_s in range(begin_s, end_s)]


def test_a_night_with_a_kill_in_it_says_of_each_minute_why_nothing_was_seen(tmp_path: Path) -> None:
    path = tmp_path / "night.sqlite"
    streaming: list[Row] = [said(0.1, "streaming", site=site) for site in SITES]
    whole = five_minutes()
    recorded = [list(batch) for batch in whole[: len(whole) // 2]]
    last_s = max(row.item.t_ns for row in recorded[-1] if isinstance(row, FedRow)) // NS
    run_on(path, [[*streaming, *recorded[0]], *recorded[1:]])
    back_s = last_s + 400
    searching: list[Row] = [said(back_s, "searching", site=site) for site in SITES]
    run_on(path, [[*searching, *ticks(back_s, back_s + 1)[0]], *ticks(back_s + 1, back_s + 300)])
    with Journal.read_only(path) as journal:
        minutes = newest_of(journal.coverage(KID), key=lambda c: c.t_ns)
    assert adds_up(minutes)
    by_cause = [{c.partition(":")[0] for c in m.causes} for m in minutes]
    assert "not_running" not in by_cause[1]
    between = (last_s // 60 + 3) * 60
    at = {m.t_ns // NS: found for m, found in zip(minutes, by_cause, strict=True)}
    assert at[between] == {"no_data", "not_running"}
    assert at[(back_s // 60 + 2) * 60] == {"no_data", "searching"}


def test_a_detector_that_begins_anew_leaves_no_hole_in_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "night.sqlite"
    run_on(path, ticks(0, 200))
    run_on(path, ticks(500, 700), sites=SITES[:2])
    with Journal.read_only(path) as journal:
        minutes = newest_of(journal.coverage(KID), key=lambda c: c.t_ns)
    assert adds_up(minutes)
    assert minutes[0].t_ns == 0
    assert minutes[-1].t_ns + minutes[-1].span_ns >= 600 * NS
    assert any("restarted" in m.causes for m in minutes)
    assert replace(minutes[0], causes=()) == replace(plain(minutes[0]), causes=())
