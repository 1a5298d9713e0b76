"""The coverage ledger adds up in every test: minutes tile the night, none is missing, none counted twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from dsp.records import NS, Coverage
from lullwatch.coverage import holes_in
from lullwatch.detector import Detector, Told
from lullwatch.spine import Spine
from lullwatch.watch import watch_of
from store.journal import Journal
from store.recording import newest_of

_ENDING_NS = 120 * NS
"""A recording is noted as ended at the time up to which everything was decided: its last minute began before."""


def adds_up(minutes: Sequence[Coverage], ends_ns: Sequence[int] = ()) -> bool:
    """Whether rows tile the time from the first to the last, but for where a recording had ended in between."""
    standing = newest_of(minutes, key=lambda c: c.t_ns)
    return all(
        end_ns < begin_ns and any(end_ns - _ENDING_NS <= at_ns <= begin_ns for at_ns in ends_ns)
        for end_ns, begin_ns in holes_in(standing)
    )


def journal_adds_up(journal: Journal) -> bool:
    """Whether the ledger of everybody in a journal does."""
    watches = [(config.t_ns, watch_of(config)) for config in journal.configs()]
    return all(
        adds_up(
            journal.coverage(infant),
            [t_ns for t_ns, watch in watches if watch.infant == infant and watch.ended],
        )
        for infant in {watch.infant for _, watch in watches}
    )


@pytest.fixture(autouse=True)
def _every_ledger_adds_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each journal a spine closes and each recording a detector finishes is looked at, whatever the test is about."""
    wrong: list[str] = []
    close, count, finish = Spine.close, Detector._count, Detector.finish
    told: dict[int, list[Coverage]] = {}

    def closing(spine: Spine) -> None:
        if not journal_adds_up(spine.journal):
            wrong.append(f"the ledger of {spine.journal.path.name} does not add up")
        close(spine)

    def counting(detector: Detector, on: Told, minutes: list[Coverage]) -> None:
        told.setdefault(id(detector), []).extend(minutes)
        count(detector, on, minutes)

    def finishing(detector: Detector) -> Told:
        last = finish(detector)
        if not adds_up(told.pop(id(detector), [])):
            wrong.append("the ledger of a recording does not add up")
        return last

    monkeypatch.setattr(Spine, "close", closing)
    monkeypatch.setattr(Detector, "_count", counting)
    monkeypatch.setattr(Detector, "finish", finishing)
    yield
    assert not wrong, wrong
