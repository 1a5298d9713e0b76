"""The live service: links, intake, detectors and the way to the broker, started and ended in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from functools import partial
from typing import Any

from alerts.mqtt import BrokerAddress
from alerts.payloads import Topics
from alerts.words import PLAIN_ENGLISH, Wording
from dsp.clock import Clock
from dsp.records import NS, ClockRow, LinkSample
from ingest.kinds import link_of
from ingest.sensor_kind import Kind
from ingest.sensor_link import SensorLink
from store.journal import Journal
from store.shelf import Shelf, is_night
from store.utc import UtcMap

from .arming import Armer
from .caregiving import Caregiving, Household, recent_rows
from .clocks_again import fit_again
from .dead_man import DeadManPing
from .intake import COMMIT_EVERY_S, Intake
from .keeper import TroubleOf
from .metrics import Counts
from .morning_post import MorningPost
from .outreach import STOP_S, Outreach
from .rollover import Rollover, recent_clock_rows
from .self_test import SelfTest
from .side_work import SideWork
from .spine import Spine, Taken
from .utc_following import follow_utc, skipped_at_start
from .watch import Watch
from .wearers import Radio, Sensor, Stands, Wearer

__all__ = ["Gateway", "Radio", "Sensor", "Stands", "Wearer"]

_log = logging.getLogger(__name__)

LAST_COMMITS_EVERY_S = 0.05
"""Real seconds between commits while the links end."""
LOOK_AT_SENSORS_EVERY_S = 5.0
"""Links that are lost are noticed so late, also while nothing reports."""
COMMITS_MISSING_S = 60.0
"""Rows are committed four times a second; after a minute without, the service is as good as dead."""
CARE_FAILS = 6
"""Failures in a row after which the way to people ends the service: half a minute, in which recording goes on."""


@dataclass(slots=True)
class _Running:
    links: list[asyncio.Task[None]] = field(default_factory=list)
    """and what else hands rows to the intake"""
    intake: asyncio.Task[None] | None = None
    care: asyncio.Task[None] | None = None
    broker: list[asyncio.Task[None]] = field(default_factory=list)


class Gateway:
    """Everything between the radio and the broker for one journal; an async context manager.

    Args:
        name: id of this gateway, used in topics.
        journal: open for writing; it is not closed here. Where it is named as a night is, the next night goes on in
            a file of its own beside it.
        clock: data time, injected.
        clock_row: ties data time to UTC at the start; committed first.
        wearers: the infants and their sensors.
        radio: how to reach the sensors.
        broker: where alerts go; None keeps them in the journal.
        on_taken: told what each batch led to, on the event loop.
        commit_every_s: data time between two commits.
        read_clock: gives the tie between data time and UTC as it is now; by default it stays as it was.
        wording: language of the alerts, and the emergency number they name.
        summary_at: local time at which the summary of the night is sent; None sends none.
        self_test_at: local time at which the service tests itself every evening; None: only when it is asked to.
        household: who is told, over what, and may answer.
        home_assistant: announce every infant to Home Assistant; without it, what was announced is taken away.
    """

    def __init__(
        self,
        *,
        name: str,
        journal: Journal,
        clock: Clock,
        clock_row: ClockRow,
        wearers: Sequence[Wearer],
        radio: Radio,
        broker: BrokerAddress | None = None,
        on_taken: Callable[[Taken], None] = lambda _: None,
        commit_every_s: float = COMMIT_EVERY_S,
        read_clock: Callable[[], ClockRow] | None = None,
        wording: Wording = PLAIN_ENGLISH,
        summary_at: time | None = None,
        self_test_at: time | None = None,
        household: Household | None = None,
        home_assistant: bool = False,
    ) -> None:
        self._household = household or Household()
        self._name = name
        self._journal = journal
        self._read_clock = read_clock or (lambda: clock_row)
        self.shelf = Shelf.around(journal.path)
        self._clock_rows = [*recent_clock_rows(self.shelf), clock_row]
        self.utc = UtcMap(self._clock_rows)
        self._clock = clock
        self._clock_row = clock_row
        self._on_taken = on_taken
        limits = self._household.limits
        watches = [
            Watch.of(w.infant, [s.site for s in w.sensors], w.age_days, wording, limits) for w in wearers
        ]
        turning = Rollover(self.shelf, self._clock_now) if is_night(journal.path) else None
        self._wearers = tuple(wearers)
        self._infants = [w.infant for w in wearers]
        self._spine = Spine(journal, watches, rollover=turning)
        self._committed_ns = self._stepped_ns = clock.now_ns()
        """when a batch was kept last, and when a step of deciding ended"""
        self._recording_ends = False
        self.disk = TroubleOf("disk", self.on_trouble)
        self._intake = Intake(
            self._spine,
            clock,
            self._infants,
            on_taken=self._taken,
            commit_every_s=commit_every_s,
            on_disk=self._on_disk,
        )
        self.counts = Counts()
        self._linked_last: dict[tuple[str, str], LinkSample] = {}
        self.armer = Armer(
            infants=self._infants,
            hours=self._household.hours,
            clock=clock,
            utc=self.utc,
            zone=clock_row.zone,
            keep=self._intake,
            people=self._household.people,
        )
        self._summary_at = summary_at
        self._self_test_at = self_test_at
        self._wording = wording
        self.outreach = Outreach(
            name=name,
            shelf=self.shelf,
            clock=clock,
            utc=self.utc,
            zone=clock_row.zone,
            intake=self._intake,
            infants=self._infants,
            sites={w.infant: [s.site for s in w.sensors] for w in wearers} if home_assistant else None,
            broker=broker,
            wording=wording,
            household=self._household,
            armer=self.armer,
        )
        self._correct_hours()
        self.links = [self._link(w, sensor, radio) for w in wearers for sensor in w.sensors]
        self._running = _Running()

    def _link(self, wearer: Wearer, sensor: Sensor, radio: Radio) -> SensorLink[Any]:
        known = sensor.kind is Kind.SOCK
        return link_of(
            sensor.kind,
            fit=fit_again(self.shelf, wearer.infant, sensor.name, self._clock_row) if known else None,
            address=sensor.address,
            site=sensor.site,
            sensor=sensor.name,
            sink=self._intake.sink(wearer.infant),
            clock=self._clock,
            find=radio.find,
            client=radio.client,
            on_sample=partial(self._linked, wearer.infant),
            rssi=radio.rssi,
            bonds=radio.bonds,
            on_trouble=partial(self._sensor_trouble, wearer.infant, f"{sensor.site.value} {sensor.name}"),
        )

    async def __aenter__(self) -> Gateway:
        taken = self._spine.begin(self._clock_row, wait=False)
        out, tasks = self.outreach, self._running
        self.armer.begin(
            await asyncio.to_thread(lambda: list(self.shelf.newest_rows(("watching",), nights=2)))
        )
        out.begin(await asyncio.to_thread(lambda: list(recent_rows(self.shelf))))
        self._taken(taken)
        self._intake.catch_up()
        tasks.intake = asyncio.create_task(self._intake.run(), name="intake")
        tasks.links = [self._beside("clock", self._follow_utc)]
        if out.publisher is not None:
            tasks.broker = [self._beside(name, work) for name, work in (await out.to_broker()).items()]
            tasks.links.append(self._beside("tonight", out.show))
        tasks.care = self._beside("caregiving", out.care.run, most=CARE_FAILS)
        tasks.links.append(self._beside("arming", self.armer.run))
        tasks.links.append(self._beside("troubles", self._look_around))
        if self._household.ping_url is not None:
            tasks.links.append(self._beside("ping", self._ping(self._household.ping_url).run))
        tasks.links += [
            self._beside(name, link.run, infant=infant) for infant, name, link in self._named_links()
        ]
        tasks.links.append(self._beside("last-test", out.tell_last_test))
        if self._self_test_at is not None:
            evening = partial(self.self_test.every_evening, self._self_test_at)
            tasks.links.append(self._beside("self-test", evening))
        if self._summary_at is not None:
            tasks.links.append(self._beside("summary", self._morning_post(self._summary_at).run))
        return self

    def _beside(
        self,
        name: str,
        work: Callable[[], Coroutine[Any, Any, None]],
        *,
        most: int | None = None,
        infant: str = "",
    ) -> asyncio.Task[None]:
        """A part that begins again when it fails.

        Only keeping and deciding end the service when they fail, for nothing can stand in for them; and caregiving
        when it fails again and again, for nobody can be told of that but past it: by whoever starts the service anew.
        """
        say = partial(self.outreach.failing, name, infant=infant)
        side = SideWork(name, work, clock=self._clock, say=say, most=most)
        return asyncio.create_task(side.run(), name=name)

    def _named_links(self) -> Iterator[tuple[str, str, SensorLink[Any]]]:
        """Of each link: whose it is, so that its trouble goes with the infant's other rows, its name, and itself."""
        sensors = ((w.infant, s) for w in self._wearers for s in w.sensors)
        for (infant, sensor), link in zip(sensors, self.links, strict=True):
            yield infant, f"link {sensor.site.value} {sensor.name}", link

    async def _follow_utc(self) -> None:
        await follow_utc(
            self._clock,
            self._read_clock,
            known=self._clock_row,
            on_set=self._utc_set,
            say=self._clock_trouble,
        )

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        tasks, out = self._running, self.outreach
        if not self._recording_ends:
            self._intake.let_go()
        await self.self_test.close()
        await self._end_links()
        await _end([t for t in [tasks.intake] if t is not None])
        await self._commit_last()
        if self._recording_ends:
            await self._intake.finish()
        await _end([t for t in [tasks.care] if t is not None])
        await out.last_words()
        await out.farewell(planned=kind is None)
        if tasks.broker:
            await asyncio.wait(tasks.broker[:1], timeout=STOP_S)
            await _end(tasks.broker)
        await self._commit_last()  # that the last alerts were delivered
        try:
            await self._intake.close()
        finally:
            self._spine.close()
            self.shelf.close()

    async def _commit_last(self) -> None:
        """People are to hear of the end whatever became of the journal."""
        try:
            await self._intake.commit()
        except Exception as error:  # noqa: BLE001 - what deciding failed of is told by whoever waits for it
            _log.error("the last rows were not kept: %s: %s", type(error).__name__, error)

    @property
    def care(self) -> Caregiving:
        """The way to people."""
        return self.outreach.care

    @property
    def self_test(self) -> SelfTest:
        """The self-test of this gateway."""
        return self.outreach.self_test

    def on_trouble(self, kind: str, why: str) -> None:
        """See `Outreach.on_trouble`. May be called from any thread."""
        self.outreach.on_trouble(kind, why)

    @property
    def samples(self) -> Mapping[tuple[str, str, str], int]:
        """Samples handed over since the start, by infant, site and sensor."""
        return self._intake.samples

    @property
    def queued(self) -> int:
        """Rows that wait for the next commit."""
        return self._intake.queued

    def watermarks(self) -> dict[str, int]:
        """Data time up to which each infant's detector has decided."""
        return self._spine.watermarks()

    def stands(self) -> Stands:
        """How everything stands now."""
        publisher = self.outreach.publisher
        broker = "" if publisher is None else "connected" if publisher.connected else "away"
        return Stands(
            name=self._name,
            now_ns=self._clock.now_ns(),
            committed_ns=self._committed_ns,
            broker=broker,
            infants=tuple(self._infants),
            links=tuple((infant, sample) for (infant, _), sample in self._linked_last.items()),
            troubles=self.outreach.troubles,
            alerts=tuple(self.care.machine.open_alerts()),
        )

    def end_recording(self) -> None:
        """Leaving the context then ends the recording: what is open is decided. Without it, it is only paused."""
        self._recording_ends = True

    async def _end_links(self) -> None:
        """End the links while what they still hand over is committed, so that it is confirmed to the sensors."""
        ending = asyncio.create_task(_end(self._running.links))
        while not ending.done():
            await self._commit_last()
            await asyncio.wait([ending], timeout=LAST_COMMITS_EVERY_S)

    async def wait(self) -> None:
        """Wait until keeping, deciding or the way to people fails for good; raises what it failed of."""
        vital = (self._running.intake, self._running.care)  # what else there is begins again by itself
        tasks = [task for task in vital if task is not None]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def settle(self) -> bool:
        """Wait for the commit that is under way, if any; whether there was one. A hook for simulated clocks."""
        if not self._intake.busy:
            return False
        await self._intake.idle()
        return True

    async def alive(self) -> None:
        """Answers as long as batches are kept and decided on, however far behind deciding is."""
        await self._intake.alive()

    async def announced(self) -> None:
        """Wait until the broker has confirmed everything that is in the journal."""
        await self.outreach.announced()

    def _utc_set(self, row: ClockRow) -> None:
        self._intake.add_quietly(row)
        self.utc.add(row)
        self._clock_rows.append(row)
        self._correct_hours()

    def _correct_hours(self) -> None:
        """An alert that was open at a power cut has its hour, also where the clock came up ahead of it."""
        self.care.machine.skipped(*skipped_at_start(self._clock_rows))

    def _clock_trouble(self, why: str) -> None:
        self.outreach.say("clock", why)

    def _morning_post(self, at: time) -> MorningPost:
        return MorningPost(
            journal=self._journal.path,
            infants=self._infants,
            zone=self._clock_row.zone,
            at=at,
            clock=self._clock,
            utc_ns=self.utc.utc_ns,
            keep=self._intake.add,
            topics=Topics(self._name),
            mqtt=self.outreach.publisher,
            channels=self._household.channels,
            people=self._household.people,
            wording=self._wording,
        )

    async def _look_around(self) -> None:
        while True:
            await self._clock.sleep(LOOK_AT_SENSORS_EVERY_S)
            self.outreach.look(self._committed_ns, self._spine.watermarks())

    def _ping(self, url: str) -> DeadManPing:
        def alive() -> bool:
            both_ns = min(self._committed_ns, self._stepped_ns)
            return self._clock.now_ns() - both_ns < int(COMMITS_MISSING_S * NS)

        return DeadManPing(url, clock=self._clock, alive=alive)

    def _sensor_trouble(self, infant: str, place: str, kind: str, why: str) -> None:
        self.outreach.say(kind, why, infant=infant, detail=place)

    def _linked(self, infant: str, sample: LinkSample) -> None:
        self._linked_last[infant, sample.sensor] = sample
        self._intake.add_link(infant, sample)
        self.outreach.linked(infant, sample)

    def _clock_now(self) -> ClockRow:
        """The tie between data time and UTC at this moment."""
        row, t_ns = self._read_clock(), self._clock.now_ns()
        since_ns = t_ns - row.t_ns
        return replace(row, t_ns=t_ns, utc_ns=row.utc_ns + since_ns, monotonic_ns=row.monotonic_ns + since_ns)

    def _on_disk(self, why: str) -> None:
        if not why:
            self._committed_ns = self._clock.now_ns()
        self.disk.say("journal", why)

    def _taken(self, taken: Taken) -> None:
        if taken.turned is not None:
            self.utc.add(taken.turned)
            self.armer.turned()
        self._stepped_ns = self._clock.now_ns()
        self.counts.taken(taken)
        self.outreach.taken(taken)
        self._on_taken(taken)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            _log.error("a part of the service had failed: %s: %s", type(result).__name__, result)
