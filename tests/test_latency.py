"""How soon a series reaches an independent subscriber, at real pace and over the whole real stack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dsp.records import NS
from lullwatch.servers import LocalMosquitto

BENCH = Path(__file__).resolve().parents[1] / "bench"
SEEDS = (7600, 7603, 7606, 7607, 7609)
"""Five infants; what is measured is the way of the message, whatever the detector waits for."""


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    """bench/ is a folder of scripts that find each other there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        import latency  # type: ignore[import-not-found, unused-ignore]  # found by the path above

        yield latency


@pytest.fixture(scope="module")
def told(
    bench: ModuleType, _mosquitto_server: LocalMosquitto, tmp_path_factory: pytest.TempPathFactory
) -> list[Any]:
    homes = [bench.make_home(seed, series=1, count=5, warm_up_s=8.0, gaps_s=(5.0, 6.0)) for seed in SEEDS]
    return list(bench.at_real_pace(homes, tmp_path_factory.mktemp("latency"), _mosquitto_server, busy=True))


def test_five_series_at_real_pace_all_reach_the_subscriber(told: list[Any]) -> None:
    assert [t.heard_ns is not None for t in told] == [True] * len(SEEDS)


def test_where_the_third_spasm_decides_the_message_is_there_within_seconds(
    bench: ModuleType, told: list[Any]
) -> None:
    by_third = [t for t in told if t.by_the_third]
    assert len(by_third) >= 2, "too few to measure: the detector waited for a fourth"
    third = bench.figures(told)["third_s"]
    assert third["median"] <= 2.0
    assert third["p99"] <= 5.0


def test_from_the_decision_to_the_message_it_is_a_matter_of_a_second(
    bench: ModuleType, told: list[Any]
) -> None:
    delivery = bench.figures(told)["delivery_s"]
    assert delivery["n"] == len(SEEDS)
    assert delivery["median"] <= 2.0
    assert delivery["p99"] <= 5.0


def test_figures_keep_what_was_told_late_or_never_apart_and_hide_neither(bench: ModuleType) -> None:
    ends = (10 * NS, 20 * NS, 30 * NS, 40 * NS)
    never = bench.Told("kid", ends, 38 * NS)
    early = replace(never, decided_ns=31 * NS, heard_ns=32 * NS, severity="urgent")
    late = replace(never, decided_ns=41 * NS, heard_ns=41 * NS + NS // 2, severity="notice")
    said = bench.figures([never, early, late])
    assert (said["series"], said["told"], said["told_by_the_third"]) == (3, 2, 1)
    assert said["third_s"] == {"n": 1, "median": 2.0, "p99": 2.0, "worst": 2.0}
    assert said["delivery_s"]["worst"] == 1.0
    assert said["overdue_s"]["worst"] == 11.5
    assert said["series_s"]["n"] == 2
    crowded = replace(late, first_ns=21 * NS)
    assert not crowded.is_one_by_the_third
    assert bench.figures([crowded])["series_s"]["n"] == 0
    assert bench.spread([])["median"] is None


def test_a_message_counts_for_the_series_it_overlaps_and_only_as_a_series(bench: ModuleType) -> None:
    night = bench.make_home(SEEDS[0], series=2)
    first, second = bench.series_of(night)

    def heard(at_ns: int, pattern: str, onset_ns: int) -> Any:
        span = {"onset_ns": onset_ns + bench.START_UTC_NS, "end_ns": onset_ns + NS + bench.START_UTC_NS}
        body = {"pattern": pattern, "severity": "urgent", "decided_ns": at_ns + bench.START_UTC_NS, **span}
        return bench.Heard(at_ns, night.infant, body)

    single = heard(second.ends_ns[0], "brief_strong_movement", second.ends_ns[0])
    series = heard(second.ends_ns[2] + NS, bench.SERIES, second.ends_ns[1])
    stranger = replace(series, infant="other")
    a, b = bench.told_of(night, [series, single, stranger])
    assert a == first
    assert b.heard_ns == series.at_ns
