"""The German texts: the same fields and keys as the English ones, under the same rules of wording.

Convulsions are named in the line about the emergency number alone, as parents and the emergency service name them.
"""

from __future__ import annotations

from alerts.catalogue import Catalogue, Noun
from alerts.pages_german import PAGES
from alerts.records_german import RECORDS
from dsp.records import State

__all__ = ["GERMAN"]

GERMAN = Catalogue(
    language="de",
    titles={
        "brief_strong_movement": "Kurze kräftige Bewegung aufgezeichnet",
        "repeated_brief_movements": "Wiederholte kurze Bewegungen aufgezeichnet",
        "rhythmic_jerks_asleep": "Rhythmische Zuckungen im Schlaf aufgezeichnet",
        "rhythmic_jerking": "Rhythmisches Zucken aufgezeichnet",
        "stiffening": "Versteifung aufgezeichnet",
        "long_stiffening_or_jerking": "Lange Versteifung oder langes Zucken aufgezeichnet",
        "startle": "Zusammenzucken aufgezeichnet",
        "trembling": "Zittern aufgezeichnet",
        "hiccup_like": "Bewegungen wie Schluckauf aufgezeichnet",
        "rocking": "Schaukelbewegungen aufgezeichnet",
        "small_twitches": "Kleine Zuckungen aufgezeichnet",
        "movement": "Bewegung aufgezeichnet",
    },
    names={
        "brief_strong_movement": "kurze kräftige Bewegung",
        "repeated_brief_movements": "wiederholte kurze Bewegungen",
        "rhythmic_jerks_asleep": "rhythmische Zuckungen im Schlaf",
        "rhythmic_jerking": "rhythmisches Zucken",
        "stiffening": "Versteifung",
        "long_stiffening_or_jerking": "lange Versteifung oder langes Zucken",
        "startle": "Zusammenzucken",
        "trembling": "Zittern",
        "hiccup_like": "wie Schluckauf",
        "rocking": "Schaukeln",
        "small_twitches": "kleine Zuckungen",
        "movement": "Bewegung",
    },
    nouns={
        "brief_strong_movement": Noun("kurze Bewegung", "kurze Bewegungen"),
        "repeated_brief_movements": Noun("kurze Bewegung", "kurze Bewegungen"),
        "rhythmic_jerks_asleep": Noun("Zuckung", "Zuckungen"),
        "rhythmic_jerking": Noun("Zuckung", "Zuckungen"),
        "stiffening": Noun("Versteifung", "Versteifungen"),
        "long_stiffening_or_jerking": Noun("lange Bewegung", "lange Bewegungen"),
    },
    any_noun=Noun("Bewegung", "Bewegungen"),
    look="Sehen Sie jetzt nach Ihrem Baby.",
    emergency=(
        "Rufen Sie sofort die Notrufnummer{number} an, wenn Ihr Baby blau oder grau aussieht oder schlecht Luft "
        "bekommt; wenn ein Krampf 5 Minuten dauert oder wiederkommt, bevor sich Ihr Baby erholt hat; wenn Ihr Baby "
        "danach nicht reagiert; wenn es der erste Krampf ist; wenn Ihr Baby verletzt ist; wenn Ihr Baby jünger als "
        "28 Tage ist und es ein Krampf sein könnte; oder wenn es Fieber hat und Ihr Baby jünger als 6 Monate ist "
        "oder eine vorgewölbte weiche Stelle am Kopf, einen steifen Nacken oder Ausschlag hat oder schwer "
        "weckbar ist."
    ),
    emergency_number=" {number}",
    emergency_any=" (in Europa 112)",
    film="Wenn es ohne Gefahr möglich ist, filmen Sie Ihr Baby jetzt.",
    if_touched="Wenn Sie Ihr Baby geweckt oder berührt haben, schreiben Sie auf, was dann geschah.",
    recorded="Aufgezeichnet: {what}.",
    happened="Das geschah um {time} und wird verspätet gesendet.",
    happened_ago="Das geschah vor {ago} und wird verspätet gesendet.",
    five_minutes_title="{title}: 5 min oder länger",
    five_minutes="Das dauert jetzt seit 5 Minuten oder länger an.",
    conveyed="Nach den Sensoren wurde Ihr Baby währenddessen getragen, geschaukelt oder gefahren.",
    withdrawn=(
        "Später eingetroffene Daten haben diesen Eintrag verändert: er bleibt erhalten und ist als zurückgezogen "
        "gekennzeichnet. Was geschah, kann dieses Protokoll nicht sagen."
    ),
    merged="Dieser Eintrag ist Teil eines anderen geworden.",
    same_day={
        "repeated_brief_movements": (
            "Allgemeine Information: kurze Bewegungen in Serie, vor allem um das Aufwachen herum, sind ein Grund, "
            "noch am selben Tag mit einer Kinderarztpraxis zu sprechen und nach einem EEG zu fragen. Ein Video "
            "hilft am meisten."
        ),
        "brief_strong_movement": (
            "Allgemeine Information: schon eine oder zwei plötzliche Beugungen, ein Kopfnicken oder ein Hochwerfen "
            "der Arme sind ein Grund, noch am selben Tag mit einer Kinderarztpraxis zu sprechen und nach einem EEG "
            "zu fragen. Ein Video hilft am meisten."
        ),
        "stiffening": (
            "Allgemeine Information: Versteifen oder Überstrecken in Serie ist ein Grund, noch am selben Tag mit "
            "einer Kinderarztpraxis zu sprechen. Ein Video hilft am meisten."
        ),
        "rhythmic_jerks_asleep": (
            "Allgemeine Information: Zuckungen im Schlaf, die auf einer Seite bleiben, lange dauern, nach dem "
            "sechsten Lebensmonat weitergehen oder je im Wachen zu sehen sind, gehören in der Kinderarztpraxis "
            "angesprochen. Ein Video hilft am meisten."
        ),
    },
    always=(
        "Dieses Protokoll kann die Ursache nicht nennen und ist keine Diagnose. Wenn Ihnen etwas Sorgen macht, "
        "filmen Sie es und rufen Sie an; dieses Protokoll brauchen Sie dafür nicht."
    ),
    in_time="{what} in {duration}",
    lasting="{what}, {duration}",
    sites={"legs": "beide Beine", "LA": "linkes Bein", "RA": "rechtes Bein", "TR": "Rumpf"}
    | {"arms": "beide Arme", "LW": "linker Arm", "RW": "rechter Arm", "HD": "Kopf"},
    sites_joined=" und ",
    sides={"left": "auf der linken Seite", "right": "auf der rechten Seite", "both": "auf beiden Seiten"},
    since_waking="{minutes} min nach dem Aufwachen",
    again_for="über {duration} hinweg immer wieder",
    states={
        State.AWAKE: "nach den Sensoren war Ihr Baby davor wach",
        State.ACTIVE_SLEEP: "nach den Sensoren schlief Ihr Baby davor",
        State.QUIET_SLEEP: "nach den Sensoren schlief Ihr Baby davor",
        State.ASLEEP: "nach den Sensoren schlief Ihr Baby davor",
        State.UNKNOWN: "ob Ihr Baby davor schlief oder wach war, ist nicht bekannt",
    },
    state_names={
        State.AWAKE: "wach",
        State.ACTIVE_SLEEP: "aktiver Schlaf",
        State.QUIET_SLEEP: "ruhiger Schlaf",
        State.ASLEEP: "Schlaf",
        State.UNKNOWN: "nicht bekannt",
    },
    causes={
        "no_data": "keine Daten",
        "not_worn": "nicht getragen",
        "not_running": "lullwatch lief nicht",
        "paused": "pausiert",
        "disarmed": "nicht eingeschaltet",
        # what a sensor's link said
        "searching": "über Funk gesucht",
        "connecting": "wird verbunden",
        "stalled": "verbunden, aber keine Daten",
        "refused": "abgelehnt: was antwortet, kann sich nicht ausweisen",
        "stopped": "planmäßig beendet",
        "battery": "Batterie leer",
        "out_of_range": "außer Reichweite",
        "incomplete": "Pakete fehlen",
        "backfilled": "später nachgeholt",
        "restarted": "nicht ausgewertet: neu begonnen",
    },
    match={
        "clear": "Übereinstimmung mit dem Muster: deutlich",
        "weak": "Übereinstimmung mit dem Muster: schwach",
    },
    coverage="Die Sensoren konnten {seen} der letzten {total} sehen.",
    coverage_unknown="Wie viel die Sensoren sehen konnten, ist noch nicht bekannt.",
    hours="{h} h {m} min",
    minutes="{m} min",
    seconds="{s} s",
    technical={
        "blind": (
            "Die Sensoren sehen nichts",
            "Seit einigen Minuten sind keine brauchbaren Daten gekommen. Bewegungen in dieser Zeit werden nicht "
            "aufgezeichnet. Sehen Sie nach Ihrem Baby, dann nach den Sensoren und dem Gateway.",
        ),
        "behind": (
            "Bewegungen werden verspätet gemeldet",
            "Was aufgezeichnet ist, wird um Minuten verspätet ausgewertet, und so spät kommen Meldungen. Sehen "
            "Sie nach Ihrem Baby. Der Rechner hat vielleicht zu viel zu tun: fragen Sie, wer sich um ihn kümmert.",
        ),
        "battery": (
            "Der Akku eines Sensors ist schwach",
            "Er reicht vielleicht nicht für die Nacht. Laden oder tauschen Sie ihn.",
        ),
        "link": (
            "Die Funkverbindung eines Sensors ist weg",
            "Was dieser Sensor sieht, kommt später oder gar nicht an.",
        ),
        "sensor": ("Ein Sensor ist ab oder sitzt lose", "Prüfen Sie, ob er getragen wird und gut sitzt."),
        "clock": (
            "Die Uhr geht vielleicht falsch",
            "Bis die Uhr gestellt ist, können Zeiten in diesem Protokoll falsch sein.",
        ),
        "disk": (
            "Der Speicher ist fast voll",
            "Wenn er voll ist, endet die Aufzeichnung. Schaffen Sie Platz.",
        ),
        "broker": (
            "Nachrichten können nicht gesendet werden",
            "Der Nachrichten-Server antwortet nicht. Nachrichten warten im Protokoll.",
        ),
        "database": (
            "Die Datenbank ist weg",
            "Kopien warten im Protokoll; die Aufzeichnung geht weiter.",
        ),
        "self_test": (
            "Der Selbsttest ist fehlgeschlagen",
            "Eine Testnachricht kam nicht durch. Meldungen erreichen Sie vielleicht nicht.",
        ),
        "security": (
            "Ein Sensor wurde abgewiesen",
            "Was an seiner Stelle antwortet, kann sich nicht ausweisen, oder er ist nicht gekoppelt. Nichts davon wird "
            "aufgezeichnet.",
        ),
        "firmware": (
            "Ein Sensor spricht eine andere Version",
            "Aktualisieren Sie seine Firmware oder lullwatch. Er zeichnet nichts auf.",
        ),
        "slots": (
            "Zu viele Sensoren für einen Adapter",
            "Der Bluetooth-Adapter hält keine weitere Verbindung. Ein Sensor wartet, bis eine frei ist.",
        ),
        "service": (
            "Ein Teil von lullwatch bleibt immer wieder stehen",
            "Er wird jedes Mal neu gestartet. Wer sich darum kümmert, möge sein Protokoll lesen.",
        ),
        "monitor": (
            "Es wird nichts aufgezeichnet",
            "Der Teil von lullwatch, der aufzeichnet und meldet, ist stehen geblieben. Sehen Sie nach Ihrem Baby. "
            "Bis er wieder läuft, erfährt niemand von Bewegungen: sagen Sie es dem, der sich darum kümmert.",
        ),
    },
    technical_other=("Technische Störung: {kind}", "Im Protokoll steht: {kind}."),
    cleared=(
        "{title}: vorbei",
        "Diese Störung ist vorbei. Was währenddessen geschah, fehlt vielleicht im Protokoll.",
    ),
    test_title="Test der Meldungen",
    test_lines=(
        "Dies ist ein Test: die Bewegungen darin hat das Programm gemacht, nicht Ihr Baby.",
        "Er kam auf dem Weg einer dringenden Meldung. Blieb Ihr Telefon stumm, sehen Sie vor der Nacht danach.",
    ),
    # Sentences of other parts: add them at the end of these two, and in english.py.
    more=PAGES
    | RECORDS
    | {
        "coverage.sentence": "{seen} von {whole} aufgezeichnet",
        "coverage.partly": ", {span} davon fehlte ein Sensor",
        "summary.title": "Zusammenfassung der Nacht",
        "summary.head": "Nacht vom {evening} auf {morning}, Kind {infant}: {coverage}.",
        "summary.none_urgent": "Dringende Meldungen: 0 in {seen} mit Daten.",
        "summary.unanswered": "Niemand beantwortete {alerts} in {seen} mit Daten: {which}.",
        "summary.all_answered": "Dringende Meldungen, die niemand beantwortete: 0 in {seen} mit Daten.",
        "summary.answered": "Beantwortet: {alerts} in {seen} mit Daten: {which}.",
        "summary.none_answered": "Beantwortete Meldungen: 0.",
        "summary.notices": "Stille Hinweise: {n} in {seen} mit Daten: {which}.",
        "summary.none_notices": "Stille Hinweise: 0 in {seen} mit Daten.",
        "summary.events": "Aufgezeichnet in {seen} mit Daten: {which}.",
        "summary.none_events": "Keine passenden Muster in {seen} Aufzeichnung.",
        "summary.muted": "Stumm geschaltet: {spans}; währenddessen still gehalten: {which}.",
        "summary.none_muted": "Stumm geschaltet: nie.",
        "summary.no_alert": "keine Meldung",
        "summary.blind": "Ohne Daten: {length} in {stretches}: {which}.",
        "summary.none_blind": "Ohne Daten: 0 min von {whole}.",
        "summary.worn": "Getragen und empfangen: {which}.",
        "summary.no_sensor": "kein Sensor",
        "summary.battery": "{sensor}, Akku {battery} von 100",
        "summary.technical": "Technische Störungen: {which}.",
        "summary.none_technical": "Technische Störungen: 0.",
        "summary.going_on": "{what} seit {begin}",
        "summary.from_to": "{what} {begin} bis {end}",
        "summary.with_causes": "{span} ({causes})",
        "summary.and_more": "{listed}; und {n} weitere",
        "summary.at": "{time} {what}",
        "summary.by": "{told} (von {person} um {time})",
        "summary.false_alarm": "{told} (von {person} um {time}, als Fehlalarm)",
        "summary.with_count": "{what}, {movements} in {duration}",
        "summary.counted": "{name} {n}",
        "summary.counted_members": "{name} {n} ({movements})",
        "summary.limits": (
            "Kleine, kurze Bewegungen und solche nur der Arme oder des Gesichts sind nicht zu sehen. Dass ein Muster "
            "nicht aufgezeichnet wurde, schließt nichts aus."
        ),
        "summary.header": (
            "Nicht validierte Forschungsdaten; die Namen der Sensoren für Muster sind keine Diagnosen. "
            "lullwatch {version}"
        ),
        "summary.told_worn": "getragen und empfangen: {which}",
        "summary.told_states": "nach den Sensoren: {which}",
        "summary.told_no_state": "nichts über den Schlaf",
        "summary.told_event": "  {name}: {n} in {seen} mit Daten",
        "summary.told_event_members": "  {name}: {n} ({movements} Bewegungen) in {seen} mit Daten",
        "summary.told_no_event": "  kein passendes Muster in {seen} mit Daten",
        "summary.told_alerts": "Meldungen: {urgent} dringend, {notice} still, {technical} technisch",
        "telling.again": "Erneut: {title}",
        "telling.answered": "{by} hat geantwortet: {title}",
        "telling.answered_text": "{by} hat auf diese Nachricht geantwortet. Sie klingelt bei niemandem mehr.",
        "telling.false_alarm": "Als Fehlalarm bezeichnet: {title}",
        "telling.false_alarm_text": (
            "{by} sagt: Fehlalarm, Entschuldigung. Die Aufzeichnung bleibt, wie sie war."
        ),
        "telling.muted": "Aufgezeichnet, während stummgeschaltet war",
        "telling.muted_line": "{time} {title}",
        "telling.muted_text": (
            "Die Stummschaltung ist zu Ende; was sie still gehalten hat, ist aufgezeichnet wie alles andere."
        ),
        "telling.unwritten": (
            "Diese Nachricht konnte vor dem Senden nicht aufgeschrieben werden: siehe Datenträger des Gateways."
        ),
        "self_test.passed": "Der Selbsttest von {time} kam auf jedem Weg an.",
        "self_test.failed": "Der Selbsttest von {time} ist fehlgeschlagen: {why}.",
        "self_test.preempted": "Der Selbsttest von {time} wurde beendet: eine dringende Meldung kam dazwischen.",
        "self_test.interrupted": "Der Selbsttest von {time} wurde beendet: der Dienst hielt an.",
        "self_test.reached": (
            "{person} über {channel}: nach {seconds} s angenommen. Sehen Sie nach, ob das Gerät geklingelt hat."
        ),
        "self_test.not_reached": "{person} über {channel}: nicht angenommen ({why}).",
        "home.gateway": "lullwatch {gateway}",
        "home.infant": "lullwatch Kind {infant}",
        "home.running": "In Betrieb",
        "home.state": "Zustand",
        "home.coverage": "Abdeckung",
        "home.seen": "Heute Nacht aufgezeichnet",
        "home.last_event": "Zuletzt aufgezeichnet",
        "home.series": "Wiederholte Bewegungen heute Nacht",
        "home.alert": "Meldung",
        "home.open": "Unbeantwortete Meldungen",
        "home.problem": "Technische Störung",
        "home.ack": "Bestätigen",
        "home.mute": "{minutes} min stumm",
        "home.unmute": "Stummschaltung beenden",
        "home.test": "Selbsttest",
        "home.battery": "Akku {site}",
        "home.link": "Funkverbindung {site}",
        "ack_page.ask": "Drücken Sie den Knopf, wenn Sie sich kümmern. Die Meldung endet dann für alle.",
        "ack_page.button": "Ich kümmere mich",
        "ack_page.done": "Bestätigt. Die Meldung hat für alle aufgehört.",
        "ack_page.gone": "Dieser Link gilt nicht mehr: Die Meldung wurde beantwortet oder ist vorbei.",
        "ack_page.later": "Zu viele Anfragen. Bitte in einer Minute noch einmal.",
        "ack_page.refused": "Hier konnte nicht bestätigt werden. Das Protokoll des Gateways sagt, warum.",
        # der Bericht für die Praxis
        "report.title": "Aufzeichnung von Bewegungen durch Sensoren",
        "report.subtitle": (
            "Kind {infant}{age} · Nächte vom {first} bis {last}, {zone} · Sensoren: {sites} · Daten bis {until}"
        ),
        "report.age": ", am ersten Abend {weeks} Wochen alt",
        "report.page": "Seite {n} von {of}",
        "report.decimal": ",",
        "report.coverage": "Was gesehen werden konnte",
        "report.nights_of": "in {n} von {asked} Nächten wurde etwas aufgezeichnet",
        "report.series": (
            "Serien: {n}, darin {movements}, in {seen} gesehener Zeit; Übereinstimmung mit dem Muster deutlich "
            "{clear}, schwach {weak}."
        ),
        "report.no_series": "Keine passenden Muster dieser Art in {seen} Aufzeichnung.",
        "report.per_series": "Bewegungen je Serie: {movements}. Länge: {lengths}.",
        "report.spread": "Median {middle} ({low} bis {high})",
        "report.intervals": "Von einer Bewegung zur nächsten: {apart}.",
        "report.when": (
            "Begonnen zwischen {begin} und {end} Uhr: {night} von {n}. Begonnen weniger als {minutes} min nach einem "
            "Aufwachen, das zu sehen war: {soon} von {n}."
        ),
        "report.nights_title": "Die Nächte, von Mittag bis Mittag",
        "report.night_of": "Nacht",
        "report.column_seen": "gesehene|Zeit",
        "report.column_series": "|Serien",
        "report.column_movements": "darin|Beweg.",
        "report.column_observed": "von Leuten|gesehen",
        "report.nothing_recorded": "nichts aufgezeichnet",
        "report.night_unrecorded": "{night}: nichts aufgezeichnet.",
        "report.night_said": (
            "{night}: {seen} gesehen, {series} Serien mit {movements} Bewegungen, {observed} von Menschen gesehene "
            "Bewegungen."
        ),
        "report.legend_seen": "gesehen",
        "report.legend_degraded": "ein Sensor fehlt",
        "report.legend_sleep": "Schlaf",
        "report.legend_series": "Serie",
        "report.legend_strong": "Versteifen, Zucken, lang",
        "report.legend_other": "anderes Muster",
        "report.legend_observed": "von jemandem gesehen",
        "report.figure_note": "M Medikament begonnen oder geändert, V Impfung, F Fieber, wie im Tagebuch notiert",
        "report.panels_title": "Die Serien in sechs Bildern",
        "report.panel_movements": "Bewegungen je Serie",
        "report.panel_lengths": "Länge einer Serie, min",
        "report.panel_waking": "Minuten seit dem Aufwachen",
        "report.panel_sides": "Seite",
        "report.panel_clock": "Beginn, Uhr",
        "report.panel_states": "Zustand davor und danach",
        "report.clock_seen": "grau: gesehene Zeit",
        "report.no_waking": "ohne",
        "report.or_more": "{low}+",
        "report.side_left": "links",
        "report.side_right": "rechts",
        "report.side_both": "beide",
        "report.side_unknown": "unbekannt",
        "report.before": "davor",
        "report.after": "danach",
        "report.state_awake": "wach",
        "report.state_active_sleep": "aktiv",
        "report.state_quiet_sleep": "ruhig",
        "report.state_asleep": "Schlaf",
        "report.state_unknown": "unbek.",
        "report.others": "Andere Muster in {seen} gesehener Zeit",
        "report.pattern": "Muster",
        "report.events": "Anzahl",
        "report.movements": "darin gezählt",
        "report.clear": "deutlich",
        "report.longest": "längstes",
        "report.per_10_h": "in 10 h gesehen",
        "report.observed": "Von Menschen gesehen, von Sensoren aufgezeichnet",
        "report.side_by_side": (
            "Von Menschen gesehene und notierte Bewegungen: {n}. Von den Sensoren aufgezeichnete Serien: {series}, in "
            "{seen} gesehener Zeit. Beides steht nebeneinander: keins berichtigt das andere, und niemand sieht die "
            "ganze Nacht zu."
        ),
        "report.time": "Zeit",
        "report.people_saw": "von jemandem gesehen",
        "report.sensors_then": "Sensoren, fünf Minuten davor bis fünf danach",
        "report.then_no_pattern": (
            "kein passendes Muster; kleine Bewegungen und solche von Armen und Gesicht sind nicht zu sehen"
        ),
        "report.then_blind": "da war nichts zu sehen",
        "report.and_more": "Die ersten davon; {n} weitere stehen weiter hinten",
        "report.waves": "Die deutlichsten Aufzeichnungen",
        "report.no_waves": "Die Messwerte sind nicht mehr da; die eines Ereignisses, das jemand behält, bleiben.",
        "report.waves_note": (
            "Größe der Beschleunigung um ihre Mitte, alle Sensoren im gleichen Maßstab; Striche unter den Linien: die "
            "gezählten Bewegungen. Rechts vier Sekunden um die Bewegung, die am meisten hervortritt."
        ),
        "report.wave_said": "{n} Bewegungen markiert, Beschleunigung von: {sites}.",
        "report.g": "{value} g",
        "report.states_said": "davor und danach: {change}",
        "report.method": "Wie das aufgezeichnet wurde",
        "report.method_text": (
            "Bewegungssensoren an den oben genannten Stellen messen Beschleunigung und Drehung. Ein Programm sucht "
            "nach Mustern von Bewegung und benennt, wie eine Bewegung aussieht, nie eine Ursache. Wiederholte kurze "
            "Bewegungen sind {members} oder mehr kurze kräftige Bewegungen mit Pausen von höchstens {gap} s, zusammen "
            "mindestens {span} s lang. Schlaf und Wachsein sind, was Bewegung und Atmung für je 30 s nahelegen. "
            "Minuten seit dem Aufwachen zählen vom letzten Aufwachen, das zu sehen war. Eine Übereinstimmung ist "
            "schwach oder deutlich; beide sind gezeigt. Zu jeder Zahl gehört die Zeit, die gesehen werden konnte; eine "
            "Minute, in der kein getragener Sensor Daten gab, ist blind. Zeiten sind die der Uhr des Gateways, "
            "{zone}; die Sensoren stimmen auf 20 ms mit ihr überein. Was jemand notiert hat, steht neben einem "
            "Ereignis, wenn die Zeiten höchstens {minutes} min auseinander liegen. Einstellungen: {settings}."
        ),
        "report.limits": "Was das nicht sagen kann",
        "report.limits_text": (
            "Weniger oder keine Aufzeichnungen zeigen nicht, dass sie aufgehört haben. Sensoren, die locker, ab oder "
            "außer Reichweite sind, sehen nichts, und Tragen, Schaukeln oder Fahren verdeckt Bewegungen. Menschen "
            "entgeht das meiste, was nachts geschieht, und Sensoren zählen mit, was nur ähnlich aussieht. Ein Video "
            "zeigt mehr als diese Aufzeichnung."
        ),
        "report.act": "Wann zu handeln ist, was immer hier steht",
        "report.every_event": "Jedes Ereignis",
        "report.counts_in": "In {seen} gesehener Zeit",
        "report.n": "n",
        "report.lasted": "Dauer",
        "report.apart": "Abstand",
        "report.side": "Seite",
        "report.states": "davor, danach",
        "report.waking": "seit Aufw.",
        "report.match": "Muster",
        "report.match_clear": "deutlich",
        "report.match_weak": "schwach",
        "report.by_people": "von Menschen gesagt",
        "report.sides_note": (
            "n: kurze Bewegungen oder Zuckungen darin; Abstand: von einer zur nächsten im Mittel; davor, danach: was "
            "die Sensoren nahelegen. Was Menschen gesagt haben, steht da, wie sie es gesagt haben."
        ),
        "report.answered": "{person} hat geantwortet",
        "report.called_false": "{person}: Fehlalarm",
        "report.role_caregiver": "betreuend {person}",
        "report.role_reviewer": "begutachtend {person}",
        "report.saw": "{time} von {person} gesehen, siehe unten",
        "report.diary": "Das Tagebuch",
        "report.no_entries": "Es wurde nichts notiert.",
        "report.as_written": "Wie es notiert wurde",
        "report.written": "was",
        "report.by": "von",
    },
    more_nouns={
        "trends.weeks": Noun("Woche", "Wochen"),
        "trends.nights": Noun("Nacht", "Nächten"),
        "trends.events": Noun("Ereignis", "Ereignisse"),
        "trends.given": Noun(
            "Medikament oder Impfung ist markiert", "Medikamente und Impfungen sind markiert"
        ),
        "summary.alerts": Noun("Meldung", "Meldungen"),
        "summary.urgent": Noun("dringende Meldung", "dringende Meldungen"),
        "summary.stretches": Noun("Abschnitt", "Abschnitten"),
    },
)
