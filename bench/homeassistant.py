"""Home Assistant Core itself as the consumer; writes docs/evidence/homeassistant.json.

Discovery, states, availability, buttons, the blueprint, removal.

    python bench/homeassistant.py --core .venv-homeassistant/bin/hass

Runs in a network namespace that has nothing but the loopback: a Mosquitto, Home Assistant Core from PyPI in an
environment of its own, and a gateway as a process that can be killed, with virtual socks and a simulated infant.
Home Assistant republishes its states over MQTT (mqtt_statestream), so that no login is needed to look at them; its
buttons are pressed by an automation, its phone is a script that publishes what the blueprint hands it.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, TypeVar

import evidence
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from lullwatch.local_brokers import LocalMosquitto
from lullwatch.programs import MOSQUITTO, Missing, obtain

ROOT: Final = Path(__file__).resolve().parents[1]
BLUEPRINT: Final = ROOT / "deploy" / "homeassistant" / "lullwatch_phone.yaml"
SPEAKS_OF: Final = (
    "alerts/discovery.py",
    "alerts/tonight.py",
    "lullwatch/home_assistant.py",
    "deploy/homeassistant",
    "bench/homeassistant.py",
)
GATEWAY: Final = "bench"
PACE: Final = 2.0
"""Twice the pace of the world: Home Assistant's own time-outs stay as they are."""
START_S: Final = 180.0
"""Core loads dozens of integrations' requirements on two busy cores."""
PATIENCE_S: Final = 240.0
_CLONE_NEWNET: Final = 0x40000000
T = TypeVar("T")


class HomeAssistantError(Exception):
    """Something that Home Assistant should have shown or done did not come."""

    def __init__(self, what: str, seen: object) -> None:
        super().__init__(f"{what}; seen: {seen}")


def alone() -> None:
    """Leave the network: from here on there is only the loopback."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "a network namespace needs root: sudo")
    with socket.socket() as probe:
        # IFF_UP, IFF_RUNNING, IFF_MULTICAST: parts of Core that look for devices want to join a group
        fcntl.ioctl(probe, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40 | 0x1000))  # SIOCSIFFLAGS
        net = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton("224.0.0.0"))
        mask = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton("240.0.0.0"))
        nowhere = struct.pack("HH4s8x", socket.AF_INET, 0, b"\0\0\0\0")
        lo = ctypes.create_string_buffer(b"lo")
        # struct rtentry of Linux: pad, destination, gateway, mask, flags (RTF_UP), ..., metric, device
        route = struct.pack(
            "@L16s16s16sHhLLhxxxxxxPLLH", 0, net, nowhere, mask, 1, 0, 0, 0, 0, ctypes.addressof(lo), 0, 0, 0
        )
        fcntl.ioctl(probe, 0x890B, route)  # SIOCADDRT


async def gateway(port: int, folder: Path, *, announced: bool) -> None:
    """A home with virtual socks and its gateway, until killed."""
    from latency import START_UTC_NS, make_home

    from alerts.mqtt import BrokerAddress
    from dsp.records import NS, ClockRow
    from firmware_sim.sim_clock import ScaledClock
    from lullwatch.gateway import Gateway
    from lullwatch.home import SimulatedHome
    from store.journal import Journal

    del START_UTC_NS
    night = make_home(7001, series=2, warm_up_s=75.0)
    clock = ScaledClock(pace=PACE)
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(Journal.open(folder / f"{time.time_ns()}.sqlite"))
        home = await stack.enter_async_context(SimulatedHome(night, clock))
        service = Gateway(
            name=GATEWAY,
            journal=journal,
            clock=clock,
            clock_row=ClockRow(clock.now_ns(), time.time_ns() // NS * NS, "bench", "UTC"),
            wearers=[home.wearer()],
            radio=home.radio(),
            broker=BrokerAddress("127.0.0.1", port),
            home_assistant=announced,
        )
        await stack.enter_async_context(service)
        await asyncio.Event().wait()


class Eye:
    """Everything that goes over the broker, by topic: the last payload, and all of them in order."""

    def __init__(self, port: int) -> None:
        self.last: dict[str, str] = {}
        self.all: list[tuple[str, str]] = []
        self._news = threading.Condition()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="eye")
        self.client.on_message = self._heard
        self.client.connect("127.0.0.1", port)
        self.client.subscribe("#", qos=1)
        self.client.loop_start()

    def _heard(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        with self._news:
            self.last[message.topic] = message.payload.decode(errors="replace")
            self.all.append((message.topic, self.last[message.topic]))
            self._news.notify_all()

    def until(self, what: str, so: Callable[[], T | None], patience_s: float = PATIENCE_S) -> T:
        """Wait until it is so; what it gave."""
        give_up = time.monotonic() + patience_s
        with self._news:
            while not (found := so()):
                if (
                    not self._news.wait(min(1.0, max(0.0, give_up - time.monotonic())))
                    and time.monotonic() > give_up
                ):
                    shown = {
                        t: p for t, p in self.last.items() if t.startswith("ha_out/") and t.endswith("/state")
                    }
                    raise HomeAssistantError(what, shown)
        return found

    def say(self, topic: str, payload: str) -> None:
        self.client.publish(topic, payload, qos=1).wait_for_publish(10)

    def state(self, entity: str) -> str | None:
        return self.last.get(f"ha_out/{entity.replace('.', '/')}/state")

    def attribute(self, entity: str, name: str) -> float | str | None:
        found = self.last.get(f"ha_out/{entity.replace('.', '/')}/{name}")
        return None if found is None else json.loads(found)


CONFIGURATION = """
homeassistant: {{name: bench, latitude: 0, longitude: 0, elevation: 0, unit_system: metric, time_zone: UTC}}
http: {{server_host: 127.0.0.1, server_port: {http}}}
mqtt_statestream: {{base_topic: ha_out, publish_attributes: true}}
logger: {{default: warning}}
script:
  phone:
    mode: parallel
    sequence:
      - action: mqtt.publish
        data:
          topic: bench/phone
          payload: "{{{{ {{'title': title, 'message': message, 'data': data}} | tojson }}}}"
automation:
  - alias: press
    mode: parallel
    triggers: [{{trigger: mqtt, topic: bench/press}}]
    actions: [{{action: button.press, target: {{entity_id: "{{{{ trigger.payload }}}}"}}}}]
  - alias: touch
    mode: parallel
    triggers: [{{trigger: mqtt, topic: bench/touch}}]
    actions:
      - event: mobile_app_notification_action
        event_data: {{action: "{{{{ trigger.payload }}}}"}}
  - alias: phone of one
    use_blueprint:
      path: lullwatch/lullwatch_phone.yaml
      input: {{gateway: {gateway}, infant: {infant}, phone: script.phone, person: home-assistant}}
"""


def configure(folder: Path, *, broker: int, http: int, infant: str) -> None:
    """Home Assistant's folder: settings, our blueprint, and the broker it is to use."""
    blueprints = folder / "blueprints" / "automation" / "lullwatch"
    blueprints.mkdir(parents=True)
    shutil.copy(BLUEPRINT, blueprints / BLUEPRINT.name)
    (folder / "configuration.yaml").write_text(
        CONFIGURATION.format(http=http, gateway=GATEWAY, infant=infant)
    )
    now = "2026-01-01T00:00:00+00:00"
    entry = {
        "created_at": now, "modified_at": now, "data": {"broker": "127.0.0.1", "port": broker},
        "disabled_by": None, "discovery_keys": {}, "domain": "mqtt", "entry_id": "bench", "minor_version": 2,
        "options": {}, "pref_disable_new_entities": False, "pref_disable_polling": False, "source": "user",
        "subentries": [], "title": "broker", "unique_id": None, "version": 1,
    }  # fmt: skip
    storage = folder / ".storage"
    storage.mkdir()
    kept = {"version": 1, "minor_version": 5, "key": "core.config_entries", "data": {"entries": [entry]}}
    (storage / "core.config_entries").write_text(json.dumps(kept))


def entity_of(folder: Path, unique_id: str) -> str:
    """What Home Assistant called an entity of ours; it writes its register some seconds late."""
    give_up = time.monotonic() + 60
    register = folder / ".storage" / "core.entity_registry"
    while time.monotonic() < give_up:
        if register.exists():
            for entity in json.loads(register.read_text())["data"]["entities"]:
                if entity["unique_id"] == unique_id:
                    return str(entity["entity_id"])
        time.sleep(0.5)
    raise HomeAssistantError("an entity of ours", unique_id)


def checked(
    eye: Eye, folder: Path, port: int, work: Path, children: list[subprocess.Popen[bytes]]
) -> dict[str, Any]:
    """Every promise, one after the other; what was seen."""
    infant = "kid-7001"
    base = f"lullwatch/{GATEWAY}/{infant}"
    seen: dict[str, Any] = {}

    def start(announced: str = "yes") -> subprocess.Popen[bytes]:
        line = [sys.executable, __file__, "--gateway", str(port), str(work), announced]
        children.append(subprocess.Popen(line, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}))
        return children[-1]

    running = start()

    def entity(name: str, of: str = infant) -> str:
        return entity_of(folder, f"lullwatch_{GATEWAY}_{of}_{name}")

    state, coverage, problem = entity("state"), entity("coverage"), entity("problem")
    series, last, waiting, alert = entity("series"), entity("last_event"), entity("open"), entity("alert")
    battery, link, up = entity("battery_la"), entity("link_la"), entity("running", "gateway")
    seen["entities"] = sorted(
        e["entity_id"]
        for e in json.loads((folder / ".storage/core.entity_registry").read_text())["data"]["entities"]
        if e["platform"] == "mqtt"
    )
    eye.until("the gateway is up", lambda: eye.state(up) == "on")
    eye.until("the sock's link is up", lambda: eye.state(link) == "on")
    eye.until("its battery has a level", lambda: (eye.state(battery) or "").isdigit())

    def told_state() -> str:
        """The newest state over MQTT: the detector's verdict is not on trial here, that it is shown is."""
        return str(json.loads(eye.last.get(f"{base}/state", "{}")).get("state", "unknown"))

    eye.until("a state is known", lambda: told_state() != "unknown")
    eye.until("and it is shown", lambda: eye.state(state) == told_state())
    eye.until("a minute was usable", lambda: eye.state(coverage) == "usable")
    eye.until("the series is counted", lambda: eye.state(series) == "1")
    eye.until("with its coverage beside it", lambda: float(eye.attribute(series, "seen_s") or 0) > 0)
    eye.until("the last event is named", lambda: eye.state(last) == "repeated_brief_movements")
    eye.until("the alert is an event", lambda: eye.attribute(alert, "event_type") in ("urgent", "notice"))
    eye.until(
        "it waits for an answer", lambda: eye.state(waiting) not in (None, "0", "unknown", "unavailable")
    )
    seen["states"] = {name: eye.state(e) for name, e in (
        ("state", state), ("coverage", coverage), ("series", series), ("last_event", last), ("open", waiting),
        ("battery_la", battery), ("link_la", link), ("problem", problem), ("running", up))}  # fmt: skip

    phone = json.loads(eye.until("the phone is told", lambda: eye.last.get("bench/phone")))
    told = [json.loads(p) for t, p in eye.all if t == f"{base}/alert"]
    rang = [m for m in told if m["rings"]]
    phones = [json.loads(p) for t, p in eye.all if t == "bench/phone"]
    loud = [p for p in phones if p["data"]["push"]["sound"] != "none"]
    if bool(rang) != bool(loud):
        raise HomeAssistantError("the phone rings for what rings", (len(rang), len(loud)))
    seen["phone"] = {"title": phone["title"], "messages": len(phones), "loud": len(loud), "rang": len(rang)}
    buttons = {b["action"].split("|")[1]: b["action"] for b in phone["data"]["actions"]}
    eye.say("bench/touch", buttons["film"])
    film = eye.until("filming is noted", lambda: eye.last.get(f"{base}/result/note"))
    seen["film"] = json.loads(film)["ok"]

    eye.say("bench/press", entity("ack"))
    answer = json.loads(eye.until("the button is answered", lambda: eye.last.get(f"{base}/result/ack")))
    seen["ack"] = {"ok": answer["ok"], "alerts": len(answer.get("alerts", []))}
    if not (answer["ok"] and answer["alerts"] and seen["film"]):
        raise HomeAssistantError("answers that are not refusals", (answer, film))
    eye.until("nothing waits any more", lambda: eye.state(waiting) == "0")

    eye.say("homeassistant/status", "online")
    config = f"homeassistant/device/lullwatch_{GATEWAY}_{infant}/config"
    before = sum(t == config for t, _ in eye.all)
    eye.until("devices are announced again at a birth", lambda: sum(t == config for t, _ in eye.all) > before)

    begun = time.monotonic()
    running.send_signal(signal.SIGKILL)
    running.wait()
    eye.until("everything is unavailable once the gateway is dead", lambda: eye.state(state) == "unavailable")
    eye.until("what a sock said last is not shown as live", lambda: eye.state(battery) == "unavailable")
    eye.until("but that it is dead is shown", lambda: eye.state(up) == "off")
    seen["unavailable_after_s"] = round(time.monotonic() - begun, 1)
    seen["dead"] = {"state": eye.state(state), "running": eye.state(up), "battery_la": eye.state(battery)}

    running = start("no")
    eye.until("devices are taken away when it is turned off", lambda: eye.last.get(config) == "")
    seen["removed"] = True
    return seen


def main(words: list[str] | None = None) -> int:
    """Run it in a namespace of its own."""
    words = sys.argv[1:] if words is None else words
    if words[:1] == ["--gateway"]:
        asyncio.run(gateway(int(words[1]), Path(words[2]), announced=words[3] == "yes"))
        return 0
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--core", type=Path, required=True, help="the program hass")
    core = parser.parse_args(words).core.absolute()
    found = obtain(MOSQUITTO)
    if isinstance(found, Missing):
        sys.exit(str(found))
    version = subprocess.run([core, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    alone()
    children: list[subprocess.Popen[bytes]] = []
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as place,
        LocalMosquitto(Path(place) / "mosquitto", program=found) as broker,
    ):
        folder = Path(place) / "core"
        folder.mkdir()
        configure(folder, broker=broker.port, http=18123, infant="kid-7001")
        log = (Path(place) / "core.log").open("wb")
        children.append(subprocess.Popen([core, "-c", folder, "--skip-pip"], stdout=log, stderr=log))
        eye = Eye(broker.port)
        try:
            eye.until(
                "Home Assistant has come up",
                lambda: eye.last.get("homeassistant/status") == "online",
                START_S,
            )
            up_s = time.monotonic() - began
            seen = checked(eye, folder, broker.port, Path(place), children)
        except HomeAssistantError as error:
            print((Path(place) / "core.log").read_text()[-6000:], file=sys.stderr)
            print(f"failed: {error}", file=sys.stderr)
            return 1
        finally:
            for child in children:
                child.kill()
                child.wait()
            eye.client.loop_stop()
        complaints = [
            line
            for line in (Path(place) / "core.log").read_text().splitlines()
            if re.search(r"ERROR|WARNING", line)
            and re.search(r"mqtt|lullwatch|blueprint|template|automation", line)
        ]
    figures = {"home_assistant": version, "up_s": round(up_s, 1), "all_s": round(time.monotonic() - began, 1),
               **seen, "complaints": complaints}  # fmt: skip
    path = evidence.write(
        "homeassistant", command="make test-homeassistant", speaks_of=SPEAKS_OF, figures=figures
    )
    print(json.dumps(figures, indent=2))
    print(f"written: {path.relative_to(ROOT)}")
    return 0 if not complaints else 1


if __name__ == "__main__":
    sys.exit(main())
