"""Who was watched when is fed to the detector: live, after a restart and in every replay it decides alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsp.records import NS, Alert, ClockRow, Coverage, Tick, Watchfulness, Watching
from lullwatch.nights import load
from lullwatch.replay import replay
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from store.journal import Journal
from store.rows import FedRow, Row
from tests.spine_examples import KID, SITES, five_minutes

MIN_NS = 60 * NS
CLOCK = ClockRow(0, 1_767_290_400 * NS, "boot", "UTC")
PAUSE = Watching(KID, 400 * NS, Watchfulness.PAUSED, 12 * MIN_NS, "bath", "a1")
RESUMED = Watching(KID, 12 * MIN_NS, Watchfulness.ARMED, None, "resumed")


def batches() -> list[list[Row]]:
    """Five minutes with a series, then silence of all sockets; paused from 6:40 to 12:00."""
    made = [list(batch) for batch in five_minutes()]
    for n in range(len(made), 20 * 60, 5):
        said = [row for row in (PAUSE, RESUMED) if (n - 5) * NS < row.t_ns <= n * NS]
        made.append([*said, FedRow(KID, Tick(n * NS))])
    return made


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a restart in the pause."""
    path = tmp_path_factory.mktemp("watched") / "journal-2026-01-01.sqlite"
    made = batches()
    for part in (made[:340], made[340:]):
        with Journal.open(path) as journal:
            spine = Spine(journal, [Watch.of(KID, SITES, 200)])
            spine.begin(CLOCK)
            for batch in part:
                spine.take(batch)
            spine.pause()
            spine.close()
    return path


def blind(alerts: list[Alert]) -> list[tuple[int, bool]]:
    return [(alert.t_ns, alert.cleared) for alert in alerts if alert.pattern == "blind"]


def test_blind_rings_five_minutes_after_the_pause_and_the_paused_minutes_say_so(night: Path) -> None:
    with Journal.read_only(night) as journal:
        ((rang_ns, cleared),) = blind(journal.alerts(KID))
        minutes = {c.t_ns: c for c in journal.coverage(KID)}
        assert journal.watchings(KID) == [PAUSE, RESUMED]
    assert not cleared
    assert 17 * MIN_NS <= rang_ns <= 18 * MIN_NS
    paused = [t_ns // MIN_NS for t_ns, minute in sorted(minutes.items()) if "paused" in minute.causes]
    assert paused == [6, 7, 8, 9, 10, 11]


def test_an_urgent_pattern_rings_whatever_was_said_about_being_watched(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal-2026-01-01.sqlite") as journal:
        spine = Spine(journal, [Watch.of(KID, SITES, 200)])
        spine.begin(CLOCK)
        made = five_minutes()
        made[0] = [Watching(KID, 0, Watchfulness.DISARMED), *made[0]]
        for batch in made:
            spine.take(batch)
        spine.close()
        assert [a.severity.value for a in journal.alerts(KID) if a.facts.get("announce") == "ring"] == [
            "urgent"
        ]


def test_a_replay_in_the_order_of_arrival_decides_about_blindness_as_live_did(night: Path) -> None:
    (kept,) = load(night, as_arrived=True)
    told = replay(kept).told
    with Journal.read_only(night) as journal:
        assert told.alerts == journal.alerts(KID)
        assert told.coverage == journal.coverage(KID)


def test_a_settled_replay_knows_the_pause_at_any_speed(night: Path) -> None:
    (kept,) = load(night)
    told = replay(kept).told

    def causes(minutes: list[Coverage]) -> dict[int, bool]:
        return {c.t_ns: "paused" in c.causes for c in minutes}

    with Journal.read_only(night) as journal:
        live = causes(journal.coverage(KID))
    assert causes(told.minutes).items() <= live.items()
