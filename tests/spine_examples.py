"""Five minutes with a series of movements, as a gateway would commit them."""

from __future__ import annotations

from dsp.records import NS, Counts, Packet, Segment, Site, Tick
from firmware_sim.night import make_night
from firmware_sim.scenario import scenario_from_toml
from store.rows import FedRow, Row, SegmentRow

KID = "kid"
SITES = (Site.LA, Site.RA, Site.TR)
SCENARIO = """
name = "series"
duration_min = 5
age_days = 200
[[phase]]
state = "awake"
minutes = 5
[[movement]]
kind = "spasm_cluster"
at_min = 1.5
count = 8
gap_s = 9.0
subtle = false
"""

Batch = list[Row]


def row_of(segment: Segment) -> SegmentRow:
    counts: Counts = segment.counts
    names = (segment.site, segment.sensor, segment.boot, segment.seq)
    packet = Packet(*names, 0, 104.0, segment.scale, counts, segment.flags, segment.end_ns)
    return SegmentRow(KID, packet, segment)


def five_minutes() -> list[Batch]:
    """A batch a second, a tick at the end of each."""
    night = make_night(scenario_from_toml(SCENARIO), seed=1001, infant=KID)
    seconds: list[Batch] = [[] for _ in range(302)]
    for segment in night.segments():
        seconds[segment.end_ns // NS].append(row_of(segment))
    return [[*rows, FedRow(KID, Tick((i + 1) * NS))] for i, rows in enumerate(seconds)]
