"""Follows the computer's UTC: set by NTP late after the start, or by hand, or wrong altogether."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from dsp.clock import Clock
from dsp.records import NS, ClockRow

from .system_clock import knows_date

__all__ = ["LOOK_AT_UTC_EVERY_S", "UTC_FOLLOW_NS", "UTC_STEP_NS", "follow_utc", "skipped_at_start"]

_log = logging.getLogger(__name__)

LOOK_AT_UTC_EVERY_S = 60.0
"""A computer without a battery clock learns the time minutes after its start; a minute of wrong times is bearable."""
UTC_FOLLOW_NS = NS // 50
"""UTC is to be right within 50 ms: what the clock was set by, or drifted by where the system's boot-time clock is not
disciplined with it, is followed from 20 ms on."""
UTC_STEP_NS = NS // 2
"""Slewing by NTP stays far below half a second a minute; what is more was a step."""


async def follow_utc(
    clock: Clock,
    read_clock: Callable[[], ClockRow],
    *,
    known: ClockRow,
    on_set: Callable[[ClockRow], None],
    say: Callable[[str], None],
) -> None:
    """Look at UTC every minute of data time, until cancelled.

    Args:
        clock: data time.
        read_clock: gives the tie between data time and UTC as it is now.
        known: the tie as it was journalled last.
        on_set: told each tie that is to be journalled.
        say: told what is wrong with the clock, or with an empty text that it is well.
    """
    while True:
        await clock.sleep(LOOK_AT_UTC_EVERY_S)
        row = read_clock()
        step_ns = abs((row.utc_ns - row.t_ns) - (known.utc_ns - known.t_ns))
        if step_ns > UTC_FOLLOW_NS:
            on_set(row)
            known = row
        if step_ns > UTC_STEP_NS:
            _log.warning("the computer's clock was set; times of day before this moment may be wrong")
            say("the clock was set")
        elif not knows_date(row.utc_ns):
            say("the computer does not know the date")
        else:
            say("")


def skipped_at_start(rows: Sequence[ClockRow]) -> tuple[int, int]:
    """The data time at which the newest boot began, and by how much too far data time had gone on to it.

    That is known once a clock that came up ahead was set back: until then what it says stands.

    Args:
        rows: clock rows, oldest first.
    """
    since = next((i for i in range(len(rows), 0, -1) if rows[i - 1].boot != rows[-1].boot), 0)
    if not since:
        return 0, 0
    before, first, last = (row.utc_ns - row.t_ns for row in (rows[since - 1], rows[since], rows[-1]))
    gone_ns = rows[since].t_ns - rows[since - 1].t_ns
    by_ns = min(before - last, first - last, gone_ns)
    return rows[since].t_ns, by_ns if by_ns > UTC_STEP_NS and knows_date(rows[-1].utc_ns) else 0
