"""A pinned event keeps its raw data, and five minutes on both sides."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsp.records import NS
from lullwatch.__main__ import main
from lullwatch.errors import NoSuchEvent
from lullwatch.pinning import pin, pins
from store.journal import Journal
from tests.store_examples import event
from tests.test_keeper import DAY_NS, keeper, night, raw, work


def test_the_raw_data_of_a_pinned_event_stays_when_all_else_goes(tmp_path: Path) -> None:
    path = night(tmp_path, 0)
    (done,) = pin(tmp_path, "e0")
    assert (done.pin.onset_ns, done.pin.end_ns) == (55 * 60 * NS, 66 * 60 * NS)
    work(keeper(tmp_path, 99 * DAY_NS))
    assert raw(path) == list(range(55, 67))


def test_an_event_that_spans_two_nights_is_pinned_in_both(tmp_path: Path) -> None:
    night(tmp_path, 0, packets=1440)
    second = night(tmp_path, 1)
    with Journal.amend(second) as journal:
        journal.commit([event("e0", 2, onset_ns=DAY_NS - 60 * NS, end_ns=DAY_NS + 60 * NS, infant="kid")])
    assert [p.night for p in pin(tmp_path, "e0")] == [
        "journal-2026-03-10.sqlite",
        "journal-2026-03-11.sqlite",
    ]
    assert pins(tmp_path) == pin(tmp_path, "e0")  # twice is once


def test_tonight_is_pinned_beside_the_running_monitor(tmp_path: Path) -> None:
    path = night(tmp_path, 0)
    with Journal.open(path):
        assert pin(tmp_path, "e0")


def test_an_event_nobody_knows_is_an_error_that_says_where_ids_stand(tmp_path: Path) -> None:
    night(tmp_path, 0)
    with pytest.raises(NoSuchEvent, match="lullwatch export"):
        pin(tmp_path, "e99")


def test_the_command_pins_and_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    night(tmp_path, 0)
    assert main(["pin", "--journals", str(tmp_path)]) == 0
    assert "nothing is pinned" in capsys.readouterr().out
    assert main(["pin", "e0", "--journals", str(tmp_path)]) == 0
    assert "11.0 min of raw data stay" in capsys.readouterr().out
    assert main(["pin", "--journals", str(tmp_path), "--json"]) == 0
    assert '"event": "e0"' in capsys.readouterr().out
