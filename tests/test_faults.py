from __future__ import annotations

import math

import numpy as np
import pytest

from dsp.records import Site
from firmware_sim.faults import BadChipFaultError, ChipFault, hold_axis


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"kind": "melts"}, "no such kind"),
        ({"kind": "restart", "at_s": -1.0}, "at_s is -1"),
        ({"kind": "stuck_axis", "for_s": 0.0}, "for_s is 0"),
        ({"kind": "stuck_axis", "axis": 6}, "axis is 6"),
        ({"kind": "restart", "for_s": 0.01}, "no chip is back within 0.01 s"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_the_kinds_there_are(made, says):
    with pytest.raises(BadChipFaultError, match=f"{says}.*stuck_axis, restart, clock_jump"):
        ChipFault(**{"site": Site.LA, "at_s": 1.0, **made})


def test_a_restart_takes_half_a_second_and_a_stuck_axis_stays_stuck_unless_told():
    assert ChipFault("restart", Site.LA, 10.0).end_s == 10.5
    assert ChipFault("stuck_axis", Site.LA, 10.0).end_s == math.inf
    assert ChipFault("stuck_axis", Site.LA, 10.0, for_s=4.0).end_s == 14.0


def test_an_axis_holds_its_first_value_or_the_one_it_was_given():
    counts = np.arange(12, dtype=np.int16).reshape(4, 3)
    assert hold_axis(counts, 1) == 1
    assert counts[:, 1].tolist() == [1, 1, 1, 1]
    assert counts[:, 0].tolist() == [0, 3, 6, 9]
    assert hold_axis(counts, 2, 7) == 7
    assert counts[:, 2].tolist() == [7, 7, 7, 7]


def test_an_axis_that_is_not_there_holds_nothing():
    counts = np.zeros((4, 3), np.int16)
    assert hold_axis(counts, 5) is None
    assert hold_axis(counts[:0], 1, 9) == 9
