"""Nights that cannot be read are tried again, and forgotten when there is nothing to try."""

from __future__ import annotations

import pytest

from store import passing_over
from store.passing_over import PassedOver


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> PassedOver:
    """One night, whose minute is over."""
    monkeypatch.setattr(passing_over, "AGAIN_S", -1.0)
    found = PassedOver("copier")
    found.failed("journal-2026-03-14.sqlite", OSError("bad sector"))
    assert found.is_due
    return found


def test_a_night_that_can_be_read_again_is_due_no_more(passed: PassedOver) -> None:
    passed.read("journal-2026-03-14.sqlite")
    assert not passed.is_due


def test_a_night_that_is_gone_is_due_no_more(passed: PassedOver) -> None:
    passed.keep_to(["journal-2026-03-15.sqlite"])
    assert not passed.is_due
