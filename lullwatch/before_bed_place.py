"""Before the night: this computer's clock, its disk, and the journal on it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final

from lullwatch.private import shared_mode
from store.cursors import Cursors
from store.database import is_claimed
from store.errors import JournalReadOnly, StoreError
from store.journal import Journal
from store.sealing import sealed_path
from store.shelf import Shelf

from .errors import BadScenario
from .findings import FAIL, OK, WARN, Finding
from .journal_folder import make_journal_folder, open_to_others
from .metrics import HOST as METRICS_HOST
from .settings import GatewaySettings, PageSettings
from .system_clock import MADE_UP, knows_date, set_over_network

__all__ = ["clock", "disk", "journal", "ports", "scenario", "settings_file"]

_NIGHT_OF_SENSOR_BYTES: Final = 142_000_000
"""A night of ten hours of one sock, six axes at 104 Hz: 82 MB with everything told of it, 60 MB its sealed copy
(docs/evidence/journal-cost.json, sealing.json)."""
_NIGHTS_LOOKED_AT: Final = 7
_ASKED_S: Final = 3.0
_MOST_READ: Final = 4096
_TO_ITSELF: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is spoken to, not listened on
_AHEAD_S: Final = 120
"""A computer whose clock is set by NTP was never so far behind itself."""


def settings_file(path: Path, settings: GatewaySettings) -> list[Finding]:
    """Whether the week of birth stays with the owner of the settings; nothing is said where it does not stand there."""
    if all(infant.birth_week is None for infant in settings.infants):
        return []
    if (mode := shared_mode(path)) is not None:
        said = f"{path} holds a week of birth, and others may read it (mode {mode:04o})"
        return [Finding("settings", WARN, said, f"chmod 600 {path}")]
    return [Finding("settings", OK, "the week of birth can be read by the owner alone")]


def scenario(settings: GatewaySettings) -> list[Finding]:
    """Whether the made-up infant's scenario can be had; nothing is said where nobody is made up."""
    if settings.simulated is None:
        return []
    name, remedy = settings.simulated.scenario, "lullwatch simulate --list names those there are"
    try:
        from .simulate import read_scenario

        plan = read_scenario(name)
    except BadScenario as error:
        return [Finding("scenario", FAIL, str(error), remedy)]
    return [Finding("scenario", OK, f"{name}, {plan.duration_s / 60:.0f} minutes of a made-up infant")]


def clock(folder: Path) -> list[Finding]:
    """Whether the computer knows the time."""
    remedy = "set the clock, or bring the computer onto the network for a minute: timedatectl"
    now_ns = time.time_ns()
    if not knows_date(now_ns):
        return [Finding("clock", FAIL, "the computer does not know the date", remedy)]
    newest_ns = _newest_utc_ns(folder)
    if newest_ns is not None and now_ns < newest_ns - _AHEAD_S * 1_000_000_000:
        behind_h = (newest_ns - now_ns) / 3.6e12
        return [Finding("clock", FAIL, f"it is {behind_h:.1f} h behind what was recorded last", remedy)]
    synchronised = set_over_network()
    if synchronised is None:
        return [Finding("clock", OK, "sane; whether it is set over the network is not known here")]
    if not synchronised:
        return [
            Finding(
                "clock",
                WARN,
                "sane, but not set over the network",
                "see that NTP is on: timedatectl set-ntp true",
            )
        ]
    return [Finding("clock", OK, "set over the network")]


def is_written(folder: Path) -> bool:
    """Whether somebody writes the newest night just now."""
    with contextlib.suppress(StoreError, OSError), Shelf(folder) as shelf:
        newest = shelf.newest()
        return newest is not None and is_claimed(newest)
    return False


def _newest_utc_ns(folder: Path) -> int | None:
    with contextlib.suppress(StoreError, OSError), Shelf(folder) as shelf:
        newest = shelf.newest()
        if newest is not None:
            with Journal.read_only(newest) as night:
                rows = night.clock_rows()
                ahead = any(row.boot == MADE_UP for row in rows)
                return None if ahead or not rows else rows[-1].utc_ns
    return None


def disk(settings: GatewaySettings, folder: Path, nights: int) -> list[Finding]:
    """For how many nights there is room, by what the last ones took."""
    place = next(p for p in (folder, *folder.parents) if p.exists())
    spare = shutil.disk_usage(place).free - settings.journal.min_free_mb * 1_000_000
    a_night = _night_bytes(settings, folder)
    room = max(0, int(spare / a_night))
    said = f"room for {room} nights of {a_night / 1e6:.0f} MB in {folder}"
    remedy = f"make room, or keep raw data for fewer days: raw_days = {settings.journal.raw_days:g}"
    if room < 1:
        return [Finding("disk", FAIL, said, remedy)]
    return [Finding("disk", WARN if room < nights else OK, said, remedy if room < nights else "")]


def _night_bytes(settings: GatewaySettings, folder: Path) -> int:
    sensors = sum(len(infant.sensors) for infant in settings.infants)
    sizes = []
    with contextlib.suppress(OSError), Shelf(folder) as shelf:
        for path in shelf.nights()[:-1][-_NIGHTS_LOOKED_AT:]:
            files = (path, sealed_path(path), Cursors.path_beside(path))
            sizes.append(sum(file.stat().st_size for file in files if file.exists()))
    return max([sensors * _NIGHT_OF_SENSOR_BYTES // 3, *sizes]) if sizes else sensors * _NIGHT_OF_SENSOR_BYTES


def ports(settings: GatewaySettings, status: Mapping[str, Any] | None) -> list[Finding]:
    """Whether what the monitor and the pages serve can be; while it runs its own troubles say so."""
    if status is not None:
        return []
    wanted = []
    if settings.ack_page is not None:
        wanted.append(("ack_page", settings.ack_page.host, settings.ack_page.port))
    if settings.metrics is not None:
        wanted.append(("metrics", METRICS_HOST, settings.metrics.port))
    found = [_of_port(*place) for place in wanted]
    # of the pages another look says the rest
    pages = _of_port("page", settings.page.host, settings.page.port)
    return found if pages.word is OK or _are_ours(settings.page) else [*found, pages]


def _are_ours(page: PageSettings) -> bool:
    """Whether what listens there are pages of lullwatch: they run by themselves, too."""
    host = _TO_ITSELF.get(page.host, page.host)
    try:
        if page.cert_file is None:
            there = HTTPConnection(host, page.port, timeout=_ASKED_S)
        else:  # whose certificate it is does not matter: nothing is told, and the answer is looked at for a word
            unknown = ssl.create_default_context()
            unknown.check_hostname, unknown.verify_mode = False, ssl.CERT_NONE
            there = HTTPSConnection(host, page.port, timeout=_ASKED_S, context=unknown)
        with contextlib.closing(there):
            there.request("GET", "/manifest.webmanifest")
            return b"lullwatch" in there.getresponse().read(_MOST_READ)
    except (OSError, HTTPException, ValueError):
        return False


def _of_port(table: str, host: str, port: int) -> Finding:
    name, place = table.replace("_", " "), f"{host}:{port}"
    try:
        for family, kind, number, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind, number) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        remedy = f"give an address of this computer and a port nobody uses: [{table}]"
        return Finding(name, FAIL, f"cannot be served on {place} ({why})", remedy)
    return Finding(name, OK, f"can be served on {place}")


def journal(folder: Path) -> list[Finding]:
    """Whether the nights can be read, and something be written beside them."""
    remedy = f"see that {folder} belongs to this user and its disk is whole"
    try:
        make_journal_folder(folder, mend=False)
        probe = folder / f".probe-{os.getpid()}"
        try:
            with probe.open("wb") as file:
                file.write(b"\0" * 4096)
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    except JournalReadOnly as error:
        return [Finding("journal", FAIL, str(error), remedy)]
    except OSError as error:
        return [Finding("journal", FAIL, f"{folder} cannot be written: {error.strerror or error}", remedy)]
    try:
        with Shelf(folder) as shelf:
            nights = shelf.nights()
            damaged = shelf.damaged()
        if nights:
            with Journal.read_only(nights[-1]) as night:
                night.clock_rows()
    except StoreError as error:
        return [Finding("journal", FAIL, str(error), remedy)]
    if damaged:
        what = f"{damaged[0].name} is damaged; it is mended at the next start"
        return [Finding("journal", WARN, what, "look at the disk")]
    if others := open_to_others(folder):
        more = f" and {len(others) - 1} of the files in it" if len(others) > 1 else ""
        what = f"others on this computer can read {others[0]}{more}"
        return [
            Finding("journal", WARN, what, f"it is closed at the next start; or: chmod -R go-rwx {folder}")
        ]
    return [Finding("journal", OK, f"writable, {len(nights)} nights in {folder}")]
