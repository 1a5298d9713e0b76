"""The demo's pages: `lullwatch serve` on its journal as long as it runs, for whoever has the token it prints."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from .server_process import accepts, free_port, tied

__all__ = ["DemoPage"]

PERSON: Final = "demo"
"""Whoever runs the demo looks as a caregiver."""
_LIBRARIES: Final = ("starlette", "uvicorn", "websockets")
_START_S: Final = 15.0
"""An import takes half a second, on a small computer under load some."""
_STOP_S: Final = 8.0
_POLL_S: Final = 0.05


class DemoPage:
    """A process of its own, as on a gateway; a context manager that says where the page is.

    Args:
        journal: the file that the demo writes; it need not be there yet.
        say: takes a line for the person who runs the demo.
    """

    def __init__(self, journal: Path, say: Callable[[str], None]) -> None:
        self._journal = journal
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.token = ""

    def __enter__(self) -> Self:
        missing = [name for name in _LIBRARIES if find_spec(name) is None]
        if missing:
            self._say(f"page      none, {' and '.join(missing)} missing: pip install 'lullwatch[web]'")
            return self
        self.token = self._invited()
        self.port = free_port()
        line = [
            sys.executable,
            "-m",
            "lullwatch",
            "serve",
            "--journals",
            str(self._journal),
            "--port",
            str(self.port),
        ]
        self._process = subprocess.Popen(  # noqa: S603 - our own program on a file of our own
            tied(line), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if self._listens():
            self._say(
                f"page      http://localhost:{self.port}/ while the demo runs; log in with {self.token}"
            )
        else:
            self._say(f"page      none: lullwatch serve --journals {self._journal} says why")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_S)
        self._process.kill()
        self._process.wait()

    def _invited(self) -> str:
        from .web.access import ACCESS_FILE, Access
        from .web.session import Role

        return Access(self._journal.with_name(ACCESS_FILE)).invite(PERSON, Role.CAREGIVER)

    def _listens(self) -> bool:
        assert self._process is not None  # noqa: S101 - narrows the type; it was just started
        end_s = time.monotonic() + _START_S
        while time.monotonic() < end_s and self._process.poll() is None:
            if accepts(self.port):
                return True
            time.sleep(_POLL_S)
        return False
