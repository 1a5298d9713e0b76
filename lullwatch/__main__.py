"""The command line. Every command's module is imported only when that command runs."""

from __future__ import annotations

import sys

from cyclopts import App

from .errors import LullwatchError

__all__ = ["app", "main"]

_COMMANDS = {
    "demo": "Run a simulated hour end to end: virtual socks, radio, journal, detector, broker, database.",
    "monitor": "Listen to real socks and alert (settings file; see deploy/lullwatch.example.toml).",
    "simulate": "Write a simulated recording (EDF+) with its truth.",
    "replay": "Run the detector over a recording or a journal; writes events, a summary and a picture.",
    "export": "Write an infant's night from a journal as EDF+ with its events.",
}

_HELP = """Listens to motion sensors in a baby's socks and onesie, keeps every sample, raises alerts.

It logs and alerts; it never diagnoses and never reassures.

Example: lullwatch demo
"""

app = App(
    name="lullwatch",
    help=_HELP,
    help_format="plaintext",
    version=lambda: _version(),
)
for _name, _help in _COMMANDS.items():
    app.command(f"lullwatch.commands.{_name}:{_name}", name=_name, help=_help)


def _version() -> str:
    from importlib.metadata import version

    return f"lullwatch {version('lullwatch')}"


def main(words: list[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 when it did what was asked, 1 when it ran and found something wrong, 2 when it could not run.
    """
    try:
        status = app(words, result_action="return_value")
    except LullwatchError as error:
        from .console import complain

        complain(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    return int(status or 0)


if __name__ == "__main__":
    sys.exit(main())
