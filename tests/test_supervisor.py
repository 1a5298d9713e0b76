"""The supervisor on real processes: what ends is started anew, what hangs is ended, what keeps ending is told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from lullwatch.service import _guarded
from lullwatch.service_ends import LOOP_ENDS, Ends
from lullwatch.supervisor import CANNOT_RUN
from store.errors import JournalBusy, JournalError, JournalFailing, JournalFull, JournalInUse
from tests.servers_fixtures import until


@dataclass
class Running:
    process: subprocess.Popen[str]
    log: Path

    @property
    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def pids(self, kind: str) -> list[int]:
        return [int(line.split()[2]) for line in self.lines if line.startswith(f"begins {kind} ")]

    def said(self, words: str) -> bool:
        return any(line.startswith(words) for line in self.lines)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)


@contextmanager
def supervised(folder: Path, *kinds: str) -> Iterator[Running]:
    log = folder / "log"
    line = [sys.executable, "-m", "tests.supervised_child", str(log), *kinds]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Running(process, log)
        finally:
            process.kill()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_what_is_killed_is_back_within_three_seconds_and_a_planned_stop_ends_all_in_order(
    tmp_path: Path,
) -> None:
    with supervised(tmp_path, "one", "two") as running:
        until(lambda: running.said("all up"))
        (first,) = running.pids("one")
        began_s = time.monotonic()
        os.kill(first, signal.SIGKILL)
        until(lambda: len(running.pids("one")) == 2)
        assert time.monotonic() - began_s < 3.0
        assert len(running.pids("two")) == 1
        assert running.stop() == 0
        assert [line for line in running.lines if line.startswith("stopped")] == [
            "stopped one",
            "stopped two",
        ]
        assert not running.said("told")


def test_a_terminal_that_is_closed_ends_nothing(tmp_path: Path) -> None:
    with supervised(tmp_path, "one", "two") as running:
        until(lambda: running.said("all up"))
        running.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert running.process.poll() is None
        assert [len(running.pids(kind)) for kind in ("one", "two")] == [1, 1]
        assert not running.said("left alone")
        assert running.stop() == 0


def test_parts_know_a_supervisor_that_is_gone_from_a_stop(tmp_path: Path) -> None:
    with supervised(tmp_path, "one", "two") as running:
        until(lambda: running.said("all up"))
        running.process.kill()
        until(lambda: running.said("left alone one") and running.said("left alone two"))
        pids = [pid for kind in ("one", "two") for pid in running.pids(kind)]
        until(lambda: not any(alive(pid) for pid in pids))


def test_what_hangs_is_ended_and_started_anew(tmp_path: Path) -> None:
    with supervised(tmp_path, "hangs", "one") as running:
        until(lambda: len(running.pids("hangs")) == 2)
        assert not alive(running.pids("hangs")[0])
        assert len(running.pids("one")) == 1
        stopped = running.pids("one")[0]
        os.kill(stopped, signal.SIGSTOP)  # a process that the kernel holds gives no sign of life either
        until(lambda: len(running.pids("one")) == 2)
        assert running.stop() == 0


def say_to(running: Running, kind: str, words: bytes, times: int = 1) -> None:
    """What somebody else on this computer sends to the socket by which a part is heard."""
    table = Path("/proc/net/unix").read_text().splitlines()
    names = [line.split()[-1] for line in table if f"@lullwatch-{running.process.pid}-{kind}-" in line]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as link:
        for name in names:
            for _ in range(times):
                with suppress(BlockingIOError):
                    link.sendto(words, f"\0{name[1:]}")


@pytest.mark.parametrize("times", [1, 200])
def test_nobody_but_a_part_itself_can_say_that_it_lives(tmp_path: Path, times: int) -> None:
    with supervised(tmp_path, "hangs", "one") as running:
        until(lambda: running.pids("hangs"))

        def is_anew() -> bool:
            say_to(running, "hangs", b"READY=1\nWATCHDOG=1", times)
            return len(running.pids("hangs")) == 2

        until(is_anew)
        assert not alive(running.pids("hangs")[0])
        assert len(running.pids("one")) == 1
        assert running.stop() == 0


def test_what_keeps_ending_is_told_once_goes_on_being_started_and_is_told_to_be_well(tmp_path: Path) -> None:
    with supervised(tmp_path, "recovers", "one") as running:
        until(lambda: running.said("told recovers it ended 4 times"))
        until(lambda: "told recovers " in running.lines)
        assert sum(line.startswith("told") for line in running.lines) == 2
        assert running.stop() == 0


def test_what_does_not_come_up_is_told_the_first_time_and_told_to_be_well(tmp_path: Path) -> None:
    with supervised(tmp_path, "comes_up_late", "one") as running:
        until(lambda: running.said("told comes_up_late it did not come up within 2 s"))
        until(lambda: "told comes_up_late " in running.lines)
        assert len(running.pids("comes_up_late")) == 2
        assert sum(line.startswith("told") for line in running.lines) == 2
        assert running.stop() == 0


def test_what_keeps_ending_before_it_is_up_is_told(tmp_path: Path) -> None:
    with supervised(tmp_path, "starts_slowly", "one") as running:
        until(lambda: running.said("told starts_slowly it ended 4 times"))
        assert len(running.pids("starts_slowly")) >= 4
        assert running.stop() == 0


def test_ends_far_apart_are_one_row_until_a_life_between_them_was_well() -> None:
    ends = Ends()
    for minute in (0, 9, 18, 27, 36):
        ends.add(minute * 60.0, was_well=False)
    assert ends.count == LOOP_ENDS
    assert ends.why("status 1") == "it ended 5 times in 36 min, last with status 1"
    ends.add(3600.0, was_well=True)
    assert ends.count == 1
    ends.add(3660.0, was_well=False)
    assert ends.why("status 1") == "it ended 2 times in 1 min, last with status 1"


def test_pauses_between_starts_grow_and_stay_short(tmp_path: Path) -> None:
    with supervised(tmp_path, "dies", "one") as running:
        until(lambda: len(running.pids("dies")) >= 8)
        assert running.said("told dies it ended 4 times in 0 min, last with status 3")
        assert sum(line.startswith("told") for line in running.lines) == 1
        assert running.stop() == 0
        assert running.process.stderr is not None
        said = running.process.stderr.read()
    assert "started anew in 0.1 s" in said or "started anew in 0.0 s" in said
    assert "started anew in 0.2 s" in said


def test_settings_that_cannot_be_used_end_it_at_once(tmp_path: Path) -> None:
    with supervised(tmp_path, "cannot", "one") as running:
        assert running.process.wait(timeout=20) == 2
        assert len(running.pids("cannot")) == 1


def test_a_computer_without_memory_for_a_process_is_waited_for(tmp_path: Path) -> None:
    with supervised(tmp_path, "scarce", "one") as running:
        until(lambda: running.said("all up"))
        assert running.stop() == 0
        assert running.process.stderr is not None
        assert running.process.stderr.read().count("cannot be started now and is tried again") == 3


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (JournalFull(Path("j")), 1),
        (JournalBusy(Path("j"), 10.0), 1),
        (JournalFailing(Path("j"), "disk I/O error"), 1),
        (JournalInUse(Path("j")), CANNOT_RUN),
    ],
)
def test_a_disk_that_may_be_well_again_is_no_reason_to_give_up(error: JournalError, status: int) -> None:
    def run() -> None:
        raise error

    assert _guarded(run)() == status


def test_what_does_not_end_is_ended_by_force(tmp_path: Path) -> None:
    with supervised(tmp_path, "stubborn", "one") as running:
        until(lambda: running.said("all up"))
        assert running.stop() == 0
        assert running.said("stopped one")
        assert not alive(running.pids("stubborn")[0])


def test_parts_end_in_order_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with supervised(tmp_path, "one", "two") as running:
        until(lambda: running.said("all up"))
        running.process.kill()
        until(lambda: running.said("stopped one") and running.said("stopped two"))
