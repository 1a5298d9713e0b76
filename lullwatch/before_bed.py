"""Whether everything is ready for the night: one line for each thing that it hangs on, all looked at side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from alerts.severity import TABLE

from . import before_bed_place as place
from .aside import aside
from .before_bed_arming import starting_disarmed
from .before_bed_sensors import LISTEN_S, OnRadio, adapter_and_sensors
from .control import ask
from .errors import NoMonitor
from .findings import FAIL, OK, WARN, Finding
from .settings import GatewaySettings

__all__ = ["Looks", "look_at_everything", "status_of"]

STATUS_TIMEOUT_S: Final = 5.0
TIMEOUT_S: Final = 20.0
"""For each thing by itself: a broker that is not there says so in ten."""
RADIO_TIMEOUT_S: Final = LISTEN_S + 90.0
"""Every sensor is connected to, one after the other."""


Look = Callable[[], Awaitable[Sequence[Finding]]]


@dataclass(frozen=True, slots=True)
class Looks:
    """What is looked at, and how."""

    path: Path
    settings: GatewaySettings
    nights: int = 7
    send_test: bool = False
    on_radio: OnRadio | None = None
    """listens for sensors; None: the computer's own Bluetooth"""

    @property
    def folder(self) -> Path:
        """Of the journals."""
        return Path(self.settings.journal_dir).expanduser()


async def look_at_everything(
    looks: Looks, *, on_done: Callable[[str], None] = lambda _: None
) -> list[Finding]:
    """All findings, in the order of the night's way; `on_done` is told what was looked at.

    Nothing is changed and nobody is told anything, unless `send_test` asks for it.
    """
    from . import before_bed_people as people

    settings = looks.settings
    folder = looks.folder
    status = await status_of(folder)
    work: list[tuple[str, float, Look]] = [
        ("settings", TIMEOUT_S, partial(aside, place.settings_file, looks.path, settings)),
        ("scenario", TIMEOUT_S, partial(aside, place.scenario, settings)),
        ("monitor", TIMEOUT_S, partial(_monitor, status, settings, folder)),
        ("sensors", RADIO_TIMEOUT_S, partial(adapter_and_sensors, settings, status, looks.on_radio)),
        ("clock", TIMEOUT_S, partial(aside, place.clock, folder)),
        ("disk", TIMEOUT_S, partial(aside, place.disk, settings, folder, looks.nights)),
        ("journal", TIMEOUT_S, partial(aside, place.journal, folder)),
        ("broker", TIMEOUT_S, partial(people.broker, settings)),
        ("database", TIMEOUT_S, partial(aside, people.database, settings)),
        ("people", TIMEOUT_S, partial(people.channels, settings, send_test=looks.send_test, path=looks.path,
                                      status=status)),
        ("watch", TIMEOUT_S, partial(aside, people.watch, settings)),
        ("ports", TIMEOUT_S, partial(aside, place.ports, settings, status)),
        ("certificates", TIMEOUT_S, partial(aside, people.certificates, settings)),
        ("page", TIMEOUT_S, partial(aside, people.page, settings, looks.path)),
    ]  # fmt: skip
    if looks.send_test:
        work = [(name, people.TEST_S if name == "people" else limit_s, look) for name, limit_s, look in work]
    found = await asyncio.gather(*(_looked(name, limit_s, look, on_done) for name, limit_s, look in work))
    return [finding for some in found for finding in some]


async def _looked(name: str, limit_s: float, look: Look, on_done: Callable[[str], None]) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(limit_s):
            return await look()
    except TimeoutError:
        return [Finding(name, FAIL, f"no answer in {limit_s:.0f} s", "look whether it is reachable at all")]
    except Exception as error:  # noqa: BLE001 - one look that fails must not hide what the others find
        why = f"could not be looked at: {type(error).__name__}: {error}"
        return [Finding(name, FAIL, why, "read the line; if it says nothing to you, report it")]
    finally:
        on_done(name)


async def status_of(folder: Path) -> dict[str, Any] | None:
    """What the running monitor says of itself; None when none runs."""
    try:
        return await ask(folder, "status", timeout_s=STATUS_TIMEOUT_S)
    except NoMonitor:
        return None


async def _monitor(
    status: dict[str, Any] | None, settings: GatewaySettings, folder: Path
) -> Sequence[Finding]:
    if status is None:
        if await aside(place.is_written, folder):
            why = (
                "runs, but does not answer: it has only just begun, it hangs, or it could make no socket here"
            )
            return [Finding("monitor", WARN, why, "look again in a minute, then at its log")]
        disarmed = await aside(starting_disarmed, settings, folder)
        return disarmed or [Finding("monitor", OK, "does not run yet")]
    found = []
    for trouble in status.get("troubles", []):
        what = " ".join(filter(None, (trouble["kind"], trouble["infant"], trouble["detail"])))
        word = FAIL if TABLE.technical_row(trouble["kind"]).rings else WARN
        said = f"tells of trouble: {what} since {trouble['since']}"
        found.append(Finding("monitor", word, said, "see docs/alerts.md"))
    for infant, stands in status.get("infants", {}).items():
        watching = stands["watching"]
        if watching["state"] != "armed":
            until = f" until {watching['until']}" if watching["until"] else ""
            remedy = "lullwatch arm SETTINGS, or wait for the schedule"
            found.append(Finding("monitor", WARN, f"infant {infant} is {watching['state']}{until}", remedy))
    return found or [Finding("monitor", OK, "runs, armed, and tells of no trouble")]
