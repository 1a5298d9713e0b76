"""The English texts. Every sentence a person reads in a message stands here; another language is another module.

What a text may say is decided by the project's wording rules: what was recorded, never what it is; no reassurance.
"""

from __future__ import annotations

from alerts.catalogue import Catalogue, Noun
from alerts.pages_english import PAGES
from alerts.records_english import RECORDS
from dsp.records import State

__all__ = ["ENGLISH"]

ENGLISH = Catalogue(
    language="en",
    titles={
        "brief_strong_movement": "Brief strong movement recorded",
        "repeated_brief_movements": "Repeated brief movements recorded",
        "rhythmic_jerks_asleep": "Rhythmic jerks recorded during sleep",
        "rhythmic_jerking": "Rhythmic jerking recorded",
        "stiffening": "Stiffening recorded",
        "long_stiffening_or_jerking": "Long stiffening or jerking recorded",
        "startle": "Startle recorded",
        "trembling": "Trembling recorded",
        "hiccup_like": "Hiccup-like movements recorded",
        "rocking": "Rocking recorded",
        "small_twitches": "Small twitches recorded",
        "movement": "Movement recorded",
    },
    names={
        "brief_strong_movement": "brief strong movement",
        "repeated_brief_movements": "repeated brief movements",
        "rhythmic_jerks_asleep": "rhythmic jerks asleep",
        "rhythmic_jerking": "rhythmic jerking",
        "stiffening": "stiffening",
        "long_stiffening_or_jerking": "long stiffening or jerking",
        "startle": "startle",
        "trembling": "trembling",
        "hiccup_like": "hiccup like",
        "rocking": "rocking",
        "small_twitches": "small twitches",
        "movement": "movement",
    },
    nouns={
        "brief_strong_movement": Noun("brief movement", "brief movements"),
        "repeated_brief_movements": Noun("brief movement", "brief movements"),
        "rhythmic_jerks_asleep": Noun("jerk", "jerks"),
        "rhythmic_jerking": Noun("jerk", "jerks"),
        "stiffening": Noun("stiffening", "stiffenings"),
        "long_stiffening_or_jerking": Noun("long movement", "long movements"),
    },
    any_noun=Noun("movement", "movements"),
    look="Look at your baby now.",
    emergency=(
        "Call the emergency number{number} now if your baby is blue or grey or has trouble breathing; if a convulsion "
        "lasts 5 minutes or comes again before your baby has recovered; if your baby does not respond "
        "afterwards; if this is a first convulsion; if your baby is hurt; if your baby is younger than 28 days "
        "and this may be a convulsion; or if there is a fever and your baby is under 6 months, or has a bulging "
        "soft spot, a stiff neck or a rash, or is hard to wake."
    ),
    emergency_number=" {number}",
    emergency_any=" (112 in Europe)",
    film="If you can do it without danger, film your baby now.",
    if_touched="If you woke or touched your baby, write down what happened then.",
    recorded="Recorded: {what}.",
    happened="This happened at {time} and is sent late.",
    happened_ago="This happened {ago} ago and is sent late.",
    five_minutes_title="{title}: 5 min or more",
    five_minutes="This has now gone on for 5 minutes or more.",
    conveyed="The sensors suggest that your baby was being carried, rocked or driven meanwhile.",
    withdrawn=(
        "Data that arrived later changed this record: it is kept and marked as withdrawn. "
        "This log cannot tell what happened."
    ),
    merged="This record has become part of another one.",
    same_day={
        "repeated_brief_movements": (
            "General information: brief movements in series, most of all around waking, are a reason to speak to "
            "a paediatrician the same day and to ask about an EEG. A video helps most."
        ),
        "brief_strong_movement": (
            "General information: even one or two sudden bends, head drops or throws of the arms are a reason to "
            "speak to a paediatrician the same day and to ask about an EEG. A video helps most."
        ),
        "stiffening": (
            "General information: stiffening or arching in series is a reason to speak to a paediatrician the "
            "same day. A video helps most."
        ),
        "rhythmic_jerks_asleep": (
            "General information: jerks asleep that stay on one side, last long, go on past six months of age or "
            "are ever seen awake are worth mentioning to a paediatrician. A video helps most."
        ),
    },
    always=(
        "This log cannot tell the cause and is not a diagnosis. If something worries you, film it and call; "
        "you do not need this log."
    ),
    in_time="{what} in {duration}",
    lasting="{what}, {duration}",
    sites={"legs": "both legs", "LA": "left leg", "RA": "right leg", "TR": "body"}
    | {"arms": "both arms", "LW": "left arm", "RW": "right arm", "HD": "head"},
    sites_joined=" and ",
    sides={"left": "on the left side", "right": "on the right side", "both": "on both sides"},
    since_waking="{minutes} min after waking",
    again_for="again and again for {duration}",
    states={
        State.AWAKE: "the sensors suggest your baby was awake before it",
        State.ACTIVE_SLEEP: "the sensors suggest sleep before it",
        State.QUIET_SLEEP: "the sensors suggest sleep before it",
        State.ASLEEP: "the sensors suggest sleep before it",
        State.UNKNOWN: "asleep or awake before it: not known",
    },
    state_names={
        State.AWAKE: "awake",
        State.ACTIVE_SLEEP: "active sleep",
        State.QUIET_SLEEP: "quiet sleep",
        State.ASLEEP: "asleep",
        State.UNKNOWN: "unknown",
    },
    causes={
        "no_data": "no data",
        "not_worn": "not worn",
        "not_running": "lullwatch was not running",
        "paused": "paused",
        "disarmed": "not armed",
        # what a sensor's link said
        "searching": "searched for by radio",
        "connecting": "connecting",
        "stalled": "connected, but no data",
        "refused": "refused: what answered cannot prove to be it",
        "stopped": "stopped in order",
        "battery": "battery empty",
        "out_of_range": "out of range",
        "incomplete": "packets missing",
        "backfilled": "fetched later",
        "restarted": "not decided on: begun anew",
    },
    match={"clear": "pattern match: clear", "weak": "pattern match: weak"},
    coverage="The sensors could see {seen} of the last {total}.",
    coverage_unknown="How much the sensors could see is not known yet.",
    hours="{h} h {m} min",
    minutes="{m} min",
    seconds="{s} s",
    technical={
        "blind": (
            "The sensors see nothing",
            "For some minutes no usable data has come. Movements in this "
            "time are not recorded. Look at your baby, then at the sensors and the gateway.",
        ),
        "behind": (
            "Movements are told late",
            "What is recorded is looked at minutes late, and alerts come as late. Look at your baby. "
            "The computer may have too much to do: ask whoever looks after it.",
        ),
        "battery": ("A sensor's battery is low", "It may not last the night. Charge or change it."),
        "link": ("A sensor's radio link is lost", "What this sensor sees arrives later or not at all."),
        "sensor": ("A sensor is off or loose", "Check that it is worn and sits well."),
        "clock": ("The clock may be wrong", "Times in this log may be wrong until the clock is set."),
        "disk": ("The disk is nearly full", "Recording stops when it is full. Make room."),
        "broker": (
            "Messages cannot be sent",
            "The message broker does not answer. Messages wait in the journal.",
        ),
        "database": ("The database is away", "Copies wait in the journal; recording goes on."),
        "self_test": (
            "The self-test failed",
            "A test message did not come through. Alerts may not reach you.",
        ),
        "security": (
            "A sensor was refused",
            "What answers in its place cannot prove to be it, or it is not paired. Nothing of it is recorded.",
        ),
        "firmware": (
            "A sensor speaks another version",
            "Update its firmware, or lullwatch. It records nothing.",
        ),
        "slots": (
            "Too many sensors for one adapter",
            "The Bluetooth adapter holds no more connections. A sensor waits until one is free.",
        ),
        "service": (
            "A part of lullwatch keeps stopping",
            "It is started again each time. Ask whoever looks after it to read its log.",
        ),
        "monitor": (
            "Nothing is recorded",
            "The part of lullwatch that records and alerts has stopped. Look at your baby. Nobody is told of movements "
            "until it runs again: ask whoever looks after it.",
        ),
    },
    technical_other=("Technical trouble: {kind}", "The log says: {kind}."),
    cleared=("{title}: over", "This trouble has ended. What happened meanwhile may be missing from the log."),
    test_title="Test of the alerts",
    test_lines=(
        "This is a test: the movements in it were made by the program, not by your baby.",
        "It came the way an urgent alert would come. If your phone stayed silent, see to that before the night.",
    ),
    # Sentences of other parts: add them at the end of these two, and in german.py.
    more=PAGES
    | RECORDS
    | {
        "coverage.sentence": "{seen} of {whole} recorded",
        "coverage.partly": ", {span} of it with a sensor missing",
        "summary.title": "Summary of the night",
        "summary.head": "Night from {evening} to {morning}, infant {infant}: {coverage}.",
        "summary.none_urgent": "Urgent alerts: 0 in {seen} seen.",
        "summary.unanswered": "Nobody answered {alerts} in {seen} seen: {which}.",
        "summary.all_answered": "Urgent alerts that nobody answered: 0 in {seen} seen.",
        "summary.answered": "Answered: {alerts} in {seen} seen: {which}.",
        "summary.none_answered": "Answered alerts: 0.",
        "summary.notices": "Silent notices: {n} in {seen} seen: {which}.",
        "summary.none_notices": "Silent notices: 0 in {seen} seen.",
        "summary.events": "Recorded in {seen} seen: {which}.",
        "summary.none_events": "No matching patterns in {seen} of recording.",
        "summary.muted": "Muted: {spans}; kept silent meanwhile: {which}.",
        "summary.none_muted": "Muted: at no time.",
        "summary.no_alert": "no alert",
        "summary.blind": "Blind: {length} in {stretches}: {which}.",
        "summary.none_blind": "Blind: 0 min of {whole}.",
        "summary.worn": "Worn and heard: {which}.",
        "summary.no_sensor": "no sensor",
        "summary.battery": "{sensor}, battery {battery} of 100",
        "summary.technical": "Technical trouble: {which}.",
        "summary.none_technical": "Technical trouble: 0.",
        "summary.going_on": "{what} since {begin}",
        "summary.from_to": "{what} {begin} to {end}",
        "summary.with_causes": "{span} ({causes})",
        "summary.and_more": "{listed}; and {n} more",
        "summary.at": "{time} {what}",
        "summary.by": "{told} (by {person} at {time})",
        "summary.false_alarm": "{told} (by {person} at {time}, as a false alarm)",
        "summary.with_count": "{what}, {movements} in {duration}",
        "summary.counted": "{name} {n}",
        "summary.counted_members": "{name} {n} ({movements})",
        "summary.limits": (
            "Small, short or arm- and face-only movements cannot be seen. That a pattern was not recorded does not "
            "rule anything out."
        ),
        "summary.header": (
            "Unvalidated research data; sensor labels are pattern names, not diagnoses. lullwatch {version}"
        ),
        "summary.told_worn": "worn and heard: {which}",
        "summary.told_states": "the sensors suggest: {which}",
        "summary.told_no_state": "nothing about sleep",
        "summary.told_event": "  {name}: {n} in {seen} seen",
        "summary.told_event_members": "  {name}: {n} ({movements} movements) in {seen} seen",
        "summary.told_no_event": "  no pattern was matched in {seen} seen",
        "summary.told_alerts": "alerts: {urgent} urgent, {notice} silent, {technical} technical",
        "telling.again": "Again: {title}",
        "telling.answered": "{by} has answered: {title}",
        "telling.answered_text": "{by} has answered this message. It no longer rings at anyone.",
        "telling.false_alarm": "Called a false alarm: {title}",
        "telling.false_alarm_text": "{by} says: false alarm, sorry. The record is kept as it was.",
        "telling.muted": "Recorded while muted",
        "telling.muted_line": "{time} {title}",
        "telling.muted_text": "The mute has ended; what it kept silent is recorded like everything else.",
        "telling.unwritten": "This message could not be written down before it was sent: see the disk of the gateway.",
        "self_test.passed": "The self-test of {time} came out at every channel.",
        "self_test.failed": "The self-test of {time} failed: {why}.",
        "self_test.preempted": "The self-test of {time} was ended: an urgent alert came meanwhile.",
        "self_test.interrupted": "The self-test of {time} was ended: the service stopped.",
        "self_test.reached": "{person} over {channel}: taken after {seconds} s. Look whether the device rang.",
        "self_test.not_reached": "{person} over {channel}: not taken ({why}).",
        "home.gateway": "lullwatch {gateway}",
        "home.infant": "lullwatch infant {infant}",
        "home.running": "Running",
        "home.state": "State",
        "home.coverage": "Coverage",
        "home.seen": "Recorded tonight",
        "home.last_event": "Last recorded",
        "home.series": "Repeated movements tonight",
        "home.alert": "Alert",
        "home.open": "Unanswered alerts",
        "home.problem": "Technical trouble",
        "home.ack": "Acknowledge",
        "home.mute": "Mute for {minutes} min",
        "home.unmute": "End mute",
        "home.test": "Self-test",
        "home.battery": "Battery {site}",
        "home.link": "Link {site}",
        "ack_page.ask": "Press the button when you look after it. It then stops for everyone.",
        "ack_page.button": "I look after it",
        "ack_page.done": "Acknowledged. It has stopped for everyone.",
        "ack_page.gone": "This link no longer counts: the alert was answered or is over.",
        "ack_page.later": "Too many requests. Try again in a minute.",
        "ack_page.refused": "This could not be acknowledged here. The log of the gateway says why.",
        # the doctor's report
        "report.title": "Record of movements from sensors",
        "report.subtitle": (
            "Infant {infant}{age} · nights of {first} to {last}, {zone} · sensors: {sites} · data up to {until}"
        ),
        "report.age": ", {weeks} weeks old on the first evening",
        "report.page": "page {n} of {of}",
        "report.decimal": ".",
        "report.coverage": "What could be seen",
        "report.nights_of": "something was recorded in {n} of {asked} nights",
        "report.series": (
            "Series: {n}, with {movements} in them, in {seen} seen; pattern match clear {clear}, weak {weak}."
        ),
        "report.no_series": "No matching patterns of this kind in {seen} of recording.",
        "report.per_series": "Movements in a series: {movements}. Length: {lengths}.",
        "report.spread": "median {middle} ({low} to {high})",
        "report.intervals": "From one movement to the next: {apart}.",
        "report.when": (
            "Begun between {begin} and {end} h: {night} of {n}. Begun less than {minutes} min after a waking was "
            "seen: {soon} of {n}."
        ),
        "report.nights_title": "The nights, from noon to noon",
        "report.night_of": "night",
        "report.column_seen": "time|seen",
        "report.column_series": "|series",
        "report.column_movements": "in them|moves",
        "report.column_observed": "seen by|people",
        "report.nothing_recorded": "nothing was recorded",
        "report.night_unrecorded": "{night}: nothing was recorded.",
        "report.night_said": (
            "{night}: {seen} seen, {series} series with {movements} movements, {observed} movements seen by people."
        ),
        "report.legend_seen": "seen",
        "report.legend_degraded": "a sensor missing",
        "report.legend_sleep": "asleep",
        "report.legend_series": "series",
        "report.legend_strong": "stiffening, jerking, long",
        "report.legend_other": "other pattern",
        "report.legend_observed": "seen by a person",
        "report.figure_note": "M medicine begun or changed, V vaccination, F fever, as written in the diary",
        "report.panels_title": "The series in six charts",
        "report.panel_movements": "Movements in a series",
        "report.panel_lengths": "Length of a series, min",
        "report.panel_waking": "Minutes since waking",
        "report.panel_sides": "Side",
        "report.panel_clock": "Begun at, h",
        "report.panel_states": "State before and after",
        "report.clock_seen": "grey: time seen",
        "report.no_waking": "none",
        "report.or_more": "{low}+",
        "report.side_left": "left",
        "report.side_right": "right",
        "report.side_both": "both",
        "report.side_unknown": "not known",
        "report.before": "before",
        "report.after": "after",
        "report.state_awake": "awake",
        "report.state_active_sleep": "active",
        "report.state_quiet_sleep": "quiet",
        "report.state_asleep": "asleep",
        "report.state_unknown": "unknown",
        "report.others": "Other patterns in {seen} seen",
        "report.pattern": "pattern",
        "report.events": "events",
        "report.movements": "counted in them",
        "report.clear": "clear match",
        "report.longest": "longest",
        "report.per_10_h": "in 10 h seen",
        "report.observed": "Seen by people, and recorded by sensors",
        "report.side_by_side": (
            "Movements that people saw and wrote down: {n}. Series that the sensors recorded: {series}, in {seen} "
            "seen. The two stand side by side: neither corrects the other, and nobody watches all night."
        ),
        "report.time": "time",
        "report.people_saw": "seen by a person",
        "report.sensors_then": "sensors, five minutes before to five after",
        "report.then_no_pattern": "no matching pattern; small movements and those of arms and face cannot be seen",
        "report.then_blind": "nothing could be seen then",
        "report.and_more": "The first of them; {n} more stand further behind",
        "report.waves": "The clearest recordings",
        "report.no_waves": "The samples are not kept any more; those of an event that somebody keeps stay.",
        "report.waves_note": (
            "Size of the acceleration about its middle, of each sensor on the same scale; marks under the lines: the "
            "movements that were counted. At the right four seconds about the movement that stands out most."
        ),
        "report.wave_said": "{n} movements marked, acceleration of: {sites}.",
        "report.g": "{value} g",
        "report.states_said": "before and after: {change}",
        "report.method": "How this was recorded",
        "report.method_text": (
            "Motion sensors worn at the places named above measure acceleration and turning. A program looks for "
            "patterns of movement and names what a movement looks like, never a cause. Repeated brief movements are "
            "{members} or more brief strong movements with gaps of at most {gap} s that span at least {span} s. "
            "Asleep and awake are what movement and breathing suggest, for every 30 s. Minutes since waking count "
            "from the last waking that was seen. A match is weak or clear; both are shown. Counts stand with the "
            "time that could be seen; a minute in which no worn sensor gave data is blind. Times are those of the "
            "gateway's clock, {zone}; the sensors agree with it within 20 ms. What a person wrote stands beside an "
            "event when the times are at most {minutes} min apart. Settings: {settings}."
        ),
        "report.limits": "What this cannot tell",
        "report.limits_text": (
            "Fewer or none recorded does not show that they have stopped. Sensors that are loose, off or out of "
            "reach see nothing, and being carried, rocked or driven hides movements. People miss most of what "
            "happens at night, and sensors count what only looks alike. A video shows more than this record."
        ),
        "report.act": "When to act, whatever stands here",
        "report.every_event": "Every event",
        "report.counts_in": "In {seen} seen",
        "report.n": "n",
        "report.lasted": "lasted",
        "report.apart": "apart",
        "report.side": "side",
        "report.states": "before, after",
        "report.waking": "since waking",
        "report.match": "match",
        "report.match_clear": "clear",
        "report.match_weak": "weak",
        "report.by_people": "said by people",
        "report.sides_note": (
            "n: brief movements or jerks in it; apart: from one to the next on average; before, after: what the "
            "sensors suggest. What people said stands as they said it."
        ),
        "report.answered": "{person} answered",
        "report.called_false": "{person}: false alarm",
        "report.role_caregiver": "caregiver {person}",
        "report.role_reviewer": "reviewer {person}",
        "report.saw": "{time} seen by {person}, see below",
        "report.diary": "The diary",
        "report.no_entries": "Nothing was written down.",
        "report.as_written": "As it was written",
        "report.written": "what",
        "report.by": "by",
    },
    more_nouns={
        "trends.weeks": Noun("week", "weeks"),
        "trends.nights": Noun("night", "nights"),
        "trends.events": Noun("event", "events"),
        "trends.given": Noun("medicine or vaccination is marked", "medicines and vaccinations are marked"),
        "summary.alerts": Noun("alert", "alerts"),
        "summary.urgent": Noun("urgent alert", "urgent alerts"),
        "summary.stretches": Noun("stretch", "stretches"),
    },
)
