"""Who was watched when is fed to the detector: live, after a restart and in every replay it decides alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.words import Wording
from dsp.records import NS, Alert, ClockRow, Coverage, Tick, Watchfulness, Watching
from lullwatch.arming import Armer
from lullwatch.nights import load
from lullwatch.replay import replay
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from store.journal import Journal
from store.rows import FedRow, Row
from store.utc import UtcMap
from tests.caregiving_rig import HandClock
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


class _Kept(list[Row]):
    """What an `Armer` has to say, for the next batch."""

    def add_quietly(self, row: Row) -> None:
        self.append(row)


def test_who_is_disarmed_stays_so_when_the_detector_begins_anew(tmp_path: Path) -> None:
    clock, kept = HandClock(0), _Kept()
    with Journal.open(tmp_path / "journal-2026-01-01.sqlite") as journal:

        def lives(watch: Watch, ticks: range) -> None:
            spine = Spine(journal, [watch])
            spine.begin(ClockRow(clock.now_ns(), CLOCK.utc_ns + clock.now_ns(), "boot", "UTC"))
            utc = UtcMap(journal.clock_rows())
            armer = Armer(infants=[KID], clock=clock, utc=utc, zone="UTC", keep=kept)  # type: ignore[arg-type]
            armer.begin(journal.watchings())
            for second in ticks:
                spine.take([*kept, FedRow(KID, Tick(second * NS))])
                kept.clear()
            spine.pause()
            spine.close()

        kept.append(Watching(KID, 0, Watchfulness.DISARMED, by="a1"))
        lives(Watch.of(KID, SITES, 200), range(0, 600, 5))
        clock.move(600)
        lives(Watch.of(KID, SITES, 200, Wording("de")), range(600, 1500, 5))
        assert blind(journal.alerts(KID)) == []
        after = [minute.causes for minute in journal.coverage(KID) if minute.t_ns >= 600 * NS]
        assert len(after) > 10
        assert all("disarmed" in causes for causes in after)


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
