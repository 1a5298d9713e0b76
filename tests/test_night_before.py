"""What was told of a span is found in a night of any length, and no more than a page of the night is held."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from dsp.records import (
    NS,
    Context,
    ContextKind,
    Coverage,
    Epoch,
    Evidence,
    Output,
    Site,
    State,
    StateEpoch,
    Usability,
)
from lullwatch.night_before import told_between, within
from store.journal import Journal
from tests.store_examples import event

EPOCHS = 400
SPAN_NS = 30 * NS
LONG = tuple(Evidence(f"evidence_{number}", 0.1 + number, 0.5) for number in range(60))


def told(number: int) -> list[Output | Coverage]:
    """What half a minute brings: one event told at its end, and words on the half minute itself."""
    t_ns = number * SPAN_NS
    return [
        event(f"e{number}", onset_ns=t_ns, told_ns=t_ns + SPAN_NS, evidence=LONG),
        Epoch("kid", Site.LA, t_ns, SPAN_NS, 1.0, True, 0.0, 0.01, 0.002, None, (0.0, 0.0, 1.0)),
        StateEpoch("kid", t_ns, SPAN_NS, State.AWAKE, 0.9, None, None, None),
        Coverage("kid", t_ns, SPAN_NS, Usability.USABLE, (), ((Site.LA, 1.0),)),
    ]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("night") / "journal.sqlite"
    all_night = Context("kid", ContextKind.CONVEYED, 0, EPOCHS * SPAN_NS, (Site.LA,), 0.9)
    with Journal.open(path) as journal:
        journal.commit([row for number in range(EPOCHS) for row in told(number)])
        journal.commit([event("of-somebody-else", infant="sister", told_ns=SPAN_NS), all_night])
        # said an hour later of the first minute: it stands behind all of this and belongs to the end
        journal.commit([event("e0", 2, onset_ns=0, told_ns=EPOCHS * SPAN_NS)])
    return path


@pytest.mark.parametrize(
    ("after", "until"), [(-1, 0), (0, 1), (3, 7), (EPOCHS - 2, EPOCHS), (-(10**6), 10**6), (5, 5), (9, 2)]
)
def test_exactly_what_was_told_of_the_span_is_found_in_the_order_it_was_told(
    night: Path, after: int, until: int
) -> None:
    with Journal.read_only(night) as journal:
        every = [
            *journal.events("kid"), *journal.epochs("kid"), *journal.states("kid"), *journal.contexts("kid"),
            *journal.coverage("kid"),
        ]  # fmt: skip
        found = told_between(journal, "kid", after * SPAN_NS, until * SPAN_NS)
    assert found == within(every, after * SPAN_NS, until * SPAN_NS)
    assert bool(found) == (after < until and until > 0)


def test_a_short_span_of_a_long_night_costs_a_page_and_not_the_night(night: Path) -> None:
    with Journal.read_only(night) as journal:
        tracemalloc.start()
        few = told_between(journal, "kid", (EPOCHS - 2) * SPAN_NS, EPOCHS * SPAN_NS)
        _, short_bytes = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        many = told_between(journal, "kid", -1, EPOCHS * SPAN_NS)
        _, long_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(few) < 20 < 4 * EPOCHS < len(many)
    assert short_bytes < long_bytes / 5
