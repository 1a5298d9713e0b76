"""One alert on its way to people, as its rows in the journal say: versions, messages, answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alerts.people import Person
from alerts.proof import ACKNOWLEDGED, FAILED, MUTED, PUBLISHED, RAISED, SHOWN, Proof, proof_of
from alerts.telling import Kind, Send
from dsp.records import NS, SELF_TEST, Alert, Delivery, Severity

__all__ = ["Case", "Post"]

_FIRST_RETRY_S = 60.0
_MOST_RETRY_S = 1800.0
"""A channel that could not take a message is asked again after a minute, two, four, ..., half an hour."""


@dataclass(slots=True)
class Post:
    """What one person was sent over one channel about one alert."""

    person: str
    channel: str
    step: int = 0
    version: int = 0
    """newest version sent"""
    rung_version: int = 0
    """newest version sent to ring"""
    round: int = 0
    """round in which it was last told as something that rings"""
    first_ns: int = 0
    """when it was told first in that round"""
    rung_ns: int = 0
    last_ns: int = 0
    news: int = 0
    """how many answers of people were told"""
    kind: Kind = Kind.ALERT
    pending: bool = False
    """the channel has not said yet whether it took the last one"""
    lost: bool = False
    """the last one did not get through, or may not have"""
    failures: int = 0
    not_before_ns: int = 0


class Case:
    """An alert, its messages and its answers. `fold` changes it; everything else only looks."""

    def __init__(self, alert: Alert) -> None:
        self.alert = alert
        self.begun_ns: int | None = None
        """since when it rings; None: it never did"""
        self.ring_version = 0
        """newest version that asks to ring"""
        self.round = 0
        self.settled_version = 0
        """nobody needs to answer this version or an earlier one: answered, or told after a mute"""
        self.held_version = 0
        self.answered_by = ""
        self.answered_ns: int | None = None
        self.false_alarm = False
        self.news = 0
        self.repeats = 0
        self.touched_ns = alert.t_ns
        """when the matter last changed, by the machine or by a person"""
        self._posts: dict[tuple[str, str], Post] = {}
        self._note_ring(alert)

    # what the rows say

    def renew(self, alert: Alert) -> None:
        """A further version."""
        if alert.version <= self.alert.version:
            return
        self.alert = alert
        self.touched_ns = max(self.touched_ns, alert.t_ns)
        self._note_ring(alert)

    def fold(self, row: Delivery) -> None:
        """A step on the way."""
        said = proof_of(row)
        if row.step == RAISED and said.kind is not None:
            self._raised(row, said, said.kind)
        elif row.step in (PUBLISHED, FAILED) and said.kind is not None:
            self._outcome(row, said)
        elif row.step == ACKNOWLEDGED:
            self._answered(row, said)
        elif row.step == MUTED:
            self.held_version = max(self.held_version, row.version)
        elif row.step == SHOWN:
            self.settled_version = max(self.settled_version, row.version)
            self.held_version = 0
            for post in self._posts.values():
                post.version = max(post.version, row.version)

    def lose_pending(self) -> None:
        """Nobody knows what became of messages that were on their way when the last run ended."""
        for post in self._posts.values():
            if post.pending:
                self._undo(post)
                post.not_before_ns = 0

    # what follows from them

    @property
    def posts(self) -> Iterable[Post]:
        """One for each person and channel that was sent anything."""
        return self._posts.values()

    @property
    def rings(self) -> bool:
        """Whether some version of it asks to ring."""
        return self.begun_ns is not None

    @property
    def open(self) -> bool:
        """Whether somebody still has to answer; a test asks for none."""
        if self.alert.cleared or self.alert.infant == SELF_TEST:
            return False
        return self.settled_version == 0 or self.ring_version > self.settled_version

    @property
    def told(self) -> tuple[str, ...]:
        """Ids of the people who were told, in that order."""
        return tuple(dict.fromkeys(p.person for p in self._posts.values()))

    @property
    def was_held(self) -> bool:
        """Whether a mute has kept something silent that nobody was told since."""
        return self.held_version > self.settled_version

    @property
    def would_be_heard(self) -> bool:
        """Whether a mute keeps something silent that it did not keep silent before."""
        return self.held_version == 0 or self.ring_version > self.held_version

    def post(self, person: str, channel: str) -> Post | None:
        """What a person was sent over a channel."""
        return self._posts.get((person, channel))

    def has_told(self, person: str) -> bool:
        """Whether a person was told at all."""
        return any(p.person == person for p in self._posts.values())

    def in_round(self, post: Post) -> bool:
        """Whether this one was told since it began to ring anew."""
        return post.round == self.round

    def needs_news(self, post: Post) -> bool:
        """Whether this one is still to hear who answered; what rings anew says more."""
        return post.news < self.news and not self.open

    def will_ring(self, post: Post) -> bool:
        """Whether this one will be told the newest version by a ring."""
        return self.rings and self.open and (not self.in_round(post) or post.rung_version < self.ring_version)

    def first_told_ns(self, person: Person) -> int | None:
        """When a person was told first in this round; None when not yet."""
        times = [p.first_ns for p in self._of(person) if self.in_round(p)]
        return min(times, default=None)

    def has_failed(self, person: Person) -> bool:
        """Whether nothing could be sent to a person over any channel."""
        posts = self._of(person)
        return bool(posts) and all(p.lost and p.failures for p in posts)

    def send(self, person: Person, channel: str, kind: Kind, *, rings: bool) -> Send:
        """The next message to a person over a channel."""
        post = self._posts.get((person.id, channel)) or Post(person.id, channel)
        return self.send_on(post, kind, rings=rings)

    def send_on(self, post: Post, kind: Kind, *, rings: bool) -> Send:
        """The next message to whom a post is addressed."""
        version = self.alert.version
        if kind is Kind.ALERT and post.version >= version:
            kind = Kind.REPEAT
        return Send(post.person, post.channel, self.alert.id, version, kind, post.step + 1, rings)

    # inside

    def _of(self, person: Person) -> list[Post]:
        return [p for p in self._posts.values() if p.person == person.id and p.channel in person.channels]

    def _note_ring(self, alert: Alert) -> None:
        if alert.facts.get("announce") != "ring" or alert.severity not in (
            Severity.URGENT,
            Severity.TECHNICAL,
        ):
            return
        if self.begun_ns is None or not self.open:
            self.begun_ns = alert.t_ns
            self.round += 1
            self.false_alarm = False
        self.ring_version = alert.version

    def _raised(self, row: Delivery, said: Proof, kind: Kind) -> None:
        key = (said.to, row.channel)
        post = self._posts.setdefault(key, Post(*key))
        post.step, post.kind, post.last_ns = max(post.step, said.n), kind, row.t_ns
        post.version = max(post.version, row.version)
        post.pending = True
        post.news = self.news
        if kind in (Kind.ALERT, Kind.REPEAT):
            self._told(post, row, rings=said.rings)

    def _told(self, post: Post, row: Delivery, *, rings: bool) -> None:
        post.lost = False
        if self.rings and post.round != self.round:
            post.round, post.first_ns = self.round, row.t_ns
        if self.rings:
            post.rung_version, post.rung_ns = max(post.rung_version, row.version), row.t_ns
        self.repeats += rings and post.kind is Kind.REPEAT
        self.held_version = 0

    def _outcome(self, row: Delivery, said: Proof) -> None:
        post = self._posts.get((said.to, row.channel))
        if post is None or said.n != post.step:
            return
        post.pending = False
        if row.step == PUBLISHED:
            post.failures = 0
            return
        self._undo(post)
        post.failures += 1
        wait_s = (
            _FIRST_RETRY_S if self.rings else min(_FIRST_RETRY_S * 2 ** (post.failures - 1), _MOST_RETRY_S)
        )
        post.not_before_ns = row.t_ns + int(wait_s * NS)

    def _undo(self, post: Post) -> None:
        """The last message counts as not sent; what it said is due again."""
        post.pending = False
        if post.kind is Kind.UPDATE:
            post.version -= 1
        elif post.kind in (Kind.ANSWERED, Kind.FALSE_ALARM):
            post.news = self.news - 1
        else:
            post.lost = True

    def _answered(self, row: Delivery, said: Proof) -> None:
        self.touched_ns = max(self.touched_ns, row.t_ns)
        # what was said of an earlier round is not said of what rang since
        false_before = self.false_alarm and not self.open
        news = self.open or (said.false_alarm and not false_before)
        self.settled_version = max(self.settled_version, row.version)
        if news:
            self.answered_by, self.answered_ns = said.by, row.t_ns
            self.news += 1
        self.false_alarm = false_before or said.false_alarm
