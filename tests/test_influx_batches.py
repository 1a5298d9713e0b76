"""What a request carries: bounded, the same wherever reading begins, in the bucket it belongs to."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsp.records import NS, ClockRow, Pin, Scale, Segment, SegmentFlag, Site
from store.influx import InfluxSink, Raw, SinkState
from store.influx_batches import Batch, Batches, Buckets
from store.influx_thin import Thinner
from store.influx_times import WINDOW_ROWS, EvenTimes
from store.journal import Journal
from tests.servers_fixtures import Influx
from tests.store_examples import STEP_NS, event, segment, segment_row
from tests.test_influx import Misbehaving, served, sink_at
from tests.test_influx_read import wobbling

OFFSET_NS = 1_773_525_600 * NS
CLOCK = ClockRow(0, OFFSET_NS, "b", "UTC")
ONE = Buckets("b")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "n.sqlite") as opened:
        opened.commit([CLOCK])
        yield opened


def batches(journal: Journal, after_row: int = 0, **changes: Any) -> Batches:
    options: dict[str, Any] = {"gateway": "gw", "buckets": ONE, "raw": Raw.FULL, "raw_hz": 10.0, **changes}
    return Batches(journal, after_row=after_row, **options)


def all_of(made: Batches, after_row: int = 0, most_bytes: int = 10**6) -> list[Batch]:
    found: list[Batch] = []
    while (batch := made.next(found[-1].last_row if found else after_row, most_bytes)) is not None:
        found.append(batch)
    return found


def lines_in(found: Sequence[Batch], bucket: str = "b") -> list[bytes]:
    pieces = [piece for batch in found for piece in batch.pieces if piece.bucket == bucket]
    return [line for piece in pieces for _, chunk in piece.chunks for line in chunk.split(b"\n")]


def test_no_request_is_larger_than_asked_and_no_line_is_left_out(journal: Journal) -> None:
    journal.commit([segment_row(s) for s in wobbling(900, site=Site.LA)])
    journal.commit([event(f"e{i}", onset_ns=i * NS) for i in range(50)])
    found = all_of(batches(journal), most_bytes=50_000)
    assert max(len(piece.body()) for batch in found for piece in batch.pieces) <= 50_000
    assert len(lines_in(found)) == 900 * 16 + 50


def test_points_are_the_same_wherever_a_sink_begins_anew(journal: Journal) -> None:
    made = [s for site in (Site.LA, Site.TR) for s in wobbling(WINDOW_ROWS // 2 + 300, site=site)]
    made += [segment(s.seq, site=Site.RA, t0_ns=s.t0_ns, flags=SegmentFlag.BACKFILL) for s in made[:40]]
    random.Random(4).shuffle(made)
    journal.commit([segment_row(s) for s in sorted(made, key=lambda s: (s.t0_ns // NS, s.site))])
    whole = lines_in(all_of(batches(journal)))
    for after in (1, 700, WINDOW_ROWS - 1, WINDOW_ROWS, WINDOW_ROWS + 1, WINDOW_ROWS + 450):
        rest = lines_in(all_of(batches(journal, after), after))
        assert rest == whole[-len(rest) :], after


def test_times_are_even_over_long_runs_and_never_far_from_the_samples() -> None:
    times, steps, worst = EvenTimes(), set(), 0
    for row, made in enumerate(wobbling(3000, site=Site.LA), start=1):
        t0_ns, step_ns = times.place(row, "kid", made)
        steps.add(step_ns)
        worst = max(worst, abs(t0_ns - made.t0_ns), abs(t0_ns + made.n * step_ns - made.end_ns))
    assert worst <= 2_000_000
    assert len(steps) < 60


def test_no_two_points_of_a_sensor_fall_on_one_time_or_turn_round() -> None:
    chance, times, last_ns, t0_ns = np.random.default_rng(1), EvenTimes(), 0, NS
    for row in range(1, 2000):
        step_ns = int(STEP_NS * chance.uniform(0.995, 1.005))
        made = segment(row, t0_ns=t0_ns, step_ns=step_ns)
        first_ns, even_ns = times.place(row, "kid", made)
        assert first_ns > last_ns
        last_ns = first_ns + (made.n - 1) * even_ns
        t0_ns = made.end_ns


def wave(hz: float, n: int, *, seq: int = 0, t0_ns: int = 0, size: float = 8000.0) -> list[Segment]:
    """A sine on every axis, in packets of sixteen."""
    made = []
    for k in range(n):
        at_s = (t0_ns + (16 * k + np.arange(16)) * STEP_NS) / NS
        counts = np.repeat(np.round(size * np.sin(2 * np.pi * hz * at_s))[:, None], 6, axis=1).astype(
            np.int16
        )
        made.append(
            Segment(Site.LA, "la", 7, seq + k, t0_ns + 16 * k * STEP_NS, STEP_NS, counts, Scale(1e-3, 0.1))
        )
    return made


def thinned(journal: Journal, made: Sequence[Segment]) -> tuple[list[int], np.ndarray]:
    rows = [segment_row(s) for s in made]
    numbers = journal.commit(rows).rows
    thinner = Thinner(journal, 10.0)
    points = [thinner.points(number or 0, row) for number, row in zip(numbers, rows, strict=True)]
    return [int(t) for p in points for t in p.times_ns], np.concatenate([p.values for p in points])


def test_slow_movement_comes_through_and_what_would_fold_does_not(tmp_path: Path) -> None:
    for hz, least, most in (
        (1.0, 7.9, 8.1),
        (2.5, 7.5, 8.1),
        (7.5, 0.0, 0.02),
        (9.0, 0.0, 0.02),
        (30.0, 0.0, 0.02),
    ):
        with Journal.open(tmp_path / f"{hz}.sqlite") as journal:
            journal.commit([CLOCK])
            times, values = thinned(journal, wave(hz, 100))
            assert np.diff(times).tolist() == [NS // 10] * (len(times) - 1)
            peak = float(np.sqrt(2 * np.mean(values[:, 0] ** 2)))
            assert least <= peak <= most, f"{hz} Hz"
            assert values[:, 3] == pytest.approx(100 * values[:, 0])


def test_thinned_points_are_the_same_in_any_order_of_arrival_and_from_any_row(
    journal: Journal, tmp_path: Path
) -> None:
    made = wave(1.3, 120)
    late = [*made[:40], *made[60:], *made[40:60]]
    journal.commit([segment_row(s) for s in made])
    with Journal.open(tmp_path / "late.sqlite") as other:
        other.commit([CLOCK, *(segment_row(s) for s in late)])
        in_order = lines_in(all_of(batches(journal, raw=Raw.THINNED)))
        out_of_order = lines_in(all_of(batches(other, raw=Raw.THINNED)))
    assert sorted(out_of_order) == sorted(in_order)
    assert len(set(in_order)) == len(in_order) > 150
    for after in (1, 37, 90):
        rest = lines_in(all_of(batches(journal, after, raw=Raw.THINNED), after))
        assert rest == in_order[-len(rest) :]


def test_near_a_hole_there_is_no_thinned_point(journal: Journal) -> None:
    made = wave(1.0, 60)
    after_ns = made[-1].end_ns + 3 * NS
    times, _ = thinned(journal, [*made, *wave(1.0, 60, seq=70, t0_ns=after_ns)])
    reach_ns = 906_000_000
    assert not [t for t in times if made[-1].end_ns - reach_ns + STEP_NS < t < after_ns + reach_ns]
    assert [t for t in times if t > after_ns]


def test_what_is_thinned_or_left_out_reaches_the_database_as_said(journal: Journal, influx: Influx) -> None:
    journal.commit([segment_row(s) for s in wave(1.0, 60)])
    journal.commit([event()])
    place = {"url": influx.url, "token": influx.token, "org": influx.org, "bucket": influx.bucket}
    for raw, name in ((Raw.OFF, "off"), (Raw.THINNED, "thinned")):
        journal._beside()._db.execute("DELETE FROM cursor")
        with InfluxSink(journal, gateway="gw", raw=raw, raw_hz=5.0, **place) as sink:
            while sink.step().state is SinkState.SENT:
                pass
        assert influx.query("SELECT count(ax) FROM imu") == []
        rows = influx.query("SELECT ax, gx FROM imu_thinned")
        assert bool(rows) is (name == "thinned")
    steps = {int(str(b["time"])) - int(str(a["time"])) for a, b in pairwise(rows)}
    assert steps == {NS // 5}
    assert influx.query("SELECT count(body) FROM event")[0]["count"] == 1


def test_each_measurement_goes_into_its_bucket_and_what_is_pinned_stays_with_the_events(
    journal: Journal,
) -> None:
    buckets = Buckets("b", "features", "raw")
    made = [segment(seq, t0_ns=seq * 60 * NS) for seq in range(20)]
    journal.commit([segment_row(s) for s in made[:10]])
    journal.commit([event(), Pin("kid", 180 * NS, 900 * NS, "e1"), Pin("other", 0, 900 * NS, "e2")])
    before = journal.last_row
    journal.commit([segment_row(s) for s in made[10:]])

    def pinned(found: Sequence[Batch]) -> set[int]:
        kept = [line for line in lines_in(found) if line.startswith(b"imu") and b"segment=" in line]
        return {(int(line.rsplit(b" ", 1)[1]) - OFFSET_NS) // (60 * NS) for line in kept}

    whole = all_of(batches(journal, buckets=buckets))
    assert pinned(whole) == set(range(3, 15))
    assert len(lines_in(whole, "raw")) == 20 * 16
    assert not [line for line in lines_in(whole, "raw") if not line.startswith(b"imu")]
    again = all_of(batches(journal, before, buckets=buckets), before)
    assert pinned(again) == set(range(10, 15))
    assert len(lines_in(all_of(batches(journal)))) == 20 * 16 + 1


# how the sink sends them


def test_only_the_answer_of_influxdb_itself_confirms(journal: Journal) -> None:
    server = Misbehaving(lambda _: (200, {}))
    journal.commit([event()])
    with served(server) as url, sink_at(journal, url) as sink:
        report = sink.step()
        assert report.state is SinkState.WAITING
        assert "answered 200" in report.error
        assert journal.cursor("influx") == 0
        server.answer = lambda _: (204, {})
        assert sink.step().state is SinkState.SENT


def test_a_date_to_come_back_at_is_counted_by_the_server_s_own_clock(journal: Journal) -> None:
    headers = {"Date": "Wed, 21 Oct 2015 07:28:00 GMT", "Retry-After": "Wed, 21 Oct 2015 07:28:42 GMT"}
    server = Misbehaving(lambda _: (503, headers), own_date=False)
    journal.commit([event()])
    with served(server) as url, sink_at(journal, url) as sink:
        assert sink.step().wait_s == 42
        headers["Retry-After"] = "Fri, 21 Oct 2016 07:28:42 GMT"
        assert sink.step().wait_s == 3600
        headers["Retry-After"] = "soon"
        assert sink.step().wait_s <= 4


def test_a_proxy_that_takes_less_gets_smaller_requests_from_then_on(journal: Journal) -> None:
    sizes: list[int] = []

    def answer(body: bytes) -> tuple[int, dict[str, str]]:
        sizes.append(len(body))
        return (413, {}) if len(body) > 100_000 else (204, {})

    server = Misbehaving(answer)
    journal.commit([segment_row(s) for s in wobbling(3000, site=Site.LA)])
    with served(server) as url, sink_at(journal, url) as sink:
        while sink.step().state is SinkState.SENT:
            pass
    assert len(server.stored) == 3000 * 16
    assert journal.dead_letters("influx") == []
    refused = [i for i, size in enumerate(sizes) if size > 100_000]
    assert len(refused) <= 5
    assert max(sizes[refused[-1] + 1 :]) <= 100_000
    assert len(sizes) - refused[-1] > 20


def test_the_good_lines_that_3_core_kept_of_a_refused_request_are_there_once_and_the_bad_one_is_set_aside(
    journal: Journal,
) -> None:
    server = Misbehaving(lambda body: (400, {}) if b"bad" in body else (204, {}), keeps_good=b"bad")
    journal.commit([segment_row(segment(seq)) for seq in range(10)])
    journal.commit([event("bad"), event("good")])
    with served(server) as url, sink_at(journal, url) as sink:
        while sink.step().state is SinkState.SENT:
            pass
    assert len(server.stored) == 161
    (letter,) = journal.dead_letters("influx")
    assert b"id=bad" in letter.body
    assert journal.cursor("influx") == journal.last_row


def test_a_connection_that_is_dropped_in_the_middle_loses_nothing(journal: Journal) -> None:
    server = Misbehaving(lambda _: (204, {}), drops=2)
    journal.commit([segment_row(segment(seq)) for seq in range(30)])
    with served(server) as url, sink_at(journal, url) as sink:
        states = [sink.step().state for _ in range(6)]
    assert states.count(SinkState.WAITING) + states.count(SinkState.SENT) >= 1
    assert len(server.stored) == 480
    assert journal.cursor("influx") == journal.last_row


def test_a_small_batch_waits_for_company_and_a_full_one_does_not(journal: Journal) -> None:
    now_s = 100.0
    server = Misbehaving(lambda _: (204, {}))
    with served(server) as url, sink_at(journal, url, linger_s=1.0, monotonic=lambda: now_s) as sink:
        journal.commit([segment_row(segment(0))])
        first = sink.step()
        assert (first.state, first.wait_s, first.error) == (SinkState.WAITING, 1.0, "")
        now_s += 0.6
        journal.commit([segment_row(segment(1))])
        assert sink.step().wait_s == pytest.approx(0.4)
        now_s += 0.5
        assert sink.step().lines == 32
        assert len(server.requests) == 1
        journal.commit([segment_row(s) for s in wobbling(1100, site=Site.RA)])
        assert sink.step().state is SinkState.SENT
