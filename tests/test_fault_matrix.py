"""Each fault of a sock: what the caregiver is told of it, and what is in the journal afterwards.

All of it happens in one simulated ward: every row of the matrix is an infant of its own with one sock, on one gateway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import pytest

from dsp.records import NS, Coverage, Site, Usability
from firmware_sim.sock import SockConfig, VirtualSock
from firmware_sim.sock_script import SockFault, SockFaultKind
from tests.radio_rig import noise
from tests.ward import Lived, Ward, Worn, address_of

SECONDS = 125.0
"""the longest fault and what is told of it take 80 s; every second of it costs that of 22 socks"""
AT_S = 10.0
SETTLED_S = 20.0
"""what is on its way at the end is no loss"""


@dataclass(frozen=True)
class Row:
    """A fault and what must come of it."""

    faults: tuple[tuple[SockFaultKind, dict[str, Any]], ...] = ()
    """all at `AT_S`, but where they say otherwise"""
    options: dict[str, object] = field(default_factory=dict)
    """how the sock is built"""
    told: tuple[str, ...] = ()
    """kinds of technical trouble that a caregiver is told"""
    stands: bool = False
    """whether they still stand in the end"""
    states: tuple[str, ...] = ()
    """states of the link that must be among those it went through"""
    lost: range = range(1)
    """how many packets that were in the sock's flash may be missing from the journal"""
    degraded: range = range(1)
    """minutes that were not seen whole, of two"""
    causes: tuple[str, ...] = ()
    """why minutes were not seen, as the links say it"""
    jumps: int = 0
    minutes: int = 3
    """of coverage; of a sensor that never brought anything only whole ones are told"""


ALL = range(100_000)
MATRIX: dict[str, Row] = {
    "disconnect": Row((("disconnect", {}),), states=("backing_off",)),
    "out_of_range": Row((("out_of_range", {"seconds": 20.0}),), states=("backing_off", "searching")),
    "out_of_range for long": Row(
        (("out_of_range", {"seconds": 80.0}),), told=("link",), states=("backing_off", "searching")
    ),
    "silent": Row((("silent", {"seconds": 20.0}),), states=("stalled",)),
    "lose": Row((("lose", {"count": 20}),)),
    "late": Row((("late", {"count": 5, "seconds": 2.0}),)),
    "duplicate": Row((("duplicate", {"count": 20}),)),
    "corrupt": Row((("corrupt", {"count": 20}),)),
    "overrun": Row(
        (("out_of_range", {"seconds": 50.0}), ("overrun", {"count": 100})),
        lost=range(150, 400),
        degraded=range(1, 2),
        states=("searching",),
    ),
    "restart": Row((("restart", {}),), states=("backing_off",)),
    "clock_jump": Row((("clock_jump", {"seconds": 7.0}),), jumps=1),
    "stuck_axis": Row((("stuck_axis", {"seconds": 20.0}),)),
    "off": Row((("off", {"seconds": 40.0}),), degraded=range(3)),
    "swap": Row((("swap", {"other": "late LA"}),)),
    "firmware": Row((("firmware", {}),), told=("firmware", "link"), stands=True, lost=range(1), degraded=ALL),
    "battery": Row(
        (("battery", {"percent": 0.0}),), told=("link",), stands=True, states=("searching",), degraded=ALL
    ),
    "battery low": Row((("battery", {"percent": 12.0}),), told=("battery",), stands=True),
    "battery changed": Row(
        (("battery", {"percent": 0.0}), ("battery", {"percent": 90.0, "at_s": AT_S + 20})),
        states=("searching",),
        degraded=range(1, 2),
    ),
    "forget": Row(
        (("forget", {}),),
        told=("security", "link"),
        stands=True,
        states=("refused",),
        causes=("refused",),
        lost=ALL,
        degraded=ALL,
    ),
    "never paired": Row(
        minutes=2,
        options={"bonded_with": None, "samples_at_power_on": True},
        told=("security", "link"),
        stands=True,
        states=("refused",),
        causes=("refused",),
        lost=ALL,
        degraded=ALL,
    ),
    "look-alike": Row(told=("security", "link"), states=("refused",), causes=("backfilled",)),
    "3 % loss": Row(options={"loss": 0.03}),
}


def infant_of(row: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in row.lower())


def script() -> Iterator[SockFault]:
    for name, row in MATRIX.items():
        for kind, details in row.faults:
            options = {"at_s": AT_S, **details}
            yield SockFault(f"{infant_of(name)} LA", kind, **options)


async def take_its_place(ward: Ward) -> None:
    """For 70 s another device advertises under the address of a sock that is out of range."""
    await ward.clock.sleep(AT_S)
    name = f"{infant_of('look-alike')} LA"
    real = ward.socks[name]
    real.gatt.set_in_range(False)
    fake = VirtualSock(
        ward.air.controller("impostor"),
        clock=ward.clock,
        source=noise(SECONDS, seed=999),
        config=SockConfig(address=real.config.address, seed=999, bonded_with=None, samples_at_power_on=True),
    )
    await fake.power_on()
    await ward.clock.sleep(70.0)
    await fake.power_off()
    real.gatt.set_in_range(True)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    worn = [
        Worn(infant_of(name), Site.LA, noise(SECONDS + 10, seed=number), row.options)
        for number, (name, row) in enumerate(MATRIX.items())
    ]
    path = tmp_path_factory.mktemp("ward") / "night.sqlite"

    async def live() -> Lived:
        return await Ward(worn).live(path, SECONDS, list(script()), take_its_place)

    return asyncio.run(live())


@pytest.mark.parametrize("name", MATRIX)
def test_a_caregiver_is_told_what_only_a_person_can_mend_and_nothing_else(lived: Lived, name: str) -> None:
    row, infant = MATRIX[name], infant_of(name)
    assert set(lived.troubles(infant)) == set(row.told)
    assert bool(lived.standing(infant)) == row.stands


@pytest.mark.parametrize("name", MATRIX)
def test_every_packet_that_the_sock_could_still_give_is_in_the_journal_once(lived: Lived, name: str) -> None:
    row, key = MATRIX[name], (infant_of(name), Site.LA)
    sent, kept = lived.sent[key], lived.kept[key]
    assert len(kept) == len(set(kept))
    assert set(kept) <= set(sent)
    if not row.stands or row.told == ("battery",):
        due = sent[: -round(SETTLED_S * 6.5)] if len(sent) > SETTLED_S * 6.5 else sent
        assert len(set(due) - set(kept)) in row.lost
        assert len(due) > 500


@pytest.mark.parametrize("name", MATRIX)
def test_the_link_goes_through_the_states_of_its_fault(lived: Lived, name: str) -> None:
    row, states = MATRIX[name], lived.states(infant_of(name), Site.LA)
    assert set(row.states) <= set(states)
    expected = "streaming" if not row.stands or row.told == ("battery",) else None
    assert expected is None or states[-2] == expected
    assert row.states or states.count("streaming") == 1


@pytest.mark.parametrize("name", MATRIX)
def test_coverage_accounts_for_every_second_and_says_what_was_missing(lived: Lived, name: str) -> None:
    row, minutes = MATRIX[name], settled(lived.coverage[infant_of(name)])
    assert [m.t_ns for m in minutes] == list(range(0, round(SECONDS * NS), 60 * NS))[: len(minutes)]
    assert sum(m.span_ns for m in minutes[:-1]) == (len(minutes) - 1) * 60 * NS
    assert len(minutes) == row.minutes
    short = sum(m.usability is not Usability.USABLE for m in minutes[:2])
    assert short in row.degraded
    assert {f"{cause}:LA" for cause in row.causes} <= {cause for m in minutes for cause in m.causes}


def settled(coverage: list[Coverage]) -> list[Coverage]:
    """The last word on every minute."""
    return list({m.t_ns: m for m in coverage}.values())


def test_a_jump_of_the_sensor_clock_is_taken_off_and_counted(lived: Lived) -> None:
    for name, row in MATRIX.items():
        assert lived.fits[infant_of(name), Site.LA] == row.jumps, name


def test_every_link_reports_at_least_once_a_minute_with_all_that_is_measured(lived: Lived) -> None:
    said = lived.links[infant_of("late"), Site.LA]
    times = np.array([s.t_ns for s in said]) / NS
    assert np.diff(times).max() < 61
    last = [s for s in said if s.state == "streaming"][-1]
    assert last.rssi is not None
    assert last.battery is not None
    assert last.residual_ms is not None
    assert last.latency_ms is not None
    assert 10 < last.latency_ms < 60
    assert last.received > 700
    lossy = [s for s in lived.links[infant_of("3 % loss"), Site.LA] if s.state == "streaming"][-1]
    assert lossy.backfilled > 8


def test_every_fault_of_the_script_has_a_row() -> None:
    assert {kind for row in MATRIX.values() for kind, _ in row.faults} == set(get_args(SockFaultKind))


def test_addresses_of_a_ward_are_static_random() -> None:
    assert int(address_of(1)[:2], 16) >> 6 == 3
