"""What a service manager is told: that the monitor is up, alive and stopping. Without one, nothing happens.

References:
    sd_notify(3), systemd.service(5): Type=notify, WatchdogSec
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping

__all__ = ["Notifier"]

_log = logging.getLogger(__name__)

_PER_WATCH = 4
"""Signs of life in the time the service manager waits for one: a slow disk may hold one up for half of that time."""


class Notifier:
    """Speaks to the socket that the service manager names in the environment.

    Args:
        environ: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are looked at.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        name = environ.get("NOTIFY_SOCKET", "")
        # a name that begins with @ lies in the abstract namespace
        self._address = "\0" + name[1:] if name.startswith("@") else name
        meant = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        usec = environ.get("WATCHDOG_USEC", "")
        self.watch_s = int(usec) / 1e6 if meant and usec.isdecimal() else 0.0
        """seconds within which a sign of life is due; 0 when none is"""

    def say(self, *lines: str) -> None:
        """Send lines such as `READY=1`; a service manager that does not listen is logged once each and ends nothing."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
                link.connect(self._address)
                link.sendall("\n".join(lines).encode())
        except OSError as error:
            _log.warning("the service manager cannot be told %s: %s", " ".join(lines), error)

    async def watch(self, alive: Callable[[], Awaitable[object]]) -> None:
        """Give signs of life as long as `alive` answers in time; for ever.

        The service manager starts the program anew when they stay away: when the event loop hangs, or `alive` does.
        """
        if not (self._address and self.watch_s):
            return
        pause_s = self.watch_s / _PER_WATCH
        while True:
            try:
                async with asyncio.timeout(pause_s):
                    await alive()
            except TimeoutError:
                _log.error("no sign of life: what was begun does not come to its end")
                continue  # the sign is late already: it is due the moment that what held it up is over
            self.say("WATCHDOG=1")
            await asyncio.sleep(pause_s)
