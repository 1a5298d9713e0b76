"""What is handed to a channel: one message to one person, and how its steps stand in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from dsp.records import Alert

__all__ = ["Channel", "ChannelFailed", "Kind", "Notification", "Send", "Standing"]


class Kind(StrEnum):
    """Why somebody is told."""

    ALERT = "alert"
    """for the first time: a new alert, or one that became more severe"""
    REPEAT = "repeat"
    """the same again, because nobody has answered; a restart in the middle counts as a repeat too"""
    UPDATE = "update"
    """it goes on, has ended, or was cleared: replaces silently what is shown"""
    ANSWERED = "answered"
    """somebody has acknowledged it: it stops for everyone"""
    FALSE_ALARM = "false_alarm"
    """somebody says it was none: goes to all who were told"""
    WHILE_MUTED = "while_muted"
    """what a mute kept silent, at its end"""
    TEST = "test"
    """a self-test"""
    SUMMARY = "summary"
    """what the night was, in the morning; about no alert"""


@dataclass(frozen=True, slots=True)
class Send:
    """One message to one person over one channel, as the escalation decided it."""

    person: str
    channel: str
    alert_id: str
    version: int
    kind: Kind
    step: int
    """number of this message of the alert to this person over this channel, from 1: what arrives twice with
    the same alert, version and step is one message"""
    rings: bool
    """make a noise, through silent mode; False: show silently"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an alert stands with people: goes out beside each version of it."""

    open: bool = True
    """nobody has acknowledged it, it was not cleared and not set aside"""
    told: tuple[str, ...] = ()
    """ids of the people who were told, in order"""
    acknowledged_by: str = ""
    acknowledged_ns: int | None = None
    false_alarm: bool = False
    """by what a person says; stands beside the machine's record and changes nothing in it"""
    muted_until_ns: int | None = None
    """a mute keeps it silent until then"""
    repeats: int = 0
    """how often it has rung, in all"""
    past: bool = False
    """goes out so late that it no longer rings"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What a channel is given to deliver."""

    send: Send
    alert: Alert
    title: str
    text: str
    standing: Standing


class ChannelFailed(Exception):
    """A channel could not take a message; the message says which and why, and holds no secret."""

    def __init__(self, channel: str, why: str) -> None:
        super().__init__(f"channel {channel}: {why}")


class Channel(Protocol):
    """A way to a person's device."""

    async def send(self, message: Notification) -> None:
        """Hand the message over; returning means the channel took it, no more.

        Raises:
            ChannelFailed: it could not; it is tried again with the next repeat, and the next person is told.
        """
        ...
