"""What can go wrong in the application, one class per cause; the message names the place and the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

__all__ = [
    "AlreadyThere",
    "BadDate",
    "BadNight",
    "BadPopulation",
    "BadPush",
    "BadReportName",
    "BadScenario",
    "BadSettings",
    "BadSpan",
    "CannotWrite",
    "ConsentMissing",
    "FolderClosed",
    "FolderHoldsFiles",
    "FolderInUse",
    "LeftAlone",
    "LullwatchError",
    "NightNotMade",
    "NoMonitor",
    "NoRadio",
    "NoSuchEvent",
    "NoSuchLanguage",
    "NoSuchNight",
    "NoSuchSpan",
    "NoTaps",
    "NotAClip",
    "NotATime",
    "NotAnAddress",
    "NotConfirmed",
    "NotKnown",
    "NotPaired",
    "NotSaid",
    "NothingRecorded",
    "NothingReviewed",
    "NothingToReplay",
    "OtherPopulation",
    "ReportExtraMissing",
    "SameFolder",
    "ScenarioAndPopulation",
    "SecretTooOpen",
    "SensorsApart",
    "SitesDoNotFit",
    "UnknownFormat",
    "UnknownZone",
    "WhichInfant",
]


_NIGHTS_NAMED = 14
"""Nights listed in a message: two weeks fill three lines of a terminal."""


class LullwatchError(Exception):
    """Base of the errors that end a command with a line for a person and exit status 2."""


class BadSettings(LullwatchError):
    """The settings file cannot be used."""

    def __init__(self, path: Path, what: str, remedy: str, *, line: int = 0, column: int = 0) -> None:
        self.what = what
        self.remedy = remedy
        self.line = line
        where = f":{line}" * bool(line) + f":{column}" * bool(line and column)
        super().__init__(f"{path}{where}: {what}. {remedy}")


class BadPush(LullwatchError):
    """A push service of the settings cannot be used."""

    def __init__(self, what: str) -> None:
        super().__init__(what)


class SecretTooOpen(LullwatchError):
    """A file with a secret can be read by others."""

    def __init__(self, path: Path, mode: int) -> None:
        super().__init__(
            f"{path} holds a secret but others may read it (mode {mode:04o}). Run: chmod 600 {path}"
        )


class NothingToReplay(LullwatchError):
    """A recording or journal holds no samples."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}; nothing to replay")


class BadScenario(LullwatchError):
    """There is no such scenario, or its file cannot be used."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"scenario {name}: {what}. See docs/scenarios.md")


class FolderInUse(LullwatchError):
    """A folder that a command would replace holds something else."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} holds files that are not of an earlier demo; give another folder with --out"
        )


class CannotWrite(LullwatchError):
    """A folder for results cannot be made, or nothing can be written into it."""

    def __init__(self, folder: Path, error: OSError) -> None:
        at = f" (at {error.filename})" if error.filename else ""
        super().__init__(
            f"{folder}: {error.strerror or error}{at}. Give a folder you may write to with --out, with room in it"
        )


class BadPopulation(LullwatchError):
    """A population that cannot be drawn."""

    def __init__(self, what: str) -> None:
        super().__init__(f"population: {what}. See docs/scenarios.md")


class OtherPopulation(LullwatchError):
    """A folder holds nights that were drawn in another way."""

    def __init__(self, path: Path, found: dict[str, Any], asked: dict[str, Any]) -> None:
        other = ", ".join(
            f"{name} {found[name]!r}, not {asked[name]!r}" for name in asked if found[name] != asked[name]
        )
        super().__init__(f"{path} holds other nights ({other}); give another folder with --out")


class NightNotMade(LullwatchError):
    """A night could not be simulated."""

    def __init__(self, path: Path, seed: int, why: str) -> None:
        super().__init__(
            f"seed {seed}: {why}. All in {path} is whole: run the same command again, with fewer --jobs if memory was "
            "short (a night needs 700 MB)"
        )


class ScenarioAndPopulation(LullwatchError):
    """A scenario and a population were asked for in one command."""

    def __init__(self, scenario: str) -> None:
        super().__init__(
            f"--population draws nights of its own: leave out the scenario {scenario}, or --population"
        )


class NoSuchNight(LullwatchError):
    """Nothing was recorded of an infant in a night."""

    def __init__(self, folder: Path, infant: str, night: str) -> None:
        super().__init__(
            f"{folder} holds nothing of infant {infant} in the night of {night}; a night is named for its evening, "
            "as in journal-2026-11-21.sqlite"
        )


class NoSuchSpan(LullwatchError):
    """Nothing was recorded of an infant in a span of nights."""

    def __init__(self, folder: Path, infant: str, first: date, last: date, there: Sequence[date]) -> None:
        known = ", ".join(night.isoformat() for night in there[-_NIGHTS_NAMED:]) or "none"
        more = f" and {len(there) - _NIGHTS_NAMED} before them" if len(there) > _NIGHTS_NAMED else ""
        super().__init__(
            f"{folder} holds nothing of infant {infant} in the nights from {first} to {last}. "
            f"Nights recorded here, named for their evening: {known}{more}"
        )


class NothingReviewed(LullwatchError):
    """Nobody has labelled an event where labels were asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder}: no reviewer has labelled an event here; see docs/review.md")


class NothingRecorded(LullwatchError):
    """There is no journal where one was looked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder}: no journal here; give the settings file, a journal (.sqlite) or its folder"
        )


class FolderClosed(LullwatchError):
    """A folder of nights is not this user's to look into."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder}: this user may not look into it. Run the command as the user that the monitor runs as: "
            "sudo -u lullwatch ..."
        )


class BadDate(LullwatchError):
    """An option that wants a date got something else."""

    def __init__(self, option: str, given: str) -> None:
        super().__init__(f"{option} {given!r} is no date; give that of an evening, as in 2026-11-21")


class BadReportName(LullwatchError):
    """A report is a PDF or a page."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: a report is written as .pdf or .html; give one of them with --out")


class BadSpan(LullwatchError):
    """A span of nights that ends before it begins."""

    def __init__(self, first: date, last: date) -> None:
        super().__init__(
            f"--from {first} is after --to {last}; both are dates of evenings, the earlier first"
        )


class WhichInfant(LullwatchError):
    """A journal holds several infants, and a report is of one."""

    def __init__(self, folder: Path, known: Sequence[str]) -> None:
        super().__init__(f"{folder} holds infants {', '.join(known) or '(none)'}: give one with --infant")


class ReportExtraMissing(LullwatchError):
    """A library that makes the PDF is not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(
            f"a PDF needs {library}; install the extra: pip install 'lullwatch[report]', or write the report as .html"
        )


class BadNight(LullwatchError):
    """A night is named for the date of its evening."""

    def __init__(self, given: str) -> None:
        super().__init__(f"--night {given!r} is no date; give that of the evening, as in 2026-11-21")


class NoSuchLanguage(LullwatchError):
    """There are no texts in a language."""

    def __init__(self, given: str, known: Sequence[str]) -> None:
        super().__init__(f"--language {given!r}: there are no texts in it; known: {' '.join(known)}")


class FolderHoldsFiles(LullwatchError):
    """A dataset would be mixed with what is in its folder."""

    def __init__(self, path: Path, option: str = "--out") -> None:
        super().__init__(f"{path} is not empty; give an empty or a new folder with {option}")


class UnknownFormat(LullwatchError):
    """A file is of no kind that can be read."""

    def __init__(self, path: Path, known: str) -> None:
        super().__init__(
            f"{path}: no recording we know by its name. Known are {known}; see docs/recordings.md"
        )


class AlreadyThere(LullwatchError):
    """A recording of this name was imported before."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is there already and is left as it is; give another name with --name")


class SitesDoNotFit(LullwatchError):
    """The sites that were given are not those of the files."""

    def __init__(self, files: int, sites: Sequence[str]) -> None:
        super().__init__(
            f"{files} files, but sites {', '.join(sites)}. "
            "Give --site once for each file, in the order of the files, or not at all"
        )


class UnknownZone(LullwatchError):
    """A time zone that is none."""

    def __init__(self, zone: str) -> None:
        super().__init__(f"there is no time zone {zone!r}; give one by its IANA name, such as Europe/Berlin")


class NoSuchEvent(LullwatchError):
    """No journal knows an event."""

    def __init__(self, folder: Path, event_id: str) -> None:
        super().__init__(
            f"{folder}: no night here knows an event {event_id!r}; ids stand in the events tables of `lullwatch export`"
        )


class SameFolder(LullwatchError):
    """A copy would lie on what it is a copy of."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is the folder of the journals itself; give another one")


class NotKnown(LullwatchError):
    """No journal knows an infant."""

    def __init__(self, folder: Path, infant: str) -> None:
        super().__init__(f"{folder}: no night here knows infant {infant}; ids are those of the settings")


class NotConfirmed(LullwatchError):
    """That an infant is to be forgotten was not confirmed."""

    def __init__(self, infant: str) -> None:
        super().__init__(
            f"forget {infant}: not confirmed, nothing was changed. Type the id when asked, or give --yes"
        )


class NoMonitor(LullwatchError):
    """The running monitor was asked for something and cannot be reached."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path}: lullwatch does not answer here ({why}); "
            "start it with: lullwatch up SETTINGS, as the same user"
        )


class LeftAlone(LullwatchError):
    """The supervisor or the terminal that the monitor was started from is gone."""

    def __init__(self) -> None:
        super().__init__(
            "what the monitor was started from is gone (the supervisor, or the terminal): it ends, and nobody watches. "
            "Start it again: lullwatch up, best as a service (docs/set-up.md)"
        )


class NoRadio(LullwatchError):
    """Nothing can be heard, or a sensor could not be reached."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the radio cannot be used for this: {why}. Is a Bluetooth adapter plugged in and switched on, the "
            "monitor stopped, and the sensor near and charged?"
        )


class NotAnAddress(LullwatchError):
    """What was given cannot be the address of a sensor."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"{given!r} is no address of a sensor; give it as `lullwatch sensors` lists it, such as C0:00:00:00:00:01"
        )


class NotATime(LullwatchError):
    """Nobody can listen for so long."""

    def __init__(self, seconds: float, longest_s: float) -> None:
        super().__init__(f"--seconds {seconds:g}: give more than 0 and at most {longest_s:g}")


class NotPaired(LullwatchError):
    """No bond came about."""

    def __init__(self, why: str) -> None:
        super().__init__(why)


class NotSaid(LullwatchError):
    """A command was asked for something and not told all of it."""

    def __init__(self, what: str, option: str) -> None:
        super().__init__(f"it is not said {what}; give {option}")


class SensorsApart(LullwatchError):
    """Files that are to become one recording are of different times."""

    def __init__(self, days: float) -> None:
        super().__init__(
            f"the sensors were not worn together: between one and the next lie {days:.0f} days. "
            "Import each by itself, or look whether a clock was set wrong"
        )


class ConsentMissing(LullwatchError):
    """Nights are to be passed on for research without a word on what the family agreed to."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"{path}: no note of consent ({problem}). Write what the family agreed to, without any name, into a text "
            "file and give it with --consent"
        )


class NoTaps(LullwatchError):
    """Three taps were looked for and not found, or not for sure."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(
            f"no three taps were found {where}: {problem}. Tap three times, evenly, about twice a second, on a sensor "
            "that lies still, and note the time to the minute; --site and --within narrow the search"
        )


class NotAClip(LullwatchError):
    """A clip's sound cannot be read."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"{path}: not a WAV that can be read ({problem}). Make one: ffmpeg -i CLIP -ac 1 sound.wav; or give the "
            "first tap's time in the clip with --first-tap"
        )
