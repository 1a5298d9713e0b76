"""What `lullwatch summary` is asked for: which journals, which night, whose, and in which language."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

from alerts.catalogue import Catalogue
from alerts.words import LANGUAGES, PLAIN_ENGLISH, SELF_TEST, Wording
from store.shelf import Shelf

from .errors import BadNight, NoSuchLanguage, NothingRecorded
from .morning import night_facts
from .night_facts import NightFacts, Window
from .settings import load
from .where import is_settings, meant_folder

__all__ = ["nights_of", "wording_of"]


def wording_of(source: Path, language: str | None) -> Catalogue:
    """The texts to speak in.

    Raises:
        NoSuchLanguage: there are none in the language asked for.
        BadSettings: the settings cannot be read.
    """
    if language is not None and language not in LANGUAGES:
        raise NoSuchLanguage(language, LANGUAGES)
    wording = load(source).wording if is_settings(source) else PLAIN_ENGLISH
    return Wording(language or wording.language, wording.emergency_number).catalogue


def nights_of(source: Path, night: str | None, infant: str | None) -> list[NightFacts]:
    """The facts of the night of every infant of the journals, or of the one asked for.

    Args:
        source: settings, a journal or a folder of journals.
        night: date of the evening; None for the newest night that was recorded.
        infant: only this one.

    Raises:
        BadNight: `night` is no date.
        NothingRecorded: there is no journal.
        NoSuchNight: nothing of this night, or of this infant in it.
        store.errors.JournalError: a journal cannot be read.
    """
    folder = meant_folder(source)
    infants, newest = _recorded(folder)
    window = newest if night is None else Window(_date(night), newest.zone)
    return [night_facts(folder, name, window) for name in ([infant] if infant else infants)]


def _recorded(folder: Path) -> tuple[list[str], Window]:
    """Infants of the newest journal, and the night that was recorded last."""
    with Shelf(folder) if folder.is_dir() else Shelf.around(folder) as shelf:
        nights = shelf.nights()
        if not nights:
            raise NothingRecorded(folder)
        with shelf.opened(nights[-1].name if folder.is_dir() else folder.name) as journal:
            clock = journal.clock_rows()[-1]
            newest_ns = journal.newest_ns
            infants = [name for name in journal.infants() if name != SELF_TEST]
    utc_ns = time.time_ns() if newest_ns is None else newest_ns + clock.utc_ns - clock.t_ns
    return infants, Window.at(utc_ns, clock.zone)


def _date(night: str) -> date:
    try:
        return date.fromisoformat(night)
    except ValueError:
        raise BadNight(night) from None
