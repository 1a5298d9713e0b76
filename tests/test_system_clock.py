import time
from dataclasses import replace

from dsp.records import NS
from lullwatch.system_clock import SystemClock, boot_id, resume


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


def test_a_boot_has_one_id() -> None:
    assert boot_id() == boot_id()
    assert "-" not in boot_id()
