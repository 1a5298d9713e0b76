"""What a detector was set to, kept in the journal beside the data, so that a replay is set the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from alerts.severity import TABLE
from alerts.words import PLAIN_ENGLISH, Wording
from dsp.records import Config, Site
from dsp.settings import Settings

__all__ = ["Watch", "config_of", "watch_of"]


@dataclass(frozen=True, slots=True)
class Watch:
    """Settings of one infant's detector from a row of the journal on."""

    infant: str
    sites: tuple[Site, ...]
    age_days: int | None = None
    """on the evening the night began; it stays so over a restart after midnight"""
    wording: Wording = PLAIN_ENGLISH
    settings: str = Settings().tag
    table: int = TABLE.version
    ended: bool = False
    """the recording ended here: what was open was decided"""

    def continues(self, earlier: Watch | None) -> bool:
        """Whether a detector with these settings may go on from one with the earlier settings."""
        if earlier is None or earlier.ended:
            return False
        mine = (self.infant, self.sites, self.wording, self.settings, self.table)
        return mine == (earlier.infant, earlier.sites, earlier.wording, earlier.settings, earlier.table)

    @classmethod
    def of(
        cls, infant: str, sites: Iterable[Site], age_days: int | None, wording: Wording = PLAIN_ENGLISH
    ) -> Watch:
        """The settings this program would use now; sites in the order of `Site`."""
        worn = set(sites)
        return cls(infant, tuple(site for site in Site if site in worn), age_days, wording)


def config_of(watch: Watch, t_ns: int) -> Config:
    """The row of the journal that keeps a watch."""
    text = msgspec.json.encode(watch).decode()
    return Config(t_ns, hashlib.sha256(text.encode()).hexdigest()[:12], text)


def watch_of(config: Config) -> Watch:
    """The watch that a row keeps.

    Raises:
        msgspec.ValidationError: the row keeps something else.
    """
    return msgspec.json.decode(config.text, type=Watch)
