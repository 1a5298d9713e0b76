"""Who is told when: a state machine on given times. Alerts, answers and the clock in, messages to people out."""

from __future__ import annotations

from alerts.people import ANYONE, MQTT, NEXT_AFTER_S, Person, QuietHours, chain_of, due_after_s
from alerts.telling import Channel, ChannelFailed, Kind, Notification, Send, Standing

__all__ = [
    "ANYONE",
    "MQTT",
    "NEXT_AFTER_S",
    "Channel",
    "ChannelFailed",
    "Kind",
    "Notification",
    "Person",
    "QuietHours",
    "Send",
    "Standing",
    "chain_of",
    "due_after_s",
]
