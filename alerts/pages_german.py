"""The German texts of the pages; part of the German catalogue."""

from __future__ import annotations

__all__ = ["PAGES"]

PAGES = {
    # der Rahmen jeder Seite
    "page.tonight": "Heute Nacht",
    "page.nights": "Nächte",
    "page.ways": "Seiten",
    "page.skip": "Zum Inhalt",
    "page.login": "Anmelden",
    "page.logout": "Abmelden",
    "page.token": "Ihr Schlüsselwort",
    "page.token_help": "Wer das Gateway betreibt, macht für jede Person eines: lullwatch serve --invite",
    "page.nobody": "Noch ist niemand eingeladen.",
    "page.wrong_token": "Dieses Schlüsselwort gilt hier nicht.",
    "page.later": "Zu viele Versuche. Bitte in einer Minute noch einmal.",
    "page.no_monitor": "lullwatch läuft nicht, deshalb wurde nichts geändert",
    "page.no_monitor_do": "starten Sie es auf dem Gateway: lullwatch up",
}
