"""`lullwatch status` and `lullwatch pause`: what they print of the running monitor's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lullwatch.__main__ import main
from lullwatch.control import PAUSE, STATUS, Control

SETTINGS = """
gateway = "gw"
journal_dir = "{folder}"
[[infants]]
id = "kid"
[[infants.sensors]]
site = "LA"
address = "C0:00:00:00:00:01"
"""
SINCE = "2026-01-01T18:00:00Z"
STANDS: dict[str, Any] = {
    "ok": True, "gateway": "gw", "at": SINCE, "broker": "",
    "infants": {"kid": {"watching": {"state": "armed", "until": None, "reason": "", "by": ""}, "links": [
        {"site": "LA", "sensor": "la", "state": "searching", "battery": None, "lost": 3}]}},
    "troubles": [
        {"kind": "database", "infant": "", "detail": "", "since": SINCE},
        {"kind": "link", "infant": "kid", "detail": "LA la", "since": SINCE},
    ],
    "alerts": [
        {"id": "alert-1", "infant": "", "severity": "technical"},
        {"id": "alert-2", "infant": "kid", "severity": "urgent"},
    ],
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x.toml"
    path.write_text(SETTINGS.format(folder=tmp_path))
    return path


async def ended(path: Path, *words: str) -> int:
    """The exit status of a command, asked of a monitor that answers as above."""

    async def status(_: Mapping[str, Any]) -> Mapping[str, Any]:
        return STANDS

    async def pause(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            "ok": False,
            "why": f"{asked['minutes']} minutes",
            "remedy": "pause for 1 to 60, or 0 to resume",
        }

    async with Control(path.parent, {STATUS: status, PAUSE: pause}):
        return await asyncio.to_thread(main, [words[0], str(path), *words[1:]])


async def test_trouble_of_the_gateway_itself_is_told_without_an_infant(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await ended(path, "status") == 1
    assert capsys.readouterr().out.splitlines() == [
        f"gateway gw at {SINCE}; broker: none",
        "infant kid: armed",
        "  LA la: searching, 3 packets lost",
        f"trouble: database since {SINCE}",
        f"trouble: link kid LA la since {SINCE}",
        "nobody has answered: technical alert-1 of this gateway",
        "nobody has answered: urgent alert-2 of infant kid",
    ]


async def test_a_pause_that_is_refused_ends_with_1_and_what_to_do(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await ended(path, "pause", "--minutes", "100") == 1
    assert "pause for 1 to 60" in capsys.readouterr().err


def test_without_a_monitor_it_says_how_to_start_one(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(path)]) == 2
    assert "lullwatch up" in capsys.readouterr().err
