import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from dsp.records import NS, ClockRow
from lullwatch import system_clock
from lullwatch.system_clock import SystemClock, boot_id, resume, set_over_network
from lullwatch.utc_following import UTC_FOLLOW_NS, skipped_at_start
from store.utc import UtcMap


def test_a_new_journal_starts_on_boot_time() -> None:
    assert abs(resume(None).now_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)) < NS


def test_a_restart_within_one_boot_continues_the_same_timeline_whatever_utc_did() -> None:
    first = SystemClock(offset_ns=5 * NS)
    row = replace(first.row("UTC"), utc_ns=0)
    assert abs(resume(row).now_ns() - first.now_ns()) < NS


def test_after_a_reboot_data_time_goes_on_by_as_much_as_utc_did() -> None:
    row = replace(SystemClock(offset_ns=10**15).row("UTC"), boot="another", utc_ns=time.time_ns() - 30 * NS)
    assert 29 * NS < resume(row).now_ns() - row.t_ns < 35 * NS


def test_after_a_reboot_with_a_clock_in_the_past_data_time_still_does_not_step_back() -> None:
    row = replace(SystemClock(offset_ns=10**15).row("UTC"), boot="another", utc_ns=time.time_ns() + 10**18)
    assert resume(row).now_ns() > row.t_ns


def test_after_a_reboot_in_the_past_data_time_goes_on_behind_the_newest_data() -> None:
    eight_hours = 8 * 3600 * NS
    row = replace(
        SystemClock(offset_ns=10**15).row("UTC"), boot="another", utc_ns=time.time_ns() + 3 * 3600 * NS
    )
    newest_ns = row.t_ns + eight_hours
    assert newest_ns < resume(row, newest_ns).now_ns() < newest_ns + 10 * NS


def test_a_row_from_before_the_date_was_known_says_nothing_of_how_long_the_computer_was_off() -> None:
    row = replace(SystemClock(offset_ns=10**15).row("UTC"), boot="another", utc_ns=5 * NS)
    assert 0 < resume(row).now_ns() - row.t_ns < 10 * NS


@pytest.mark.parametrize(("said", "known"), [("yes", True), ("no", False), ("", None)])
def test_whether_the_clock_is_set_over_the_network_is_what_the_system_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, known: bool | None
) -> None:
    program = tmp_path / "timedatectl"
    program.write_text(f"#!/bin/sh\necho {said}\n", encoding="ascii")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert set_over_network() is known
    program.unlink()
    assert set_over_network() is None


HOUR_NS = 3600 * NS
NOON_UTC_NS = 1_800_000_000 * NS


@pytest.mark.parametrize(
    ("ahead_ns", "set_to_ns", "skipped_ns"),
    [
        (2 * HOUR_NS, 0, 2 * HOUR_NS),
        (2 * HOUR_NS, 2 * HOUR_NS, 0),
        (0, 0, 0),
        (-HOUR_NS, 0, 0),
        (0, -HOUR_NS, HOUR_NS),
    ],
    ids=["set back", "not set yet", "right all the time", "set on", "set to another hour"],
)
def test_how_far_data_time_went_too_far_at_a_start_is_known_once_the_clock_is_set_back(
    ahead_ns: int, set_to_ns: int, skipped_ns: int
) -> None:
    off_ns = 120 * NS
    last = ClockRow(5 * HOUR_NS, NOON_UTC_NS, "first", "UTC")
    started_ns = last.t_ns + max(NS, off_ns + ahead_ns)
    first = ClockRow(started_ns, NOON_UTC_NS + off_ns + ahead_ns, "second", "UTC")
    later = ClockRow(started_ns + 60 * NS, NOON_UTC_NS + off_ns + 60 * NS + set_to_ns, "second", "UTC")
    begun_ns, by_ns = skipped_at_start([last, first, later])
    assert begun_ns == started_ns
    assert by_ns == min(skipped_ns, started_ns - last.t_ns)
    assert skipped_at_start([first, later]) == (0, 0), "of what was before nothing is known"


def test_a_boot_has_one_id() -> None:
    assert boot_id() == boot_id()
    assert "-" not in boot_id()


def test_a_clock_row_is_of_one_moment_also_where_a_reading_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0]

    def boottime_ns() -> int:
        now[0] += 1000
        return now[0]

    def utc_ns() -> int:
        now[0] += 30_000_000 if now[0] < 5000 else 0  # somebody else had the processor
        return now[0] + 7 * NS

    monkeypatch.setattr(system_clock, "_boottime_ns", boottime_ns)
    monkeypatch.setattr(system_clock, "time", SimpleNamespace(time_ns=utc_ns))
    row = SystemClock().row("UTC")
    assert abs(row.utc_ns - row.monotonic_ns - 7 * NS) <= 1000


class Host:
    """A computer whose clocks are set, stopped and lost by hand; true time stands in `true_ns`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.true_ns, self.asleep_ns, self.started_ns, self.wrong_ns = 1_800_000_000 * NS, 0, 0, 0
        self.started_ns = self.true_ns
        self.boot = "first"
        monkeypatch.setattr(system_clock, "_boottime_ns", lambda: self.true_ns - self.started_ns)
        monkeypatch.setattr(system_clock, "boot_id", lambda: self.boot)
        monkeypatch.setattr(
            system_clock, "time", SimpleNamespace(time_ns=lambda: self.true_ns + self.wrong_ns)
        )

    def off(self, seconds: float, *, wakes_wrong_by_s: float) -> None:
        self.true_ns += round(seconds * NS)
        self.started_ns, self.boot, self.wrong_ns = self.true_ns, "second", round(wakes_wrong_by_s * NS)


def test_utc_is_right_within_50_ms_once_known_through_steps_suspend_and_a_start_without_battery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = Host(monkeypatch)
    clock, times = SystemClock(), UtcMap()
    times.add(clock.row("UTC"))
    newest_ns, true_of = clock.now_ns(), {}
    host.wrong_ns = round(0.15 * NS)  # nobody has asked the network yet
    for happens in ("stepped", "asleep", "off", "set", "right"):
        for _ in range(60):
            host.true_ns += 60 * NS
            row = clock.row("UTC")
            if abs((row.utc_ns - row.t_ns) - (times.utc_ns(row.t_ns) - row.t_ns)) > UTC_FOLLOW_NS:
                times.add(row)
            assert row.t_ns > newest_ns
            newest_ns = row.t_ns
            if not host.wrong_ns:
                assert abs(times.utc_ns(row.t_ns) - host.true_ns) < 50_000_000
                true_of[row.t_ns] = host.true_ns
        if happens == "stepped":
            host.wrong_ns = 0
        elif happens == "asleep":
            host.true_ns += 3 * 3600 * NS
        elif happens == "off":
            before = clock.row("UTC")
            host.off(600, wakes_wrong_by_s=-86_400.0)
            clock = resume(before, newest_ns)
        else:
            host.wrong_ns = 0
    assert all(abs(times.utc_ns(t_ns) - true_ns) < 50_000_000 for t_ns, true_ns in true_of.items())
    assert len(true_of) > 100
