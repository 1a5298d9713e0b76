"""Which packets are in hand: the ledger held against plain sets."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.ledger import Ledger

arrivals = st.lists(st.integers(0, 60), max_size=60)


@given(arrivals, st.integers(0, 20))
def test_each_number_is_taken_once_and_the_rest_up_to_the_newest_is_missing(
    seqs: list[int], oldest: int
) -> None:
    ledger = Ledger()
    ledger.expect_from(oldest)
    taken = [seq for seq in seqs if ledger.take(seq)]
    assert taken == [s for s in dict.fromkeys(seqs) if s >= oldest]
    missing = {n for first, last in ledger.missing for n in range(first, last + 1)}
    assert missing == set(range(oldest, max(taken, default=oldest - 1) + 1)) - set(taken)
    assert ledger.missing_count == len(missing)


@given(arrivals)
def test_a_number_is_confirmed_only_when_it_and_all_before_it_are_committed(
    seqs: list[int],
) -> None:
    ledger = Ledger()
    ledger.expect_from(0)
    taken = [seq for seq in seqs if ledger.take(seq)]
    kept = set(taken[::2])
    for seq in kept:
        ledger.committed(seq)
    upto = ledger.confirmable()
    assert upto is None or set(range(upto + 1)) <= kept
    assert (upto is None) == (0 not in kept)
    if upto is not None:
        assert upto + 1 not in kept
        ledger.confirmed(upto)
        assert ledger.confirmable() is None


@given(arrivals, st.integers(0, 60), st.integers(0, 20))
def test_what_is_given_up_is_counted_and_not_waited_for(seqs: list[int], first: int, width: int) -> None:
    ledger = Ledger()
    ledger.expect_from(0)
    for seq in seqs:
        ledger.take(seq)
    before = ledger.missing_count
    lost = ledger.give_up(first, first + width)
    assert ledger.missing_count == before - lost
    assert ledger.given_up == lost
    assert not any(low <= first + width and high >= first for low, high in ledger.missing)


def test_a_packet_that_could_not_be_kept_is_missing_again() -> None:
    ledger = Ledger()
    ledger.expect_from(0)
    for seq in range(6):
        assert ledger.take(seq)
    for seq in (3, 1, 2):
        ledger.reopen(seq)
    assert ledger.missing == ((1, 3),)
    assert ledger.take(2)
    assert ledger.missing == ((1, 1), (3, 3))


def test_what_the_sensor_dropped_while_nobody_listened_is_given_up() -> None:
    ledger = Ledger()
    ledger.expect_from(0)
    for seq in range(10):
        ledger.take(seq)
    assert ledger.expect_from(25) == 15
    assert ledger.newest == 24
    assert ledger.missing == ()


def test_a_ledger_that_begins_late_knows_nothing_of_what_was_before() -> None:
    ledger = Ledger()
    assert ledger.expect_from(100) == 0
    assert not ledger.take(99)
    assert ledger.take(101)
    assert ledger.missing == ((100, 100),)
    assert ledger.confirmable() is None
