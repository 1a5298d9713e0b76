"""Work beside recording and deciding that begins again when it fails: a ping or a page must not end the night."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from dsp.clock import Clock

__all__ = ["SideWork"]

_log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
"""A link that failed of one odd packet is back before the sensor's memory matters."""
LAST_PAUSE_S = 60.0
"""What fails again and again is tried once a minute: enough to be there soon after it is mended, little to read."""
WELL_S = 60.0
"""What has lived so long since it failed is well."""
TOLD_FROM = 2
"""Failures in a row from which on a person is told; what failed once was begun again before anybody could look."""


class SideWork:
    """Does its work until it ends by itself or is cancelled; when it fails, it is logged, told, and begun again.

    Args:
        name: of the part, for the log and for people; ids only.
        work: begins it; called again after a failure.
        clock: times the pauses.
        say: told why it fails (the kind of failure alone, for messages hold addresses), and "" once it is well.
        most: failures in a row after which the last is raised; None: none ever is.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        *,
        clock: Clock,
        say: Callable[[str], None],
        most: int | None = None,
    ) -> None:
        self._name = name
        self._work = work
        self._clock = clock
        self._say = say
        self._most = most
        self._failed = 0
        """times in a row"""

    async def run(self) -> None:
        """Raises what it failed of last where `most` allows no more."""
        while not await self._once():
            await self._clock.sleep(min(FIRST_PAUSE_S * 2 ** (self._failed - 1), LAST_PAUSE_S))

    async def _once(self) -> bool:
        """Whether the work ended as it should."""
        well = asyncio.create_task(self._well_later()) if self._failed else None
        try:
            await self._work()
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            self._note(error)  # something that it waited for was cancelled
        except Exception as error:  # noqa: BLE001 - whatever it is, recording and deciding go on
            self._note(error)
        else:
            self._is_well()
            return True
        finally:
            if well is not None:
                well.cancel()
        return False

    def _note(self, error: BaseException) -> None:
        self._failed += 1
        why = type(error).__name__
        _log.error("%s failed: %s: %s", self._name, why, error, exc_info=error)
        if self._most is not None and self._failed >= self._most:
            raise error
        if self._failed >= TOLD_FROM:
            self._say(f"{self._name}: {why}")

    async def _well_later(self) -> None:
        await self._clock.sleep(WELL_S)
        self._is_well()

    def _is_well(self) -> None:
        if self._failed:
            _log.info("%s goes on", self._name)
        if self._failed >= TOLD_FROM:
            self._say("")
        self._failed = 0


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
