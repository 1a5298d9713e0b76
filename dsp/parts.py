"""The classes a pipeline's state is made of, which a snapshot may name."""

from __future__ import annotations

from dsp.bursts import Burst, OpenBurst, Pulse, Segmenter
from dsp.chain import Chain, Hops
from dsp.context import ContextTracker
from dsp.core import Core
from dsp.epochs import WearTracker
from dsp.events import Draft
from dsp.filters import Bank, Section
from dsp.floor import RunningMedian
from dsp.grid import Inputs, SiteGrid, Waiting
from dsp.hiccups import HiccupTracker
from dsp.history import History
from dsp.likelihoods import Likelihood
from dsp.likeness import Trace
from dsp.long import LongTracker
from dsp.looseness import LooseTracker
from dsp.members import Member
from dsp.movements import MovementTracker
from dsp.records import Evidence, Label, Scale, Segment, SegmentFlag, Site, State, Stretch
from dsp.rocking import RockingTracker
from dsp.runs import Run
from dsp.scene import Scene
from dsp.settings import Settings
from dsp.spasms import SpasmTracker
from dsp.state import StateTracker
from dsp.stiffening import Hold, StiffeningTracker
from dsp.trains import Frame, TrainTracker
from dsp.tremor import TremorTracker
from dsp.views import View
from dsp.weights import Table

__all__ = ["PARTS"]

PARTS: tuple[type, ...] = (
    Bank, Burst, Chain, ContextTracker, Core, Draft, Evidence, Frame, HiccupTracker, History, Hold, Hops,
    Inputs, Label, Likelihood, LongTracker, LooseTracker, Run,
    Member, MovementTracker, OpenBurst, Pulse, RockingTracker, RunningMedian, Scale,
    Scene, Section, Segment, SegmentFlag, Segmenter, Settings, Site, SiteGrid, SpasmTracker, State,
    StateTracker, StiffeningTracker, Stretch, Table, Trace, TrainTracker, TremorTracker, View, Waiting, WearTracker,
)  # fmt: skip
