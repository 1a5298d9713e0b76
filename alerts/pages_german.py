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
    "page.no_answer": "lullwatch hat nicht rechtzeitig geantwortet und macht es vielleicht noch",
    "page.no_answer_do": "sehen Sie nach, wie es steht, bevor Sie es noch einmal verlangen",
    "page.nothing_yet": "Noch ist nichts aufgezeichnet. Sobald Sensoren zu hören sind, füllt sich die Seite.",
    # die Kachel
    "page.level_recording": "Zeichnet auf",
    "page.level_attention": "Braucht Aufmerksamkeit",
    "page.level_off": "Zeichnet nicht auf",
    "page.level_lost": "Keine Verbindung zum Gateway: Diese Seite ist alt",
    "page.level_looking": "Fragt das Gateway, wie es steht",
    "page.age": "Alter der neuesten Daten:",
    "page.age_none": "noch keine",
    "page.not_running": "lullwatch läuft auf dem Gateway nicht",
    "page.unanswered": "Dringende Meldungen, die niemand beantwortet hat: {n}",
    "page.sensor_quiet": "Keine Daten vom Sensor: {site}",
    "page.paused": "Pause ({reason}) bis {until}; danach geht es von selbst weiter. Dringendes klingelt trotzdem.",
    "page.disarmed": "Nicht scharf: Sehen die Sensoren nichts, wird niemand gerufen. Dringendes klingelt trotzdem.",
    # Meldungen
    "page.alert_when": "Begann um {time}. Gemeldet an: {told}.",
    "page.more_silent": "Stille Hinweise außer diesen: {n}. Sie stehen bei den Ereignissen.",
    "page.nobody_told": "noch niemand",
    "page.anyone": "alle, die mithören",
    "page.alert_muted": "Stumm bis {until}.",
    "page.ack": "Ich kümmere mich",
    "page.film": "Jetzt filmen",
    "page.false_alarm": "Fehlalarm",
    "page.film_reference": "mit diesem Telefon gefilmt",
    "page.film_done": "Die Uhrzeit ist notiert. Der Film bleibt in diesem Telefon.",
    "page.done": "Erledigt.",
    "page.failed": "Das wurde nicht gemacht.",
    "page.again": "Noch einmal versuchen",
    "page.old": "Diese Seite ist alt. Es wurde nichts getan: laden Sie sie neu.",
    "page.not_yours": "Das ist nicht für Ihre Rolle.",
    "page.nowhere": "Unter dieser Adresse gibt es nichts.",
    "page.elsewhere": "Das kam von einer anderen Seite. Es wurde nichts getan.",
    "page.too_long": "Das ist zu lang. Es wurde nichts getan.",
    "page.broken": (
        "Diese Seite kam nicht zustande; warum, steht im Protokoll des Gateways. "
        "Das Aufzeichnen ist ein anderes Programm und geht vielleicht weiter."
    ),
    "page.unreadable": (
        "Das Journal ist gerade nicht lesbar. Das Aufzeichnen ist ein anderes Programm und geht vielleicht weiter; "
        "bitte noch einmal."
    ),
    "page.back": "Zurück zur Nacht",
    # die Nacht
    "page.timeline": "Die Nacht bis jetzt",
    "page.timeline_how": (
        "Stufen: was die Sensoren über den Schlaf vermuten lassen, wach liegt oben. Band: was zu sehen war; halb hoch, "
        "wo ein Sensor fehlte, schraffiert, wo nichts zu sehen war."
    ),
    "page.row_awake": "wach",
    "page.row_active": "aktiv",
    "page.row_quiet": "ruhig",
    "page.seen": "gesehen",
    "page.use_usable": "gesehen",
    "page.use_degraded": "teilweise gesehen",
    "page.use_blind": "nicht gesehen",
    "page.small": "einzelne und kleine Bewegungen",
    "page.suggest": "Die Sensoren lassen vermuten: {states}",
    "page.col_kind": "aufgezeichnet",
    "page.col_events": "Male",
    "page.col_movements": "Bewegungen",
    "page.col_seen": "in",
    "page.last_minute": "Die letzte Minute",
    "page.trace_of": "Stärkste Bewegung der letzten zehn Sekunden: # g",
    "page.strongest": "stärkste in 10 s: {g} g",
    "page.battery": "Akku {n} von 100",
    "page.link_none": "noch nicht gehört",
    "page.link_streaming": "verbunden",
    "page.link_searching": "wird gesucht",
    "page.link_connecting": "verbindet",
    "page.link_pairing": "wird gekoppelt",
    "page.link_subscribing": "verbindet",
    "page.link_stalled": "keine Daten",
    "page.link_backing_off": "gleich neuer Versuch",
    "page.link_refused": "abgelehnt",
    "page.link_stopped": "beendet",
    # was jemand tut
    "page.recorded": "Heute Nacht aufgezeichnet",
    "page.do": "Was Sie tun können",
    "page.pause": "Pause machen",
    "page.pause_how": "Sie endet von selbst. Es wird weiter aufgezeichnet, und Dringendes klingelt trotzdem.",
    "page.pause_for": "Wofür",
    "page.pause_bath": "Bad",
    "page.pause_feed": "Füttern",
    "page.pause_care": "Pflege",
    "page.pause_done": "Pause bis {until}.",
    "page.for_long": "Wie lange",
    "page.resume": "Jetzt weiter",
    "page.mute": "Stummschalten",
    "page.mute_how": (
        "Meldungen dieser Art bleiben bis zum Ende stumm; was bis dahin aufgezeichnet wird, wird dann gemeldet. Große "
        "Serien und lange Bewegungen sind trotzdem zu hören."
    ),
    "page.mute_what": "Was",
    "page.mute_done": "Stumm bis {until}.",
    "page.muted": "{what}: stumm bis {until} (von {by})",
    "page.unmute": "Stummschaltung beenden",
    "page.others": "Kinder",
    "page.infant": "Kind {id}",
    "page.about": "Ein Protokoll von Bewegungen; es ist keine Diagnose.",
    # die Liste der Nächte
    "page.night_none": "Noch ist keine Nacht aufgezeichnet.",
    "page.older": "Ältere Nächte",
    "page.newer": "Neuere Nächte",
    "page.evening": "Nacht vom {evening} auf den {morning}",
}
