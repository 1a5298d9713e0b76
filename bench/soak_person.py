"""Somebody at the other end of the broker: answers two of three urgent alerts, after a while."""

from __future__ import annotations

import json
import random
import threading
import uuid

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from lullwatch.servers import LocalMosquitto

__all__ = ["Person"]

ANSWERS = 2 / 3
AFTER_S = (5.0, 400.0)
"""Data time; the later ones find the second person rung up, too."""
AGAIN_S = 60.0
"""An answer nobody confirmed is given again: the monitor may have been killed while it came."""


class Person:
    """Reads alerts as a phone does and answers over MQTT; a context manager with a thread of its own."""

    def __init__(self, broker: LocalMosquitto, gateway: str, infant: str, *, pace: float, seed: int) -> None:
        self._broker, self._pace = broker, pace
        self._topic = f"lullwatch/{gateway}/{infant}"
        self._chance = random.Random(seed)
        self._minded: dict[str, bool] = {}
        self._timers: set[threading.Timer] = set()
        self._over = False
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="person")
        self._client.on_connect = lambda *_: self._client.subscribe(f"{self._topic}/alert", qos=1)
        self._client.on_message = self._heard

    def __enter__(self) -> Person:
        self._client.connect(self._broker.host, self._broker.port)
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        for timer in list(self._timers):
            timer.cancel()
        self._client.disconnect()
        self._client.loop_stop()

    def _heard(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        alert = json.loads(message.payload)
        if alert["acknowledged"]:
            self._minded[alert["id"]] = False
        elif alert["severity"] == "urgent" and alert["id"] not in self._minded:
            self._minded[alert["id"]] = self._chance.random() < ANSWERS
            self._later(alert["id"], self._chance.uniform(*AFTER_S))

    def _later(self, alert_id: str, after_s: float) -> None:
        if self._minded[alert_id] and not self._over:
            timer = threading.Timer(after_s / self._pace, self._answer, (alert_id,))
            timer.daemon = True
            self._timers.add(timer)
            timer.start()

    def _answer(self, alert_id: str) -> None:
        if self._minded[alert_id] and not self._over:
            answer = {"by": "ann", "id": uuid.uuid4().hex, "alert": alert_id}
            self._client.publish(f"{self._topic}/set/ack", json.dumps(answer), qos=1)
            self._later(alert_id, AGAIN_S)
