"""Movements that may belong to a series, and which of them follow one another best.

A spasm follows the last spasm, whatever the infant kicked in between. So each movement is not only weighed by how it
follows those just before it, but also linked to the one that it follows best: dynamic programming over the newest
few, as in the search for the best path through a lattice (Viterbi 1967), here over a handful of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from dsp.chain import Chain
from dsp.classify import Verdict
from dsp.events import Draft
from dsp.grid import GRID_HZ
from dsp.likeness import Trace, likeness_of
from dsp.records import Evidence, Site
from dsp.settings import Settings
from dsp.weights import weigh

__all__ = ["Line", "Member", "compare", "line_along", "line_of_newest", "path_to"]


@dataclass(slots=True)
class Member:
    """A movement that may belong to a series."""

    k: int
    log_odds: float
    draft: Draft
    match: float
    evidence: list[Evidence]
    """as a spasm-like movement, whatever it was told as"""
    trace: Trace
    sites_seen: int
    alike: float = 0.0
    """log-odds of how it follows those before it"""
    alike_evidence: list[Evidence] = field(default_factory=list)
    told: bool = False
    path: list[int] = field(default_factory=list)
    """anchors of those that it follows best, the newest last"""
    linked: float = 0.0
    """log-odds of how it follows them"""
    linked_evidence: list[Evidence] = field(default_factory=list)
    passed: int = 0
    """members between it and the newest of them"""


@dataclass(frozen=True, slots=True)
class Line:
    """Some members in the order in which they came, and how each follows those before it."""

    members: Sequence[Member]
    alike: float
    """log-odds of how they follow one another, together"""
    passed: int
    """members in between that were passed over"""
    rows: list[list[Evidence]]
    """evidence of how they follow one another, of all but the first"""


def line_of_newest(members: Sequence[Member], n: int) -> Line:
    """The newest n, none passed over."""
    some = members[-n:]
    return Line(some, sum(m.alike for m in some[1:]), 0, [m.alike_evidence for m in some[1:]])


def line_along(path: Sequence[Member], n: int) -> Line:
    """The newest n of a path."""
    some = path[-n:]
    linked = some[1:]
    return Line(
        some,
        sum(m.linked for m in linked),
        sum(m.passed for m in linked),
        [m.linked_evidence for m in linked],
    )


def path_to(member: Member, members: Sequence[Member]) -> list[Member]:
    """The members that one follows best, and itself as the last; those among the members given."""
    return [m for m in members if m is member or m.k in member.path]


def compare(member: Member, members: Sequence[Member], chains: dict[Site, Chain], settings: Settings) -> None:
    """Weigh how a movement follows those before it, and find those that it follows best.

    The first of a series follows none.

    Args:
        member: The movement; takes what is found.
        members: Those before it, the newest last.
        chains: The sites that were seen.
        settings: The detector's.
    """
    if not members:
        return
    member.alike, member.alike_evidence = _follows(member, members, chains, settings)
    most = -math.inf
    for passed, last in enumerate(reversed(members[-settings.link_reach :])):
        if member.k - last.k > settings.cluster_gap_s * GRID_HZ:
            return
        path = path_to(last, members)
        so_far = _most_along(path, settings) - settings.passed_cost * passed
        if so_far + settings.alike_most <= most:
            continue
        linked, rows = _follows(member, path, chains, settings)
        if so_far + linked > most:
            most = so_far + linked
            member.path = [m.k for m in path][1 - settings.cluster_run :]
            member.linked, member.linked_evidence, member.passed = linked, rows, passed


def _follows(
    member: Member, before: Sequence[Member], chains: dict[Site, Chain], settings: Settings
) -> tuple[float, list[Evidence]]:
    values = likeness_of(member.trace, [m.trace for m in before], chains)
    verdict = Verdict(settings.series_bias, weigh(settings.series_tables, values))
    return min(max(verdict.log_odds, -settings.alike_most), settings.alike_most), verdict.said()


def _most_along(path: Sequence[Member], settings: Settings) -> float:
    """The highest sum of a path's newest members, however many of them."""
    most, total = -math.inf, 0.0
    for m in reversed(path):
        total += m.log_odds
        most = max(most, total)
        total += m.linked - settings.passed_cost * m.passed
    return most
