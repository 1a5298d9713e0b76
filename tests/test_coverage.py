from hypothesis import given
from hypothesis import strategies as st

from dsp.records import NS, Coverage, Epoch, Site, Usability
from lullwatch.coverage import CoverageLedger, seen_hours, sentence, span_in_words

SITES = (Site.LA, Site.RA, Site.TR)


def epoch(site: Site, i: int, *, present: float = 1.0, worn: bool = True) -> Epoch:
    return Epoch("kid", site, i * 30 * NS, 30 * NS, present, worn, 0.0, 0.01, 0.002, 1.0, (0.0, 0.0, 1.0))


def ledger(epochs: list[Epoch]) -> list[Coverage]:
    book = CoverageLedger("kid", SITES)
    end_ns = max(e.t_ns + e.span_ns for e in epochs)
    return [row for e in epochs for row in book.feed(e)] + book.finish(end_ns)


def test_a_minute_seen_by_every_site_is_usable() -> None:
    (row,) = ledger([epoch(s, i) for i in (0, 1) for s in SITES])
    assert row.usability is Usability.USABLE
    assert row.causes == ()
    assert row.seen == tuple((s, 1.0) for s in SITES)


def test_a_missing_site_degrades_the_minute_and_is_named() -> None:
    rows = ledger([epoch(s, i, present=0.0 if s is Site.TR else 1.0) for i in (0, 1) for s in SITES])
    assert rows[0].usability is Usability.DEGRADED
    assert rows[0].causes == ("no_data:TR",)


def test_a_sensor_that_is_not_worn_is_not_seen() -> None:
    rows = ledger([epoch(s, i, worn=False) for i in (0, 1) for s in SITES])
    assert rows[0].usability is Usability.BLIND
    assert rows[0].causes == ("not_worn:LA", "not_worn:RA", "not_worn:TR")


def test_minutes_without_any_epoch_are_blind_rows_and_not_holes() -> None:
    rows = ledger([epoch(s, i) for i in (0, 1, 10, 11) for s in SITES])
    assert [r.t_ns // (60 * NS) for r in rows] == [0, 1, 2, 3, 4, 5]
    assert [r.usability for r in rows[1:5]] == [Usability.BLIND] * 4
    assert seen_hours(rows) == 2 / 60
    assert sentence(rows) == "2 min of 6 min recorded"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_the_ledger_adds_up_to_the_length_of_the_night(shares: list[float]) -> None:
    rows = ledger([epoch(s, i, present=p) for i, p in enumerate(shares) for s in SITES])
    assert sum(r.span_ns for r in rows) == len(shares) * 30 * NS
    assert [r.t_ns for r in rows] == sorted({r.t_ns for r in rows})


def test_spans_are_said_in_hours_and_minutes() -> None:
    assert span_in_words(552 * 60 * NS) == "9 h 12 min"
    assert span_in_words(7 * 60 * NS + 2 * NS) == "7 min"


def test_the_last_minute_is_as_long_as_the_recording_and_no_longer() -> None:
    book = CoverageLedger("kid", SITES)
    rows = [r for s in SITES for r in book.feed(epoch(s, 0, present=2 / 30))] + book.finish(2 * NS)
    assert [(r.span_ns, r.usability) for r in rows] == [(2 * NS, Usability.USABLE)]
