"""A folder of nights made by hand: raw data with movements at known times, and events told of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from dsp.records import (
    NS,
    Alert,
    ClockRow,
    Coverage,
    Event,
    EventStatus,
    Evidence,
    Label,
    Note,
    Segment,
    SegmentFlag,
    Severity,
    Site,
    State,
    StateEpoch,
    Tick,
    Usability,
)
from lullwatch.watch import Watch, config_of
from store.journal import Journal
from store.rows import FedRow, Row
from tests.alert_makers import event
from tests.store_examples import SCALE, segment_row

__all__ = ["BEGIN_NS", "KID", "NIGHT", "SERIES", "UTC_0_NS", "ZONE", "make_archive", "night_of"]

KID = "kid"
ZONE = "Europe/Berlin"
UTC_0_NS = 1_773_525_600 * NS
"""data time 0: 2026-03-14 23:00 in Berlin"""
NIGHT = "journal-2026-03-14.sqlite"
SERIES, TRAIN, SINGLE = "e-series", "e-train", "e-single"
BEGIN_NS = 1000 * NS
"""first sample"""
_LASTS_S = 240
_RATE = 104
MOVEMENTS_S = tuple(100 + 11 * i for i in range(6))
"""onsets of the series' movements, seconds after the first sample"""


def make_archive(folder: Path) -> Path:
    """One night with four minutes of raw data; gives back its file."""
    return night_of(folder, NIGHT, BEGIN_NS, [*raw(), *told()])


def night_of(folder: Path, name: str, begin_ns: int, rows: list[Row]) -> Path:
    path = folder / name
    clock = ClockRow(begin_ns, UTC_0_NS + begin_ns, "b", ZONE)
    with Journal.begin(
        path, [clock, config_of(Watch.of(KID, [Site.LA, Site.RA, Site.TR], 150), begin_ns)]
    ) as journal:
        journal.commit(rows)
    return path


def raw() -> list[Row]:
    """Three sensors, a second in each packet: quiet, but for the movements; the left leg has a gap of 5 s at 50 s."""
    rows: list[Row] = []
    for site in (Site.LA, Site.RA, Site.TR):
        counts = _counts(site)
        for second in range(_LASTS_S):
            if site is Site.LA and 50 <= second < 55:
                continue
            part = counts[second * _RATE : (second + 1) * _RATE]
            made = Segment(
                site,
                f"sock-{site}",
                7,
                second,
                BEGIN_NS + second * NS,
                NS // _RATE,
                part,
                SCALE,
                SegmentFlag.NONE,
            )
            rows.append(segment_row(made, KID))
    rows.append(FedRow(KID, Tick(BEGIN_NS + _LASTS_S * NS)))
    return rows


def _counts(site: Site) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    rng = np.random.default_rng(list(Site).index(site))
    t = np.arange(_LASTS_S * _RATE) / _RATE
    acc = rng.normal(0.0, 0.002, (t.size, 3)) + np.array([0.0, 0.0, 1.0])
    rate = rng.normal(0.0, 0.5, (t.size, 3))
    for onset_s in MOVEMENTS_S:
        at = t - onset_s
        push = np.where(
            (at >= 0) & (at < 1.0), np.sin(np.pi * np.clip(at, 0, 1)) * np.sin(2 * np.pi * 3 * at), 0.0
        )
        acc[:, 0] += 0.5 * push
        rate[:, 1] += 60 * push
    both = np.hstack((acc / SCALE.acc_g, rate / SCALE.gyro_dps))
    return np.clip(np.round(both), -32768, 32767).astype(np.int16)


def told() -> list[Row]:
    """A series of six with its members, a train, a single; coverage, states, an alert, a note of an older program."""
    onset_ns = BEGIN_NS + MOVEMENTS_S[0] * NS
    end_ns = BEGIN_NS + (MOVEMENTS_S[-1] + 1) * NS
    evidence = (
        Evidence("members", 6.0, 3.0), Evidence("mean_trunk_rise", -2.0, 0.9), Evidence("mean_pause", 2.3, 0.4),
        Evidence("other_movement", 4.0, -0.8), Evidence("heard_of_by_nobody", 1.0, -0.2),
    )  # fmt: skip
    series = _told(SERIES, Label.SPASM_LIKE_CLUSTER, onset_ns, end_ns, count=6, evidence=evidence, match=0.95)
    members = [
        _told(f"e-member-{i}", Label.SPASM_LIKE, BEGIN_NS + s * NS, BEGIN_NS + (s + 1) * NS, parent=SERIES)
        for i, s in enumerate(MOVEMENTS_S)
    ]
    asked = (
        Evidence("frame.bias", 0.0, 0.5), Evidence("frame.even_intervals", 0.6, 0.4), Evidence("train.bias", 0.0, 0.7),
        Evidence("train.mean_trunk_leads", 0.2, -0.3), Evidence("run.unbroken_s", 12.0, 1.2),
    )  # fmt: skip
    train = _told(
        TRAIN, Label.SLEEP_JERK_TRAIN, BEGIN_NS + 200 * NS, BEGIN_NS + 212 * NS, count=20, match=0.7, evidence=asked
    )  # fmt: skip
    single = _told(SINGLE, Label.MOVEMENT, BEGIN_NS + 220 * NS, BEGIN_NS + 223 * NS, count=2)
    gone = _told("e-gone", Label.STIFFENING, BEGIN_NS + 30 * NS, BEGIN_NS + 40 * NS)
    minutes = [
        Coverage(KID, BEGIN_NS + m * 60 * NS, 60 * NS, Usability.USABLE, (), ((Site.LA, 1.0), (Site.RA, 1.0)))
        for m in range(_LASTS_S // 60)
    ]
    states = [
        StateEpoch(KID, BEGIN_NS + i * 30 * NS, 30 * NS, state, 0.9, None, None, None)
        for i, state in enumerate([State.QUIET_SLEEP] * 4 + [State.AWAKE] * 4)
    ]
    alert = Alert(
        "alert-1", 1, Severity.URGENT, KID, end_ns, Label.SPASM_LIKE_CLUSTER.wire, SERIES, onset_ns, end_ns, 6, "r@1",
        "words", {},
    )  # fmt: skip
    first = replace(series, version=1, status=EventStatus.NEW, label=Label.SPASM_LIKE, count=1)
    withdrawn = replace(gone, version=3, status=EventStatus.WITHDRAWN)
    note = Note(KID, BEGIN_NS, "note", "put to bed", "anna")
    return [first, series, *members, train, single, gone, withdrawn, *minutes, *states, alert, note]


def _told(event_id: str, label: Label, onset_ns: int, end_ns: int, **more: object) -> Event:
    made = event(label)
    return replace(
        made, id=event_id, version=2, status=EventStatus.END, infant=KID, onset_ns=onset_ns, end_ns=end_ns,
        told_ns=end_ns, state_before=State.QUIET_SLEEP, state_during=State.AWAKE, state_after=State.AWAKE,
        **{"parent": None, "count": 1, **more},
    )  # fmt: skip
