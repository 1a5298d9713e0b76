"""What is done beside the monitor, in the process of the pages: the copy into InfluxDB, and nights put to rest.

The monitor carries none of it: a database that hangs, or a night of 200 MB that is sealed, takes nothing from who
listens. What goes wrong here is told to the running monitor, which tells people.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from store.errors import StoreError
from store.influx import InfluxSink, Raw
from store.sealing import sealed_path
from store.shelf import Shelf

from .control import TROUBLE, ask
from .copier import Copier, Pauses
from .errors import NoMonitor
from .server_process import tied
from .settings import GatewaySettings, InfluxSettings, read_secret

__all__ = ["Housekeeping", "Sealer", "Teller", "sink_of"]

_log = logging.getLogger(__name__)

LINGER_S: Final = 1.0
"""What the database gets may wait so long for company: one request a second and not one with every commit."""
LOOK_EVERY_S: Final = 60.0
"""Between two looks whether a night is over: it is so once a day."""
BEGIN_AGAIN_S: Final = 60.0
"""After a failure that nobody foresaw, or a newest night that cannot be opened now."""
WAIT_FOR_NIGHT_S: Final = 1.0
"""Between two looks whether there is a journal at all: at the very first start the monitor makes it in seconds."""
TELL_AGAIN_S: Final = 5.0
"""A monitor that is started anew answers within three seconds."""
ASK_TIMEOUT_S: Final = 5.0
ROOM_FACTOR: Final = 3
"""A sealed copy is made only where so many times the room that is to stay free is left: it goes first when short."""
_DAY_S: Final = 86_400.0
_NICE: Final = "19"
_SEAL_TIMEOUT_S: Final = 1800.0
"""A night takes 20 s on a fast computer; a small one with a slow card may take minutes."""


def sink_of(influx: InfluxSettings, gateway: str) -> partial[InfluxSink]:
    """Makes the sink for a night, as the settings say.

    Raises:
        LullwatchError: the token cannot be read.
    """
    return partial(
        InfluxSink,
        url=influx.url,
        token=read_secret("LULLWATCH_INFLUX_TOKEN", influx.token_file) or "",
        org=influx.org,
        bucket=influx.bucket,
        feature_bucket=influx.feature_bucket,
        raw_bucket=influx.raw_bucket,
        raw=Raw(influx.raw),
        raw_hz=influx.raw_hz,
        linger_s=LINGER_S,
        gateway=gateway,
    )


class Housekeeping:
    """Copies and seals what lies in the folder of the journals; a context manager, in threads of its own.

    Args:
        settings: of the gateway.
        pauses: of the copier.
        seals: whether nights that are over are sealed.

    Raises:
        LullwatchError: the token of the database cannot be read.
    """

    def __init__(
        self, settings: GatewaySettings, *, pauses: Pauses | None = None, seals: bool = True
    ) -> None:
        self._folder = Path(settings.journal_dir).expanduser()
        self._sink = None if settings.influx is None else sink_of(settings.influx, settings.gateway)
        self._pauses = pauses
        journal = settings.journal
        self._sealer = Sealer(
            self._folder, raw_days=journal.raw_days, min_free_bytes=journal.min_free_mb * 1_000_000
        )
        self._seals = seals
        self._teller = Teller(self._folder)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def __enter__(self) -> Housekeeping:
        self._teller.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._sealer.stop()
        self._thread.join()
        self._teller.stop()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._work()
            except Exception as error:  # noqa: BLE001 - this is the thread's top: nobody else would hear of it
                _log.error("copying and sealing failed, and begin again: %s: %s", type(error).__name__, error)
                self._ending.wait(BEGIN_AGAIN_S)

    def _work(self) -> None:
        with ExitStack() as stack:
            if self._sink is not None and (night := self._first_night()) is not None:
                stack.enter_context(
                    Copier(night, self._sink, pauses=self._pauses, on_trouble=self._teller.say)
                )
            while not self._ending.wait(LOOK_EVERY_S if self._seals else None):
                self._sealer.step()

    def _first_night(self) -> Path | None:
        while not self._ending.is_set():
            with Shelf(self._folder) as shelf:
                if (night := shelf.newest()) is not None:
                    return night
            self._ending.wait(WAIT_FOR_NIGHT_S)
        return None


class Teller:
    """Tells the running monitor what is wrong, again until it has heard it; `say` from any thread.

    Args:
        folder: of the journals.
        again_s: between two attempts.
    """

    def __init__(self, folder: Path, *, again_s: float = TELL_AGAIN_S) -> None:
        self._folder = folder
        self._again_s = again_s
        self._lock = threading.Lock()
        self._untold: dict[str, str] = {}
        self._news = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def stop(self) -> None:
        """One more attempt, then end."""
        self._ending = True
        self._news.set()
        self._thread.join()

    def say(self, kind: str, why: str) -> None:
        """`kind` is wrong because of `why`, or well when it is empty."""
        with self._lock:
            self._untold[kind] = why
        self._news.set()

    def _run(self) -> None:
        while True:
            waits = not self._told()
            if self._ending:
                return
            self._news.wait(self._again_s if waits else None)
            self._news.clear()

    def _told(self) -> bool:
        """Whether nothing is left to be told."""
        with self._lock:
            untold = dict(self._untold)
        for kind, why in untold.items():
            try:
                answer = asyncio.run(ask(self._folder, TROUBLE, timeout_s=ASK_TIMEOUT_S, kind=kind, why=why))
            except NoMonitor as error:
                _log.info("the monitor could not be told of %s: %s", kind, error)
                return False
            if not answer.get("ok"):
                _log.warning("the monitor does not take trouble %s: %s", kind, answer)
            with self._lock:
                if self._untold.get(kind) == why:
                    del self._untold[kind]
        with self._lock:
            return not self._untold


class Sealer:
    """Puts nights to rest that are over, one at a time, each in a process of its own that yields to everything else.

    Args:
        folder: of the journals.
        raw_days: how long raw data stays: what goes soon is not sealed any more.
        min_free_bytes: room that is to stay free.
        free_bytes: room left on the disk.
    """

    def __init__(
        self,
        folder: Path,
        *,
        raw_days: float,
        min_free_bytes: int,
        free_bytes: Callable[[], int] | None = None,
    ) -> None:
        self._folder = folder
        self._raw_days = raw_days
        self._min_free = min_free_bytes
        self._free_bytes = free_bytes or (lambda: shutil.disk_usage(folder).free)
        self._tried: set[str] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def step(self) -> Path | None:
        """Seal one night that is over and was not tried before; the night, or None when there is none."""
        try:
            night = self._due()
            if night is not None:
                self._tried.add(night.name)
                self._seal(night)
        except (OSError, StoreError, subprocess.SubprocessError) as error:
            _log.warning("a night could not be sealed, replay reads it row by row: %s", error)
            return None
        return night

    def stop(self) -> None:
        """End what is under way; what is half done is left out and made again next time."""
        self._stopped = True
        if self._process is not None:
            self._process.terminate()

    def _due(self) -> Path | None:
        if self._stopped or not self._folder.is_dir() or self._free_bytes() < ROOM_FACTOR * self._min_free:
            return None
        with Shelf(self._folder) as shelf:
            over = shelf.nights()[:-1]
        oldest_s = time.time() - (self._raw_days - 1) * _DAY_S
        fresh = (p for p in over if p.stat().st_mtime > oldest_s)
        return next((p for p in fresh if p.name not in self._tried and not sealed_path(p).exists()), None)

    def _seal(self, night: Path) -> None:
        line = [sys.executable, "-m", "lullwatch", "export", str(night), "--seal"]
        nice = shutil.which("nice")
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(  # noqa: S603 - our own program on a file of our own folder
            tied([nice, "-n", _NICE, *line] if nice else line),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        try:
            status = self._process.wait(_SEAL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._process = None
        if status == 0:
            _log.info("night %s is sealed", night.name)
        elif not self._stopped:
            _log.warning("night %s could not be sealed; replay reads it row by row", night.name)
