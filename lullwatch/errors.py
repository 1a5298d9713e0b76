"""What can go wrong in the application, one class per cause; the message names the place and the remedy."""

from __future__ import annotations

from pathlib import Path

__all__ = ["BadScenario", "BadSettings", "FolderInUse", "LullwatchError", "NothingToReplay", "SecretTooOpen"]


class LullwatchError(Exception):
    """Base of the errors that end a command with a line for a person and exit status 2."""


class BadSettings(LullwatchError):
    """The settings file cannot be used."""

    def __init__(self, path: Path, what: str, remedy: str) -> None:
        super().__init__(f"{path}: {what}. {remedy}")


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
