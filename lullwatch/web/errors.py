"""What can go wrong before the pages are served, one class per cause, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lullwatch.errors import LullwatchError

__all__ = [
    "AddressTaken",
    "BadCertificate",
    "NobodyInvited",
    "NothingToServe",
    "StrangePerson",
    "WebExtraMissing",
]


class WebExtraMissing(LullwatchError):
    """What serves the pages is not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(f"the pages need {library}; install the extra: pip install 'lullwatch[web]'")


class NothingToServe(LullwatchError):
    """It was not said what is to be served."""

    def __init__(self) -> None:
        super().__init__("what is to be served? Give the settings file, or --journals FOLDER, and not both")


class AddressTaken(LullwatchError):
    """Nobody can listen there."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(
            f"nothing can listen on {host} port {port} ({why}). End what does, or give another: --port"
        )


class BadCertificate(LullwatchError):
    """The certificate or its key cannot be used."""

    def __init__(self, cert: str, why: str) -> None:
        super().__init__(
            f"page.cert_file {cert} and its key cannot be used ({why}). Give a PEM chain and the key that fits it"
        )


class NobodyInvited(LullwatchError):
    """The pages would be offered to a network, and nobody could log in."""

    def __init__(self, host: str, path: Path) -> None:
        super().__init__(
            f"{path}: nobody is invited, so {host} is not opened to other computers. "
            "Run: lullwatch serve SETTINGS --invite PERSON --role caregiver"
        )


class StrangePerson(LullwatchError):
    """An id that the settings do not name, or that is none."""

    def __init__(self, person: str, known: Iterable[str]) -> None:
        listed = " ".join(known)
        remedy = (
            f"a caregiver is one of the [[people]] of the settings: {listed}"
            if listed
            else "use a-z, 0-9 and -"
        )
        super().__init__(f"{person!r} cannot be invited: {remedy}")
