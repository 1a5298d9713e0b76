"""What people are told when data that came late changes what was told."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dsp.reconcile import Name, ended_after_all, reconcile, renamed
from dsp.records import NS, Context, ContextKind, Event, EventStatus, Label, Site, State

NOW = 1000 * NS


def event(name: str, onset_s: float, end_s: float, *, version: int = 1, status: EventStatus = EventStatus.NEW,
          label: Label = Label.MOVEMENT, count: int = 1) -> Event:  # fmt: skip
    return Event(
        id=name,
        version=version,
        status=status,
        label=label,
        infant="kid",
        onset_ns=round(onset_s * NS),
        end_ns=round(end_s * NS),
        told_ns=round(end_s * NS) + NS,
        count=count,
        sites=(Site.LA,),
        side="left",
        state_before=State.AWAKE,
        state_during=State.AWAKE,
        state_after=State.UNKNOWN,
        since_waking_s=None,
        interval_mean_s=None,
        interval_cv=None,
        match=0.6,
        confidence=0.5,
        conveyed=0.0,
        evidence=(),
        settings="1:x",
    )


def life(name: str, onset_s: float, end_s: float, **more: object) -> list[Event]:
    row = replace(event(name, onset_s, end_s), **more)
    return [row, replace(row, version=2, status=EventStatus.END)]


def test_the_same_again_is_not_told_again():
    rows = [*life("a", 10, 12), *life("b", 20, 22)]
    assert reconcile(rows, rows, told_ns=NOW) == reconcile([], [], told_ns=NOW)


def test_what_was_not_seen_before_is_told_as_new_and_late():
    (first, last) = reconcile([], life("a", 10, 12), told_ns=NOW).rows
    assert (first.status, last.status) == (EventStatus.NEW, EventStatus.END)
    assert (first.version, last.version) == (1, 2)
    assert first.late
    assert first.told_ns == NOW


def test_what_the_data_no_longer_shows_is_withdrawn_not_deleted():
    (row,) = reconcile(life("a", 10, 12), [], told_ns=NOW).rows
    assert (row.id, row.version, row.status) == ("a", 3, EventStatus.WITHDRAWN)
    assert row.late


def test_a_state_during_it_that_turns_out_to_be_another_is_told():
    before = life("a", 10, 12)
    now = [before[0], replace(before[1], state_during=State.ACTIVE_SLEEP)]
    (row,) = reconcile(before, now, told_ns=NOW).rows
    assert (row.version, row.status, row.state_during) == (3, EventStatus.END, State.ACTIVE_SLEEP)


def test_an_episode_that_turns_out_longer_is_told_of_the_train_that_goes_on_with_it():
    before = [replace(row, episode_s=12.0) for row in life("a", 10, 12)]
    now = [replace(row, episode_s=72.0) for row in before]
    (row,) = reconcile(before, now, told_ns=NOW).rows
    assert (row.version, row.status, row.episode_s) == (3, EventStatus.END, 72.0)


def test_a_movement_found_longer_keeps_its_first_id():
    difference = reconcile(life("a", 10, 12), life("b", 8, 12), told_ns=NOW)
    (row,) = difference.rows
    assert (row.id, row.version, row.status, row.onset_ns) == ("a", 3, EventStatus.END, 8 * NS)
    assert difference.names["b"] == Name("a", 1)


def test_later_rows_of_the_pipeline_go_on_under_the_name_people_know():
    open_now = [event("b", 8, 12)]
    names = reconcile([event("a", 10, 12)], open_now, told_ns=NOW).names
    after = renamed(event("b", 8, 14, version=2, status=EventStatus.UPDATE), names)
    assert (after.id, after.version) == ("a", 3)


def test_two_that_turn_out_to_be_one_are_merged_into_the_first_told():
    told = [*life("a", 10, 15), *life("b", 17, 20)]
    rows = reconcile(told, life("whole", 10, 20), told_ns=NOW).rows
    gone = [r for r in rows if r.merged_into is not None]
    assert [(r.id, r.merged_into, r.status) for r in gone] == [("b", "a", EventStatus.END)]
    assert [r.id for r in rows if r.merged_into is None] == ["a"]


def test_another_label_in_the_same_family_is_a_relabel():
    told = life("a", 10, 40, label=Label.SLEEP_JERK_TRAIN)
    rows = reconcile(told, life("a", 10, 40, label=Label.RHYTHMIC_JERKING), told_ns=NOW).rows
    assert [r.status for r in rows] == [EventStatus.RELABEL, EventStatus.END]
    assert rows[0].relabelled_from is Label.SLEEP_JERK_TRAIN


def test_another_family_is_another_event():
    told = life("a", 10, 12, label=Label.SPASM_LIKE)
    rows = reconcile(told, life("b", 10, 12, label=Label.MOVEMENT), told_ns=NOW).rows
    assert [(r.id, r.status) for r in rows] == [
        ("b", EventStatus.NEW),
        ("b", EventStatus.END),
        ("a", EventStatus.WITHDRAWN),
    ]


def test_members_name_the_parent_people_know():
    told = [event("series", 10, 40, label=Label.SPASM_LIKE_CLUSTER)]
    again = [
        event("again", 9, 40, label=Label.SPASM_LIKE_CLUSTER),
        replace(event("m", 9, 10, label=Label.SPASM_LIKE), parent="again"),
    ]
    rows = reconcile(told, again, told_ns=NOW).rows
    assert {r.id: r.parent for r in rows} == {"series": None, "m": "series"}


def test_an_event_told_before_the_stretch_is_never_withdrawn_by_it():
    told = [event("a", 10, 30, version=3, status=EventStatus.UPDATE)]
    difference = reconcile(told, [], told_ns=NOW)
    assert difference.rows == ()
    later = renamed(event("a", 10, 40, version=3, status=EventStatus.END), difference.names)
    assert later.version == 4


def test_an_event_known_before_the_stretch_goes_on_as_an_update():
    again = [event("a", 10, 30, version=3, status=EventStatus.UPDATE)]
    (row,) = reconcile([], again, told_ns=NOW).rows
    assert (row.status, row.version) == (EventStatus.UPDATE, 3)


def test_an_event_found_again_after_it_was_gone_goes_on_under_its_id_and_count():
    told = life("a", 10, 12)
    difference = reconcile(told, [], told_ns=NOW)
    again = [renamed(row, difference.names) for row in life("a", 10, 14)]
    assert [(r.id, r.version) for r in [*told, *difference.rows, *again]] == [
        ("a", n) for n in (1, 2, 3, 4, 5)
    ]


def test_an_event_that_was_gone_twice_is_told_a_third_time_all_the_same():
    told = life("a", 10, 12)
    first = reconcile(told, [], told_ns=NOW)
    again = [renamed(row, first.names) for row in life("a", 10, 14)]
    second = reconcile(again, [], told_ns=NOW, names=first.names)
    third = [renamed(row, second.names) for row in life("a", 10, 15)]
    versions = [r.version for r in [*told, *first.rows, *again, *second.rows, *third]]
    assert versions == list(range(1, 9))


def test_an_id_that_another_event_has_now_is_not_told_of_two():
    difference = reconcile(life("a", 10, 12), life("b", 8, 11), told_ns=NOW)
    (first, _) = [renamed(row, difference.names) for row in life("a", 10, 12)]
    assert {row.id for row in difference.rows} == {"a"}
    assert (first.id, first.version, first.status) == ("b", 1, EventStatus.NEW)


spans = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 20), st.sampled_from(["a", "b", "c", "d", "e"])), max_size=8
)


@given(told=spans, again=spans)
def test_versions_rise_one_by_one_and_what_stands_is_what_was_decided_again(told, again):
    before = [r for i, (on, n, x) in enumerate(told) for r in life(f"{x}{i}", on, on + n)]
    after = [r for i, (on, n, x) in enumerate(again) for r in life(f"{x}{i}", on, on + n)]
    rows = [*before, *reconcile(before, after, told_ns=NOW).rows]
    by_id: dict[str, list[Event]] = {}
    for row in rows:
        by_id.setdefault(row.id, []).append(row)
    assert all([r.version for r in life] == list(range(1, len(life) + 1)) for life in by_id.values())
    last = [life[-1] for life in by_id.values()]
    standing = sorted(
        (r.onset_ns, r.end_ns)
        for r in last
        if r.status is not EventStatus.WITHDRAWN and r.merged_into is None
    )
    assert standing == sorted({r.id: (r.onset_ns, r.end_ns) for r in after}.values())


def test_a_loose_sock_that_was_none_ends_when_that_is_known() -> None:
    def loose(onset_s: int, end_s: int) -> Context:
        return Context("kid", ContextKind.LOOSE, onset_s * NS, end_s * NS, (Site.LA,), 0.6)

    begun, kept, over = loose(10, 10), loose(20, 20), [loose(30, 30), loose(30, 40)]
    before = [begun, kept, event("a", 1, 2), *over]
    assert list(ended_after_all(before, [kept, event("a", 1, 3)], NOW)) == [loose(10, 1000)]


@given(told=spans, again=spans)
def test_whatever_the_pipeline_tells_next_no_version_of_an_id_is_told_twice(told, again):
    before = [r for i, (on, n, x) in enumerate(told) for r in life(f"{x}{i}", on, on + n)]
    after = [r for i, (on, n, x) in enumerate(again) for r in life(f"{x}{i}", on, on + n)]
    difference = reconcile(before, after, told_ns=NOW)
    decided = {row.id for row in after}
    next_ones = [renamed(row, difference.names) for row in before if row.id not in decided]
    said = [(row.id, row.version) for row in [*before, *difference.rows, *next_ones]]
    assert len(said) == len(set(said))


def test_two_events_may_have_each_others_ids() -> None:
    names = {"a": Name("b"), "b": Name("a")}
    rows = [*life("a", 10, 12), *life("b", 20, 22), *life("c", 30, 32)]
    difference = reconcile(rows[4:], rows[4:], told_ns=NOW, names=names)
    assert difference.rows == ()
    assert {own: name.id for own, name in difference.names.items()} == {"a": "b", "b": "a"}


def test_names_do_not_grow_from_night_to_night():
    known: dict[str, Name] = {}
    for n in range(2000):
        at_s = 10.0 * n
        known = reconcile(
            life(f"told-{n}", at_s, at_s + 2), life(f"again-{n}", at_s, at_s + 3), told_ns=NOW, names=known
        ).names
    assert known["again-1999"].id == "told-1999"
    assert len(known) <= 512
