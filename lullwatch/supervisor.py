"""Keeps the parts of a gateway running, each in a process of its own, where no service manager does.

A part is a copy of this process, made when everything it needs is loaded already: a part that ended is back in a
fraction of a second and not after the seconds that loading takes. It tells that it is up and alive as it would tell
systemd, over a socket of its own. One that ends is started anew; one that hangs is ended first; one that keeps
ending, or does not come up, is started anew all the same, and told.

References:
    sd_notify(3), prctl(2) PR_SET_PDEATHSIG, unix(7) SO_PASSCRED
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import os
import selectors
import signal
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn

from .service_ends import LOOP_ENDS, WELL_S, Ends

__all__ = ["CANNOT_RUN", "Part", "Patience", "Supervisor"]

_log = logging.getLogger(__name__)

CANNOT_RUN: Final = 2
"""Exit status of a part whose settings cannot be used: at the first start nothing is gained by trying again."""
_PR_SET_PDEATHSIG: Final = 1
_MOST_BYTES: Final = 4096
_MOST_AT_ONCE: Final = 64
"""Messages read in a row: whoever floods the socket must not keep the supervisor from everything else."""
_CREDENTIALS: Final = struct.Struct("3i")
"""struct ucred: process, user, group"""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the supervisor waits for what, in real seconds."""

    first_pause_s: float = 0.1
    last_pause_s: float = 2.0
    """between an end and the next start, doubled from the first on: with the start itself no more than three"""
    settled_s: float = 60.0
    """a part that lived so long begins with the first pause again"""
    watch_s: float = 20.0
    """a sign of life is due within; a commit to a slow card takes a second or two"""
    start_s: float = 300.0
    """for a start: the journal is checked, and a large one on a slow card takes a while"""
    stop_s: float = 75.0
    """for an orderly end: what was recorded is committed, and copied as long as the database answers"""
    loop_ends: int = LOOP_ENDS
    """so many ends in a row are told as trouble"""
    well_s: float = WELL_S
    """a part that lived so long is well, or well again"""


@dataclass(frozen=True, slots=True)
class Part:
    """One process: `run` is what it does, and gives its exit status."""

    name: str
    run: Callable[[], int]
    vital: bool = True
    """whether `up` ends when it cannot even start"""


@dataclass(slots=True)
class _Life:
    """How a part stands."""

    part: Part
    link: socket.socket
    address: str
    pid: int = 0
    began_s: float = 0.0
    alive_s: float = 0.0
    """last sign of life"""
    is_up: bool = False
    was_up: bool = False
    """in this life or an earlier one"""
    next_s: float = 0.0
    pause_s: float = 0.0
    ends: Ends = field(default_factory=Ends)
    is_told: bool = False
    """that it is in trouble"""


class Supervisor:
    """Runs parts until SIGTERM or SIGINT; they are ended in the order given.

    Args:
        parts: what is to run.
        told: told `(part, why)` when a part keeps ending or does not come up, and `(part, "")` when it is well
            again. It runs in a process of its own: nothing here waits for it.
        began: told when every part is up for the first time.
        patience: how long to wait for what.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        told: Callable[[str, str], None] = lambda _part, _why: None,
        began: Callable[[], None] = lambda: None,
        patience: Patience | None = None,
    ) -> None:
        self._told = told
        self._began = began
        self._patience = patience or Patience()
        self._lives = [_Life(part, *_notify_socket(part.name)) for part in parts]
        self._helpers: set[int] = set()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._signals: deque[int] = deque()
        self._status: int | None = None

    def run(self) -> int:
        """Run until told to stop; the exit status."""
        self._prepare()
        gc.freeze()  # what is shared with the parts stays shared
        asked = False
        while self._status is None:
            for life in self._lives:
                self._look_at(life)
            if not asked and all(life.is_up for life in self._lives):
                asked = True
                self._began()
            self._listen(self._next_look_s())
        self._stop_all()
        return self._status

    # what happens

    def _look_at(self, life: _Life) -> None:
        now_s, patience = time.monotonic(), self._patience
        if not life.pid:
            if now_s >= life.next_s:
                self._start(life)
            return
        allowed_s = patience.watch_s if life.is_up else patience.start_s
        if now_s - life.alive_s > allowed_s:
            _kill(life.pid, signal.SIGKILL)  # before it is said: a terminal that takes nothing may be why
            life.alive_s = now_s
            _log.error(
                "%s gives no sign of life for %.0f s: it is ended and started anew", life.part.name, allowed_s
            )
            if not life.is_up:
                self._trouble(life, f"it did not come up within {allowed_s:.0f} s")
        elif life.is_told and self._is_well(life, now_s):
            life.is_told = not self._help(life.part.name, "")
        elif life.is_up and now_s - life.began_s > patience.settled_s:
            life.pause_s = 0.0

    def _start(self, life: _Life) -> None:
        try:
            pid = os.fork()
        except OSError as error:  # no memory, or too many processes: neither lasts
            life.next_s = time.monotonic() + self._patience.last_pause_s
            _log.error("%s cannot be started now and is tried again: %s", life.part.name, error)
            return
        if pid == 0:
            self._become(life)
        life.pid, life.is_up = pid, False
        life.began_s = life.alive_s = time.monotonic()

    def _ended(self, life: _Life, status: int) -> None:
        now_s, patience = time.monotonic(), self._patience
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        life.pid = 0
        if status == CANNOT_RUN and not life.was_up and life.part.vital:
            _log.error("%s cannot run; nothing was started", life.part.name)
            self._status = CANNOT_RUN
            return
        life.pause_s = min(patience.last_pause_s, max(patience.first_pause_s, 2 * life.pause_s))
        life.next_s = now_s + life.pause_s
        _log.error("%s ended with %s; it is started anew in %.1f s", life.part.name, how, life.pause_s)
        life.ends.add(now_s, was_well=self._is_well(life, now_s))
        if life.ends.count >= patience.loop_ends:
            self._trouble(life, life.ends.why(how))

    def _is_well(self, life: _Life, now_s: float) -> bool:
        return life.is_up and now_s - life.began_s > self._patience.well_s

    def _trouble(self, life: _Life, why: str) -> None:
        if life.is_told:
            return
        _log.error("%s does not run: %s", life.part.name, why)
        life.is_told = self._help(life.part.name, why)

    def _help(self, name: str, why: str) -> bool:
        """Tell people from a process of its own; False when there can be none now."""
        try:
            pid = os.fork()
        except OSError as error:
            _log.error("nobody can be told of %s now: %s", name, error)
            return False
        if pid == 0:
            _begin_copy()
            signal.set_wakeup_fd(-1)
            _leave(_quietly(lambda: self._told(name, why)))
        self._helpers.add(pid)
        return True

    def _heard(self, life: _Life) -> None:
        for pid, said in _waiting(life.link):
            if not pid or pid != life.pid:
                continue  # an earlier life, or somebody whose business it is not
            life.alive_s = time.monotonic()
            if b"READY=1" in said.split(b"\n"):
                life.is_up = life.was_up = True
                _log.info("%s is up after %.1f s", life.part.name, life.alive_s - life.began_s)

    # the loop

    def _prepare(self) -> None:
        for end in (self._wake, self._woken):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        for life in self._lives:
            self._selector.register(life.link, selectors.EVENT_READ, life)

    def _listen(self, seconds: float) -> None:
        """Wait for a signal or a sign of life, and take note of it."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._on_signals(self._woken.recv(_MOST_BYTES))
            else:
                self._heard(key.data)
        self._reap()

    def _on_signals(self, numbers: bytes) -> None:
        if signal.SIGHUP in numbers:
            # whoever closes a lid or a terminal has not said that nobody is to watch
            _log.warning(
                "the terminal was closed, and it goes on", extra={"do": f"to end it: kill {os.getpid()}"}
            )
            _without_terminal()
        if {signal.SIGTERM, signal.SIGINT} & set(numbers):
            self._status = 0

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = found[0], os.waitstatus_to_exitcode(found[1])
                self._helpers.discard(pid)
                for life in self._lives:
                    if life.pid == pid:
                        self._ended(life, status)

    def _next_look_s(self) -> float:
        now_s, patience = time.monotonic(), self._patience
        due = [
            life.alive_s + (patience.watch_s if life.is_up else patience.start_s) if life.pid else life.next_s
            for life in self._lives
        ]
        return max(0.0, min([*due, now_s + 1.0]) - now_s)

    def _stop_all(self) -> None:
        """End the parts in order, each when the one before has ended."""
        for life in self._lives:
            if not life.pid:
                continue
            _log.info("ending %s", life.part.name)
            _kill(life.pid, signal.SIGTERM)
            until_s = time.monotonic() + self._patience.stop_s
            while not _gone(life.pid, min(until_s, time.monotonic() + 0.2)):
                self._heard(life)
                if time.monotonic() >= until_s:
                    _log.error("%s does not end: it is ended by force", life.part.name)
                    _kill(life.pid, signal.SIGKILL)
                    until_s += self._patience.stop_s
            life.pid = 0
        for pid in self._helpers:
            _kill(pid, signal.SIGTERM)
        signal.set_wakeup_fd(-1)
        for life in self._lives:
            life.link.close()
        self._wake.close()
        self._woken.close()
        self._selector.close()

    def _become(self, life: _Life) -> NoReturn:
        """What the copy does."""
        _begin_copy()
        signal.set_wakeup_fd(-1)
        for other in self._lives:
            other.link.close()
        self._wake.close()
        self._woken.close()
        self._selector.close()
        os.environ["NOTIFY_SOCKET"] = life.address
        os.environ["WATCHDOG_USEC"] = str(round(self._patience.watch_s * 1e6))
        os.environ["WATCHDOG_PID"] = str(os.getpid())
        _leave(_quietly(life.part.run))


def _notify_socket(name: str) -> tuple[socket.socket, str]:
    """A socket to hear a part by, in the abstract namespace: nothing is left of it on the disk."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    # any user of this computer may write to it: the kernel says with every message who did
    link.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    address = f"lullwatch-{os.getpid()}-{name}-{time.monotonic_ns()}"
    link.bind(f"\0{address}")
    return link, f"@{address}"


def _waiting(link: socket.socket) -> Iterator[tuple[int, bytes]]:
    """What waits to be read, each with the process that said it; no more at once than the parts can have said."""
    for _ in range(_MOST_AT_ONCE):
        try:
            said, beside, *_ = link.recvmsg(_MOST_BYTES, socket.CMSG_SPACE(_CREDENTIALS.size))
        except BlockingIOError:
            return
        for level, kind, data in beside:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                yield _CREDENTIALS.unpack(data)[0], said


def _begin_copy() -> None:
    """A copy answers signals as any program does; it is told by SIGHUP when the one that made it is gone."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGHUP)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setpgid(0, 0)  # Ctrl-C on a terminal is for the supervisor, which ends all in order
    if os.getppid() != parent:
        os._exit(1)


def _quietly(run: Callable[[], object]) -> int:
    try:
        status = run()
    except KeyboardInterrupt:
        return 0
    except BaseException:  # noqa: BLE001 - the top of a process: whatever it was, it is logged and is its status
        _log.exception("this process ends of an error")
        return 1
    return status if isinstance(status, int) else 0


def _leave(status: int) -> NoReturn:
    """End the copy without what only the original is to do at its end."""
    for finish in (logging.shutdown, sys.stdout.flush, sys.stderr.flush):
        with contextlib.suppress(OSError):
            finish()
    os._exit(status)


def _without_terminal() -> None:
    """What is written from here on goes nowhere, where it went to a terminal: one that was closed refuses it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for output in (1, 2):
        if os.isatty(output):
            os.dup2(nowhere, output)
    os.close(nowhere)


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _gone(pid: int, until_s: float) -> bool:
    """Whether a child has ended, by a moment at the latest."""
    while True:
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return True
        except ChildProcessError:
            return True
        if time.monotonic() >= until_s:
            return False
        time.sleep(0.01)
