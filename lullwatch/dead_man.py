"""The dead man's handle: an address is asked every minute while everything runs, so that others notice when not."""

from __future__ import annotations

import asyncio
import http.client
import logging
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable

from dsp.clock import Clock

__all__ = ["NO_ANSWER", "DeadManPing", "Fetch", "fetch"]

_log = logging.getLogger(__name__)

EVERY_S = 60.0
"""Services that watch for silence expect one sign a minute and forgive a few."""
_TIMEOUT_S = 10.0

Fetch = Callable[[str], Awaitable[None]]
"""GETs an address; raises one of `NO_ANSWER` when nobody answers as hoped."""
NO_ANSWER = (OSError, http.client.HTTPException, ValueError)
"""Nobody there; what answers speaks no HTTP, as a page to log in at may; or it leads on to an address that is none."""


class DeadManPing:
    """Asks for a page every minute as long as `alive` says so; that it fails is logged once and is no alarm.

    Args:
        url: whom to ask.
        clock: times the asking.
        alive: whether rows are still being committed.
        get: fetches a page.
    """

    def __init__(
        self, url: str, *, clock: Clock, alive: Callable[[], bool], get: Fetch | None = None
    ) -> None:
        self._url = url
        self._clock = clock
        self._alive = alive
        self._get = get or fetch
        self._failing = False

    async def run(self) -> None:
        """Ask again and again, until cancelled."""
        while True:
            if self._alive():
                await self._ask()
            else:
                _log.error(
                    "nothing was committed for a minute: whoever watches is no longer told that all is well",
                    extra={"do": "look at the disk of journal_dir: is it full, or failing? docs/journal.md"},
                )
            await self._clock.sleep(EVERY_S)

    async def _ask(self) -> None:
        try:
            await self._get(self._url)
        except NO_ANSWER as error:
            # the address may hold a token, so only the kind of failure is logged
            if not self._failing:
                _log.warning("the address of [watch] ping_url did not answer: %s", type(error).__name__)
            self._failing = True
        else:
            self._failing = False


async def fetch(url: str) -> None:
    """GET a page in a thread.

    Raises one of `NO_ANSWER` when nobody answered, or not with success.
    """
    await asyncio.to_thread(_fetch, url)


def _fetch(url: str) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "lullwatch"})  # noqa: S310 - the settings allow http(s) only
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - as above
        answer.read(1)
