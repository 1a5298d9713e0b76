"""What no text that a person can see may say, in either language, and the sentences that must say what this is not."""

from __future__ import annotations

import re

__all__ = ["ALLOWED", "FORBIDDEN", "faults"]

FORBIDDEN = {
    "en": [
        # names of diseases and of what only a doctor can say
        r"seizures?", r"spasms?", r"spasm[- ]like", r"epilep\w*", r"myoclon\w*", r"infantile", r"\bbnsm\b",
        r"\biess\b", r"west syndrome",
        # reassurance and safety claims
        r"benign", r"normal\w*", r"harmless", r"healthy", r"all (is )?(well|clear|good|quiet)",
        r"nothing to worry", r"don'?t worry", r"no need to", r"low risk", r"\brisk\b", r"\bsafe(ty|ly)?\b",
        r"\bsids\b", r"reassur\w*", r"\bok(ay)?\b", r"protects?", r"prevents?", r"\bfine\b", r"good night",
        # claims of a diagnosis, a test or a treatment
        r"detect(s|ed|ion)?", r"diagnos(e|es|ed|ing)", r"screen(s|ed|ing)?", r"monitors?\b", r"clinically",
        r"proven", r"treatment", r"probab\w+", r"score", r"\d ?%", r"per ?cent",
        # tests on the child, and calls left to the device
        r"\bhold (the|your|a)", r"rock (the|your)", r"wake (the|your)", r"only if the app",
        r"no movements? recorded",
    ],
    "de": [
        r"anfall\w*", r"anfälle\w*", r"krampfanf\w*", r"spasm\w*", r"spasmen", r"epilep\w*", r"myoklon\w*",
        r"infantil\w*", r"west-?syndrom",
        r"gutartig\w*", r"\bnormal\w*", r"harmlos\w*", r"gesund\w*", r"unbedenklich\w*", r"ungefährlich\w*",
        r"alles (ist )?(gut|in ordnung|ruhig|klar)", r"keine sorge", r"kein grund zur", r"nicht nötig",
        r"risik\w*", r"\bsicher\w*", r"kindstod", r"beruhig\w*", r"schützt\w*", r"verhinder\w*", r"gefahrlos\w*",
        r"in ordnung", r"gute nacht",
        r"erkannt\w*", r"erkenn\w*", r"entdeck\w*", r"detekt\w*", r"festgestellt", r"diagnose", r"diagnos\w*",
        r"screening\w*", r"überwach\w*", r"\bmonitor\w*", r"klinisch\w*", r"bewiesen\w*", r"behandl\w*",
        r"therap\w*", r"wahrscheinlich\w*", r"\d ?%", r"prozent",
        r"halten sie (das|den|die|ihr)", r"(wiegen|schaukeln|wecken) sie", r"nur wenn die app",
        r"keine bewegung\w* aufgezeichnet",
    ],
}  # fmt: skip
"""by language; the rules are the same, a language has words of its own for what they forbid"""

ALLOWED = {
    "en": ["is not a diagnosis", "sensor labels are pattern names, not diagnoses"],
    "de": ["ist keine Diagnose", "die Namen der Sensoren für Muster sind keine Diagnosen"],
}
"""sentences that clinical advice demands although a forbidden word stands in them"""


def faults(text: str, language: str = "en") -> list[str]:
    """What of the forbidden stands in a text, once the sentences that must be there are taken out."""
    for sentence in ALLOWED[language]:
        text = text.replace(sentence, "")
    return [word for word in FORBIDDEN[language] if re.search(word, text, flags=re.IGNORECASE)]
