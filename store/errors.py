"""What can go wrong where things land: one class per cause, each naming the place and the remedy."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "BadRecording",
    "BadTable",
    "CopyIsAnother",
    "CopyIsNewer",
    "ExtraMissing",
    "JournalBusy",
    "JournalDamaged",
    "JournalEmpty",
    "JournalError",
    "JournalFailing",
    "JournalFull",
    "JournalInUse",
    "JournalReadOnly",
    "JournalTooNew",
    "NightIsAnother",
    "NightIsNewer",
    "NightStays",
    "NotSealed",
    "StillThere",
    "StoreError",
]


class StoreError(Exception):
    """Anything `store` raises on purpose."""


class JournalError(StoreError):
    """A journal could not do what was asked of it."""


class JournalFull(JournalError):
    """The disk under the journal has no room left; nothing of this commit was kept."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: no room left on this disk, the last rows were not kept. "
            "Free some space, or shorten how long raw data is kept; the monitor goes on by itself."
        )


class JournalDamaged(JournalError):
    """The file is not a whole journal."""

    def __init__(self, path: Path, finding: str) -> None:
        self.path = path
        super().__init__(
            f"{path}: this journal is damaged or is no journal ({finding}). "
            "Move it aside and keep it: `sqlite3 FILE .recover` reads what is left; a new one is begun."
        )


class JournalEmpty(JournalError):
    """Nobody has begun to write the journal."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: nothing was ever written to this journal. Start the monitor, or wait a moment."
        )


class JournalInUse(JournalError):
    """Another program writes this journal."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: another monitor writes this journal. Only one may; stop it first, or give another folder."
        )


class JournalFailing(JournalError):
    """The disk under the journal does not read or write as it should."""

    def __init__(self, path: Path, finding: str) -> None:
        super().__init__(
            f"{path}: the disk failed while reading or writing ({finding}). "
            "Look at the computer's own log for the disk's errors; what was acknowledged before is kept."
        )


class JournalTooNew(JournalError):
    """A newer version of the program wrote the file."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(
            f"{path}: written with schema {found}, this version knows up to {known}. "
            "Install the newer version; nothing was changed in the file."
        )


class JournalReadOnly(JournalError):
    """The file or its folder cannot be opened or written."""

    def __init__(self, path: Path, finding: str) -> None:
        super().__init__(
            f"{path}: cannot be opened or written ({finding}). "
            "Check that its folder exists, is writable for this user and not mounted read-only."
        )


class JournalBusy(JournalError):
    """Another process held the file for longer than we wait."""

    def __init__(self, path: Path, waited_s: float) -> None:
        super().__init__(
            f"{path}: another process has held the journal for more than {waited_s:g} s. "
            "Only one monitor may run on a journal; stop the other program that writes to it."
        )


class NightStays(JournalError):
    """What is there under a night's name holds something that what was to replace it does not; it stays."""


class NightIsNewer(NightStays):
    """A copy would replace a night that holds more."""

    def __init__(self, path: Path, rows: int) -> None:
        super().__init__(
            f"{path} is there and holds {rows} rows that this copy does not. "
            "Back it up first, then give --replace; or restore into another folder with --to."
        )


class CopyIsNewer(NightStays):
    """A night would replace a copy that holds more."""

    def __init__(self, path: Path, rows: int) -> None:
        super().__init__(
            f"{path} is there and holds {rows} rows that the night does not; it stays as it is. "
            "Back up into another folder, or put this copy back first: lullwatch restore."
        )


class NightIsAnother(NightStays):
    """A copy would replace a night that is another one of the same date."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is there and is not of the same recording: it was begun by another gateway, or on another disk. "
            "It stays as it is. Back it up into a folder of its own, then give --replace; or restore into another "
            "folder with --to."
        )


class CopyIsAnother(NightStays):
    """A night would replace the copy of another one of the same date."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is there and is not of the same recording: another gateway's copy, or one from a disk before "
            "this. It stays as it is; the night was not backed up. Give a folder of its own to each gateway and disk."
        )


class StillThere(JournalError):
    """A file still speaks of an infant who was to be forgotten."""

    def __init__(self, path: Path, infant: str) -> None:
        super().__init__(
            f"{path} still speaks of infant {infant} or of what was told of it. "
            "If you put this file here, take the infant out of it or delete it; otherwise run the command again "
            "with the monitor stopped."
        )


class BadRecording(StoreError):
    """A recording cannot be read."""

    def __init__(self, path: Path, what: str, remedy: str) -> None:
        super().__init__(f"{path}: {what}. {remedy}")


class BadTable(StoreError):
    """A table of events or states cannot be read."""

    def __init__(self, path: Path, line: int, what: str) -> None:
        super().__init__(f"{path}, line {line}: {what}. Mend that line, or export the table anew.")


class ExtraMissing(StoreError):
    """A file needs a library that is not installed."""

    def __init__(self, path: Path, library: str, extra: str) -> None:
        super().__init__(
            f"{path}: this kind of file needs {library}, which is not installed. "
            f"Install it with: pip install 'lullwatch[{extra}]'"
        )


class NotSealed(StoreError):
    """A night could not be sealed; the journal is as it was."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: not sealed: {what}. The journal is untouched; seal it again.")
