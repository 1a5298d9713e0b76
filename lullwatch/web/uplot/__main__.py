"""Fetch uPlot for an installation that was built without it: `python -m lullwatch.web.uplot`."""

from __future__ import annotations

import sys

from lullwatch.console import complain, say

from .fetch import VENDOR, UplotMissing, fetch

if __name__ == "__main__":
    try:
        fetch()
    except UplotMissing as error:
        complain(str(error))
        sys.exit(2)
    say(f"uPlot is in {VENDOR}")
