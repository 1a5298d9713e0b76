"""`lullwatch self-test`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["self_test"]


def self_test(
    settings: Path,
    *,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Have the running service send a test the whole way of an urgent alert, to every person of the settings.

    A made series of movements of the infant "selftest" goes through the journal, the detector and the rules of the
    service that runs with these settings. It must come out at every channel, as a test; then the exit status is 0.
    It is 1 when a channel did not take it, or when an urgent alert came meanwhile.

    Example: lullwatch self-test lullwatch.toml

    Parameters
    ----------
    settings
        The settings file that the service was started with.
    as_json
        Print the result as JSON instead of text.
    """
    from lullwatch.console import progress, say, say_json
    from lullwatch.self_test_job import outcome_of, told

    with progress("self-test", total=None):
        outcome = outcome_of(settings)
    if as_json:
        say_json(outcome)
    else:
        say("\n".join(told(settings, outcome)))
    return 0 if outcome.passed else 1
