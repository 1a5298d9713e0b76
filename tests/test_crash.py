"""Killed at any instant, the monitor loses nothing it acknowledged, tells nothing as two, and is soon back."""

from __future__ import annotations

import json
from pathlib import Path

from tests.crash_rig import kill_again_and_again, no_secret_left
from tests.servers_fixtures import Broker, Influx

SOON_S = 15.0
"""Five times the three seconds that hold on a computer of its own: the tests share theirs."""


async def test_ten_kills_at_random_instants(tmp_path: Path, mosquitto: Broker, influx: Influx) -> None:
    with no_secret_left():
        result = await kill_again_and_again(tmp_path, mosquitto, influx, kills=10, seed=20261122, spawn=False)
    assert result.packets > 300
    assert (result.missing, result.doubled) == (0, 0)
    assert result.points == result.points_due > 5000
    assert result.words > 0
    assert (result.contradictions, result.unheard_alerts) == (0, 0)
    assert result.nights == 2
    assert result.replayed_alike
    assert max(result.up_s) < SOON_S


def test_the_document_says_what_the_evidence_says_of_how_soon_it_detects_again() -> None:
    docs = Path(__file__).resolve().parents[1] / "docs"
    found = json.loads((docs / "evidence" / "crash.json").read_text(encoding="utf-8"))["figures"]
    median, p99, most = (f"{found[f'detecting_again_{what}_s']:.2f} s" for what in ("median", "p99", "most"))
    said = f"{median} (median of {found['restarts_timed']} starts), {p99} (99 of 100), {most} at most"
    text = " ".join((docs / "journal.md").read_text(encoding="utf-8").split())
    assert f"`docs/evidence/crash.json` {said}" in text
    assert "Nothing was lost, double or contradicted." in text
    assert [found[what] for what in ("missing", "doubled", "contradictions", "unheard_alerts")] == [0] * 4
