"""`lullwatch up`: the monitor and the pages of one gateway under a supervisor."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from store.errors import JournalBusy, JournalDamaged, JournalFailing, JournalFull, StoreError

from .errors import LullwatchError
from .service_notify import Notifier
from .settings import GatewaySettings
from .supervisor import CANNOT_RUN, Part, Patience, Supervisor

__all__ = ["run_up"]

_log = logging.getLogger(__name__)

_PASSING = (JournalBusy, JournalDamaged, JournalFailing, JournalFull)
"""What a disk may get over by itself, and damage that is mended before the next start: it is tried again, and people
are told when it goes on."""


def run_up(
    path: Path, settings: GatewaySettings, *, page: bool = True, patience: Patience | None = None
) -> int:
    """Run the monitor and, unless `page` is False, the pages until SIGINT or SIGTERM.

    Args:
        path: of the settings file.
        settings: read from it.
        page: whether there are pages; copying and sealing are done beside them.
        patience: of the supervisor.

    Returns:
        The exit status.
    """
    # one thread is enough for the live detector, and a copy of a process with several would miss the others
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from . import (
        alarm,  # noqa: F401 - loaded before the copies are made: see lullwatch.supervisor
        monitor,
    )

    parts = [Part("monitor", _guarded(partial(monitor.run, settings)))]
    if page:
        parts.append(Part("serve", _guarded(partial(_serve, path)), vital=False))
    notifier = Notifier()
    # the parts have a service manager of their own: us
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        os.environ.pop(name, None)
    supervisor = Supervisor(
        parts,
        told=partial(_tell, settings),
        began=partial(notifier.say, "READY=1", "STATUS=listening"),
        patience=patience,
    )
    _log.info("starting %s", " and ".join(part.name for part in parts))
    return supervisor.run()


def _tell(settings: GatewaySettings, part: str, why: str) -> None:
    from .alarm import tell_of

    tell_of(settings, part, why)


def _serve(path: Path) -> None:
    from .commands.serve import serve_until_stopped

    # without a supervisor the pages end as at any stop; that nobody watches is the monitor's to tell
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    serve_until_stopped(path)


def _guarded(run: Callable[[], object]) -> Callable[[], int]:
    """What a command does with errors that are meant for people."""

    def guarded() -> int:
        try:
            run()
        except LullwatchError as error:
            _log.error("%s", error)
            return CANNOT_RUN
        except StoreError as error:
            _log.error("%s", error)
            return 1 if isinstance(error, _PASSING) else CANNOT_RUN
        return 0

    return guarded
