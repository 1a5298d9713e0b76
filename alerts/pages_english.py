"""The English texts of the pages; part of the English catalogue."""

from __future__ import annotations

__all__ = ["PAGES"]

PAGES = {
    # the frame of every page
    "page.tonight": "Tonight",
    "page.nights": "Nights",
    "page.ways": "Pages",
    "page.skip": "To the content",
    "page.login": "Log in",
    "page.logout": "Log out",
    "page.token": "Your token",
    "page.token_help": "Whoever runs the gateway makes a token for each person with: lullwatch serve --invite",
    "page.nobody": "Nobody is invited yet.",
    "page.wrong_token": "This token does not count here.",
    "page.later": "Too many tries. Try again in a minute.",
    "page.no_monitor": "lullwatch does not run, so nothing was changed",
    "page.no_monitor_do": "start it on the gateway: lullwatch up",
}
