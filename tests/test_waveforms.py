"""What was measured about an event: physical units, gaps left open, late data found where it stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dsp.records import NS, ClockRow, Segment, Site
from lullwatch.waveforms import waveforms, waveforms_of
from store.journal import Journal
from store.shelf import Shelf
from tests.store_examples import SCALE, STEP_NS, segment, segment_row


def run(site: Site, first: int, last: int, *, axes: int = 6) -> list[Segment]:
    """Packets of one site, numbered, that follow each other without a hole."""
    return [segment(seq, site=site, axes=axes) for seq in range(first, last)]


def test_every_sample_of_the_span_is_there_once_in_g_and_degrees_per_second() -> None:
    packets = run(Site.LA, 0, 40)
    onset_ns, end_ns = packets[3].t0_ns + 5 * STEP_NS, packets[30].t0_ns
    wave = waveforms_of(packets, onset_ns, end_ns)[Site.LA]
    counts = np.concatenate([p.counts for p in packets])[3 * 16 + 5 : 30 * 16]
    assert wave.times_ns[0] == onset_ns
    assert np.all(np.diff(wave.times_ns) == STEP_NS)
    assert wave.gyro_dps is not None
    assert np.array_equal(wave.acc_g, counts[:, :3] * SCALE.acc_g)
    assert np.array_equal(wave.gyro_dps, counts[:, 3:] * SCALE.gyro_dps)
    assert wave.seconds(onset_ns)[-1] == pytest.approx((len(counts) - 1) * STEP_NS / NS)


def test_a_gap_is_one_row_of_nan_where_it_begins_and_never_a_line_across() -> None:
    packets = [p for p in run(Site.RA, 0, 20) if p.seq not in (7, 8)]
    wave = waveforms_of(packets, 0, 60 * NS)[Site.RA]
    holes = np.flatnonzero(np.isnan(wave.acc_g).any(axis=1))
    assert wave.times_ns[holes].tolist() == [packets[6].end_ns]
    assert np.isnan(wave.acc_g[holes]).all()
    assert np.all(np.diff(wave.times_ns) > 0)
    assert np.isfinite(wave.moved_g).sum() == 18 * 16


def test_sites_come_in_their_order_and_those_without_samples_not_at_all() -> None:
    packets = [*run(Site.TR, 0, 5), *run(Site.LA, 0, 5, axes=3), *run(Site.HD, 100, 105)]
    waves = waveforms_of(packets, 0, NS)
    assert list(waves) == [Site.LA, Site.TR]
    assert waves[Site.LA].gyro_dps is None


def test_a_sensor_that_starts_anew_does_not_turn_time_back() -> None:
    first = run(Site.LA, 0, 5)
    again = [replace(p, boot=8, t0_ns=p.t0_ns + 10 * STEP_NS) for p in first]
    wave = waveforms_of([*again, *first], 0, 60 * NS)[Site.LA]
    assert np.all(np.diff(wave.times_ns) > 0)


def test_what_came_late_is_found_in_the_night_after(tmp_path: Path) -> None:
    packets = run(Site.LA, 0, 30)
    nights = {"journal-2026-03-14.sqlite": packets[:10], "journal-2026-03-15.sqlite": packets[10:]}
    for number, (name, own) in enumerate(nights.items()):
        with Journal.open(tmp_path / name) as journal:
            journal.commit([ClockRow(number * 20 * NS, number * 20 * NS, "b", "UTC")])
            journal.commit([segment_row(p) for p in own])
    with Shelf(tmp_path) as shelf:
        onset_ns = packets[5].t0_ns + STEP_NS
        wave = waveforms(shelf, "kid", onset_ns, packets[20].t0_ns)[Site.LA]
        assert len(wave.times_ns) == 15 * 16 - 1
        assert waveforms(shelf, "other", onset_ns, packets[20].t0_ns) == {}
