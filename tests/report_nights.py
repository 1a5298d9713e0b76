"""Nights made up for the tests of the report: what a family's journals hold after some weeks, in a second or two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from alerts.proof import acknowledged_row
from dsp.records import (
    NS,
    Alert,
    ClockRow,
    Coverage,
    Event,
    EventStatus,
    Label,
    Note,
    Opinion,
    Scale,
    Segment,
    Severity,
    Site,
    State,
    StateEpoch,
    Usability,
)
from lullwatch.watch import Watch, config_of
from store.journal import Journal, night_name
from store.rows import Row
from tests.store_examples import event, segment_row

INFANT = "inf1"
ZONE = "Europe/Berlin"
FIRST = date(2026, 11, 8)
SITES = (Site.LA, Site.RA, Site.TR)
MINUTE_NS = 60 * NS
HOURS = 10
_STEP_NS = 9_615_385
_SCALE = Scale(acc_g=8 / 32768, gyro_dps=2000 / 32768)
_T0_NS = 5_000 * NS


@dataclass(frozen=True, slots=True)
class Made:
    """A folder of nights, and what is in them."""

    folder: Path
    nights: tuple[date, ...]
    series: tuple[Event, ...]
    observed: int

    @property
    def movements(self) -> int:
        """Brief movements in all series."""
        return sum(e.count for e in self.series)


def bed_utc_ns(evening: date) -> int:
    """20:00 local time."""
    moment = datetime(evening.year, evening.month, evening.day, 20, tzinfo=ZoneInfo(ZONE))
    return int(moment.timestamp()) * NS


@dataclass(frozen=True, slots=True)
class Evening:
    """An evening, and where data time has its zero."""

    day: date
    before_ns: int = 0
    """taken off every data time"""

    def at(self, hours: float = 0.0) -> int:
        """Data time so many hours after bedtime."""
        return data_ns(self.day, hours) - self.before_ns


def data_ns(evening: date, hours: float = 0.0) -> int:
    """Data time so many hours after bedtime."""
    return _T0_NS + bed_utc_ns(evening) - bed_utc_ns(FIRST) + round(hours * 3600 * NS)


def make_nights(
    folder: Path,
    *,
    nights: int = 14,
    missing: Sequence[int] = (4,),
    seed: int = 7,
    raw_nights: int = 7,
    first: date = FIRST,
    before_ns: int = 0,
) -> Made:
    """Write journals of an infant's nights; raw data of the last nights' series only, as after a month."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    evenings = [Evening(first + timedelta(days=n), before_ns) for n in range(nights) if n not in missing]
    series: list[Event] = []
    observed = 0
    for place, evening in enumerate(evenings):
        own = _series_of(evening, place, rng)
        series += own
        rows = list(_night(evening, place, own, with_raw=place >= len(evenings) - raw_nights))
        observed += sum(isinstance(r, Note) and r.kind == "movement_seen" for r in rows)
        with Journal.open(folder / night_name(bed_utc_ns(evening.day), ZONE)) as journal:
            journal.commit(rows)
    return Made(folder, tuple(e.day for e in evenings), tuple(series), observed)


def _night(evening: Evening, place: int, own: Sequence[Event], *, with_raw: bool) -> Iterator[Row]:
    begin_ns = evening.at()
    yield ClockRow(begin_ns, bed_utc_ns(evening.day), "boot", ZONE)
    yield config_of(Watch.of(INFANT, SITES, 100 + place), begin_ns)
    yield from _minutes(begin_ns, place)
    yield from _states(begin_ns)
    for one in own:
        yield one
        yield from _members(one)
        yield from _told(one, answered=place % 2 == 0)
        if with_raw:
            yield from _raw(one)
    yield from _others(evening, place)
    yield from _diary(evening, place, own)


def _minutes(begin_ns: int, place: int) -> Iterator[Coverage]:
    for n in range(HOURS * 60):
        usability, causes = Usability.USABLE, ()
        if place % 3 == 1 and 200 <= n < 230:
            usability, causes = Usability.BLIND, ("no_data:LA", "no_data:RA", "no_data:TR")
        elif place % 4 == 2 and 300 <= n < 420:
            usability, causes = Usability.DEGRADED, ("not_worn:LA",)
        share = 0.0 if usability is Usability.BLIND else 1.0
        seen = tuple((site, share) for site in SITES)
        yield Coverage(INFANT, begin_ns + n * MINUTE_NS, MINUTE_NS, usability, causes, seen)


def _states(begin_ns: int) -> Iterator[StateEpoch]:
    cycle = (*[State.ACTIVE_SLEEP] * 40, *[State.QUIET_SLEEP] * 50, *[State.AWAKE] * 12)
    for n in range(HOURS * 120):
        state = State.AWAKE if n < 20 else cycle[n % len(cycle)]
        yield StateEpoch(INFANT, begin_ns + n * 30 * NS, 30 * NS, state, 0.9, 0.5, 0.8, None)


def _series_of(evening: Evening, place: int, rng: np.random.Generator) -> list[Event]:
    """None in some nights, up to three in others; more in the second week."""
    made = []
    for number in range((0, 1, 1, 2, 1, 0, 3)[place % 7]):
        onset_ns = evening.at(1.5 + 3.1 * number + float(rng.uniform(0, 1.5)))
        count = int(rng.integers(4, 30))
        apart_s = float(rng.uniform(5, 14))
        made.append(
            _event(
                f"s{evening.day:%m%d}{number}", Label.SPASM_LIKE_CLUSTER, onset_ns, count * apart_s, count=count,
                interval_mean_s=apart_s, interval_cv=0.4, match=float(rng.uniform(0.55, 0.99)),
                since_waking_s=float(rng.uniform(60, 2400)) if number else None,
                side=("both", "left", "both", "right")[int(rng.integers(0, 4))],
                state_before=State.AWAKE if number else State.ACTIVE_SLEEP,
            )
        )  # fmt: skip
    return made


def _event(name: str, label: Label, onset_ns: int, length_s: float, **more: Any) -> Event:
    given: dict[str, Any] = {
        "status": EventStatus.END, "label": label, "infant": INFANT, "sites": SITES, "conveyed": 0.0,
        "state_before": State.QUIET_SLEEP, "state_after": State.AWAKE, "settings": "1:abc", **more,
    }  # fmt: skip
    end_ns = onset_ns + round(length_s * NS)
    return replace(event(name, 3, onset_ns), end_ns=end_ns, told_ns=end_ns + NS, **given)


def _members(whole: Event) -> Iterator[Event]:
    step_ns = (whole.end_ns - whole.onset_ns) // whole.count
    for number in range(whole.count):
        onset_ns = whole.onset_ns + number * step_ns
        yield _event(
            f"{whole.id}m{number}", Label.SPASM_LIKE, onset_ns, 1.2, count=1, parent=whole.id,
            interval_mean_s=None, interval_cv=None,
        )  # fmt: skip


def _others(evening: Evening, place: int) -> Iterator[Event]:
    for number in range(place % 4):
        onset_ns = evening.at(2.2 + 1.3 * number)
        yield _event(
            f"j{evening.day:%m%d}{number}", Label.SLEEP_JERK_TRAIN, onset_ns, 9.0 + number, count=22 + number,
            interval_mean_s=0.4, state_after=State.QUIET_SLEEP, since_waking_s=None, match=0.9,
        )  # fmt: skip
    if place % 5 == 3:
        yield _event(
            f"f{evening.day:%m%d}", Label.STIFFENING, evening.at(7.2), 6.5, count=1, match=0.7,
            interval_mean_s=None, interval_cv=None,
        )  # fmt: skip
    yield _event(f"k{evening.day:%m%d}", Label.MOVEMENT, evening.at(6.0), 4.0, count=3, match=0.5)


def _told(one: Event, *, answered: bool) -> Iterator[Row]:
    name = f"a{one.id}"
    yield Alert(
        name, 1, Severity.URGENT, INFANT, one.told_ns, one.label.wire, one.id, one.onset_ns, one.end_ns,
        one.count, "series-clear@1", "text",
    )  # fmt: skip
    if answered:
        yield acknowledged_row(name, 1, one.told_ns + 40 * NS, channel="mqtt", by="anna")
        yield Opinion(
            INFANT, one.id, one.told_ns + 300 * NS, "anna", "caregiver", str(Label.SPASM_LIKE_CLUSTER)
        )


def _diary(evening: Evening, place: int, own: Sequence[Event]) -> Iterator[Note]:
    if place == 1:
        facts = (("name", "Vitamin D"), ("dose", "500 IE"))
        yield Note(INFANT, evening.at(-0.5), "medicine", "", "anna", facts=facts, id="n-medicine")
    if place == 6:
        yield Note(
            INFANT,
            evening.at(0.2),
            "vaccination",
            "",
            "ben",
            facts=(("name", "6-fach"),),
            id="n-vaccine",
        )
    if place == 9:
        yield Note(INFANT, evening.at(3.0), "fever", "", "ben", facts=(("celsius", 38.6),), id="n-fever")
    if own and place % 2 == 0:
        facts = (
            ("looked_like", "bent forward, arms out"), ("before", "just_woken"), ("how_many", 6),
            ("when_woken", "went_on"),
        )  # fmt: skip
        at_ns = own[-1].onset_ns + 45 * NS
        yield Note(INFANT, at_ns, "movement_seen", "", "anna", facts=facts, id=f"n-seen-{place}")
    if place == 5:
        facts = (("looked_like", "both arms up"),)
        yield Note(
            INFANT,
            evening.at(4.4),
            "movement_seen",
            "in the cot, eyes open",
            "ben",
            facts=facts,
            id="n-arms",
        )


def _raw(one: Event) -> Iterator[Row]:
    """Packets of three sensors around a series: a bump of a second for each movement, on noise and gravity."""
    begin_ns, end_ns = one.onset_ns - 20 * NS, one.end_ns + 20 * NS
    n = (end_ns - begin_ns) // _STEP_NS // 16 * 16
    t_ns = begin_ns + np.arange(n) * _STEP_NS
    step_ns = (one.end_ns - one.onset_ns) // one.count
    shape = np.zeros(n)
    for number in range(one.count):
        since_s = (t_ns - one.onset_ns - number * step_ns) / NS
        shape += np.where((since_s > 0) & (since_s < 1.1), np.sin(np.pi * since_s / 1.1) ** 2, 0.0) * (
            1 + 0.4 * np.sin(2.1 * number)
        )
    for place, site in enumerate(SITES):
        rng = np.random.default_rng(place)
        acc = rng.normal(0, 0.004, (n, 3)) + np.array([0.0, 0.0, 1.0])
        acc[:, 0] += shape * (0.6, 0.5, 0.35)[place]
        turn = rng.normal(0, 0.5, (n, 3)) + shape[:, None] * 80
        counts = np.hstack((acc / _SCALE.acc_g, turn / _SCALE.gyro_dps)).clip(-32768, 32767).astype(np.int16)
        for seq in range(n // 16):
            made = Segment(
                site, f"sock-{site}", 7, int(begin_ns // NS * 200 + seq), int(t_ns[16 * seq]), _STEP_NS,
                counts[16 * seq : 16 * seq + 16], _SCALE,
            )  # fmt: skip
            yield segment_row(made, INFANT)
