"""The gateway's clock: the kernel's boot-time clock, which neither NTP nor a missing battery can step."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import time
import uuid
from pathlib import Path

from dsp.records import NS, ClockRow

__all__ = ["EARLIEST_UTC_NS", "MADE_UP", "SystemClock", "boot_id", "knows_date", "resume", "set_over_network"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_READINGS = 5
"""Of five readings in a row one is not interrupted, also on a computer that is busy."""
EARLIEST_UTC_NS = 1_767_225_600 * NS
"""2026-01-01: a computer that says it is earlier has no battery clock and has not heard the time yet."""
MADE_UP = "simulated"
"""Stands instead of a boot's id in clock rows of made-up nights."""
_ASKED_S = 5.0
"""So long `timedatectl` is waited for."""
_THIS_RUN = uuid.uuid4().hex


def knows_date(utc_ns: int) -> bool:
    """Whether this can be UTC: a computer without a battery clock does not know it until a network tells it."""
    return utc_ns >= EARLIEST_UTC_NS


def set_over_network() -> bool | None:
    """Whether systemd or chrony has set the clock since the computer began; None where neither can be asked."""
    program = shutil.which("timedatectl")
    if program is None:
        return None
    line = [program, "show", "-p", "NTPSynchronized", "--value"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(line, capture_output=True, text=True, timeout=_ASKED_S, check=True)  # noqa: S603 - fixed words
        return {"yes": True, "no": False}.get(done.stdout.strip())
    return None


def boot_id() -> str:
    """Id of this boot of the computer; where the kernel has none, of this process."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip().replace("-", "")
    except OSError:
        return _THIS_RUN


def _boottime_ns() -> int:
    # CLOCK_BOOTTIME goes on while the computer sleeps; elsewhere than on Linux the monotonic clock must do.
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _together_ns() -> tuple[int, int]:
    """Boot time and UTC of one moment: of several readings the one that nothing came between."""
    readings = []
    for _ in range(_READINGS):
        before_ns, utc_ns, after_ns = _boottime_ns(), time.time_ns(), _boottime_ns()
        readings.append((after_ns - before_ns, before_ns, utc_ns))
    width_ns, before_ns, utc_ns = min(readings)
    return before_ns + width_ns // 2, utc_ns


class SystemClock:
    """Data time of a live gateway: boot time plus an offset that continues an earlier journal's timeline."""

    def __init__(self, offset_ns: int = 0) -> None:
        self._offset_ns = offset_ns

    def now_ns(self) -> int:
        """Data time in nanoseconds."""
        return _boottime_ns() + self._offset_ns

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(seconds)

    def row(self, zone: str) -> ClockRow:
        """The tie between data time, boot time and UTC at this moment, to be journalled."""
        monotonic_ns, utc_ns = _together_ns()
        return ClockRow(
            t_ns=monotonic_ns + self._offset_ns,
            utc_ns=utc_ns,
            boot=boot_id(),
            zone=zone,
            monotonic_ns=monotonic_ns,
        )


def resume(last: ClockRow | None, newest_ns: int | None = None) -> SystemClock:
    """A clock that continues the timeline of a journal.

    Within one boot the offset stays what it was. After a boot, data time goes on from the last clock row by as
    much as UTC did, but never from before one second after the newest data: a computer without a battery clock
    wakes up in the past. A row from before the computer knew the date does not say how long ago it was.

    Args:
        last: the journal's newest clock row; None begins a timeline.
        newest_ns: newest data time in the journal.
    """
    if last is None:
        return SystemClock()
    if last.boot == boot_id():
        return SystemClock(last.t_ns - last.monotonic_ns)
    floor_ns = max(last.t_ns, newest_ns or last.t_ns) + NS
    by_utc_ns = last.t_ns + time.time_ns() - last.utc_ns if knows_date(last.utc_ns) else floor_ns
    return SystemClock(max(by_utc_ns, floor_ns) - _boottime_ns())
