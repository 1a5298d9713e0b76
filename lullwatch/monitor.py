"""The monitor on real hardware: settings in, a gateway that runs until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from contextlib import ExitStack
from datetime import time as clock_time
from functools import partial
from pathlib import Path

from alerts.mqtt import BrokerAddress
from store.errors import JournalDamaged, JournalFull
from store.journal import Journal
from store.shelf import is_night

from .alarm import CRY_FOR_S, cry
from .caregiving import Household
from .control import Control
from .errors import LeftAlone
from .gateway import Gateway
from .handlers import handlers_of
from .journal_folder import make_journal_folder
from .keeper import Keeper, Keeping, make_room, salvaged
from .metrics import metrics_of
from .mqtt_access import broker_address
from .phones import Phones
from .rollover import opened
from .service_notify import Notifier
from .settings import GatewaySettings
from .settings_check import can_tell
from .steady_memory import give_back_what_is_freed
from .surroundings import MakeRadio, RowClock, Surroundings, own_radio, surroundings

__all__ = ["run"]

_log = logging.getLogger(__name__)


def run(settings: GatewaySettings, *, radio: MakeRadio = own_radio) -> None:
    """Listen to the configured sensors until SIGINT or SIGTERM.

    At SIGHUP, which nobody meant as a stop, it ends too: then people are told that nobody watches.

    Args:
        settings: of this gateway.
        radio: makes the way to the sensors on the event loop; by default the computer's own Bluetooth.

    Raises:
        store.errors.JournalError: when the journal cannot be used.
        lullwatch.errors.LeftAlone: at SIGHUP.
        lullwatch.errors.LullwatchError: when a secret cannot be read.
    """
    give_back_what_is_freed()
    folder = Path(settings.journal_dir).expanduser()
    make_journal_folder(folder)
    broker = None if settings.mqtt is None else broker_address(settings.mqtt)
    phones = Phones(settings)
    _say_if_alone(settings)
    hung_up: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: hung_up.append(number))  # until the loop listens
    try:
        with _opened(folder, settings.zone) as journal:
            _log.info("journal %s", journal.path)
            asyncio.run(_run(settings, journal, broker, phones, radio, hung_up))
    except JournalDamaged as error:
        if is_night(error.path):
            salvaged(error.path)  # what only reading found; whoever starts us anew finds it mended
        raise
    except LeftAlone as error:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        asyncio.run(cry(settings, str(error), for_s=CRY_FOR_S))
        raise


def _opened(folder: Path, zone: str) -> Journal:
    """The night to go on in; on a full disk what stands by for that is let go first."""
    while True:
        try:
            return opened(folder, time.time_ns(), zone)
        except JournalFull:
            if not make_room(folder):
                raise


def _say_if_alone(settings: GatewaySettings) -> None:
    """Without any way to anybody it records all the same, for that is worth having."""
    if not can_tell(settings):
        _log.error(
            "nobody can be told: there is no broker, and no person has a phone; what is seen stands on the pages alone"
        )


async def _run(
    settings: GatewaySettings,
    journal: Journal,
    broker: BrokerAddress | None,
    phones: Phones,
    radio: MakeRadio,
    hung_up: list[int],
) -> None:
    stopping, left_alone = _told_to_stop()
    if hung_up:
        left_alone.set()
    async with surroundings(settings, journal, radio) as around:
        clock = around.clock
        gateway = Gateway(
            name=settings.gateway,
            journal=journal,
            clock=clock,
            clock_row=clock.row(settings.zone),
            wearers=around.wearers,
            radio=around.radio,
            broker=broker,
            read_clock=lambda: clock.row(settings.zone),
            wording=settings.wording,
            summary_at=_time_of(settings.summary_at),
            self_test_at=_time_of(settings.self_test_at),
            household=_household(settings, phones),
            home_assistant=settings.mqtt is not None and settings.mqtt.home_assistant,
        )
        # Threads beside the gateway: they end after it, when all that is told has been committed.
        with ExitStack() as beside:
            beside.enter_context(_keeper(settings, journal, gateway, clock))
            control = Control(journal.path.parent, handlers_of(gateway))
            page = phones.page(gateway.care, clock, partial(gateway.outreach.failing, "ack-page"))
            async with control, metrics_of(gateway, settings, clock), page:
                await _until_stopped(gateway, around, stopping, left_alone)


def _keeper(settings: GatewaySettings, journal: Journal, gateway: Gateway, clock: RowClock) -> Keeper:
    keeping = Keeping(settings.journal.raw_days, settings.journal.min_free_mb * 1_000_000)
    say = partial(gateway.disk.say, "room")
    read_clock = partial(clock.row, settings.zone)
    return Keeper(journal.path.parent, keeping, now_ns=clock.now_ns, on_trouble=say, read_clock=read_clock)


def _told_to_stop() -> tuple[asyncio.Event, asyncio.Event]:
    """Set by SIGINT and SIGTERM, and by SIGHUP: before a radio is set up, so that an early end is in order too."""
    stopping, left_alone, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, left_alone.set)
    return stopping, left_alone


async def _until_stopped(
    gateway: Gateway, around: Surroundings, stopping: asyncio.Event, left_alone: asyncio.Event
) -> None:
    notifier = Notifier()
    async with gateway:
        notifier.say("READY=1", "STATUS=listening")
        watching = asyncio.create_task(notifier.watch(gateway.alive))
        failing = asyncio.create_task(_alive(gateway, around))
        ends = [asyncio.create_task(event.wait()) for event in (stopping, left_alone)]
        await asyncio.wait({failing, *ends}, return_when=asyncio.FIRST_COMPLETED)
        notifier.say("STOPPING=1", "STATUS=ending the links")
        watching.cancel()
        if failing.done():
            failing.result()
        for task in (failing, *ends):
            task.cancel()
        await asyncio.gather(failing, *ends, return_exceptions=True)
        if left_alone.is_set() and not stopping.is_set():
            raise LeftAlone


async def _alive(gateway: Gateway, around: Surroundings) -> None:
    """Until a part fails; meanwhile made-up time passes, where it is made up."""
    if around.live is None:
        await gateway.wait()
        return
    living = asyncio.ensure_future(around.live(gateway))
    waiting = asyncio.ensure_future(gateway.wait())
    try:
        done, _ = await asyncio.wait({living, waiting}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        living.cancel()
        waiting.cancel()
        await asyncio.gather(living, waiting, return_exceptions=True)


def _time_of(text: str | None) -> clock_time | None:
    return None if text is None else clock_time.fromisoformat(text)


def _household(settings: GatewaySettings, phones: Phones) -> Household:
    return Household(
        people=tuple(p.person for p in settings.people),
        sources=settings.commands.sources,
        channels=phones.channels,
        night_ends=clock_time.fromisoformat(settings.summary_at),
        limits=settings.rules,
        ping_url=settings.watch.ping_url,
        hours=tuple(s.hours for s in settings.schedule),
    )
