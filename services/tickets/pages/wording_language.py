"""Words why a ticket has its language: how sure that is, what says so, what speaks against it."""

from collections.abc import Sequence
from typing import Any

from shared.web import vocabulary
from shared.web.i18n import N_, language_name, translate

_SOURCES = ("text", "audio", "menu", "line", "history")
_MESSAGES = ("earlier", "thread")  # of other tickets, of this one
_CHOSEN = (
    ("menu", N_("The caller chose {name} in the phone menu.")),
    ("line", N_("The line that was called stands for {name}.")),
    ("history", N_("This customer used {name} before.")),
)


def evidence(language: str, spoken: str, confidence: float, source: str, found: dict[str, Any]) -> list[str]:
    """What the language decision rests on, in sentences, the shortest answer first. Never empty.

    `spoken`, `confidence`, `source`: the ticket's; `found`: its evidence, also as earlier versions kept it.
    """
    name = language_name(language, spoken)
    corrected = found.get("correction")
    if source == "correction" or corrected:
        say = [translate(language, N_("A representative set it to {name}."), name=name)]
    else:
        say = [_in_short(language, name, spoken, confidence, source, found)]
    return [*say, *_of_words(language, found), *_of_others(language, found), *_version(language, found)]


def _in_short(language: str, name: str, spoken: str, confidence: float, source: str, found: dict[str, Any]) -> str:
    agree = _witnesses(found, spoken, source)
    if not agree:
        return translate(language, N_("Nothing tells the language."))
    witnesses = "; ".join(dict.fromkeys(_witness(language, each) for each in agree))
    return f"{name[:1].upper()}{name[1:]}, {min(99, round(100 * confidence))} %: {witnesses}."


def _witness(language: str, key: str) -> str:
    if key in _MESSAGES:
        return translate(language, N_("earlier messages"))
    return vocabulary.label(language, "language_source", key)


def _witnesses(found: dict[str, Any], spoken: str, source: str) -> list[str]:
    """What spoke for the language, the weightiest first."""
    weights = [each for each in found.get("weights") or () if isinstance(each, list) and len(each) == 3]
    agree = sorted((each for each in weights if each[1] == spoken), key=lambda each: -float(each[2]))
    named = [str(each[0]) for each in agree if each[0] in (*_SOURCES, *_MESSAGES)]
    if not named and source in _SOURCES:  # both were heard, or it was decided before weights were kept
        named = [source]
    thread = found.get("thread")
    if named and isinstance(thread, dict) and thread.get(spoken):
        named.append("thread")
    return named


def _of_words(language: str, found: dict[str, Any]) -> list[str]:
    """What was written and heard, with the words that tell."""
    say = []
    for key, message, silent in (
        ("text", N_("The text reads as {name} ({percent} %)."), N_("The text alone does not tell.")),
        ("audio", N_("The voice sounds like {name} ({percent} %)."), N_("The voice alone does not tell.")),
    ):
        part = found.get(key)
        if isinstance(part, dict) and isinstance(part.get("confidence"), (int, float)):
            heard = str(part.get("language", "unknown"))
            if heard == "unknown":
                say.append(translate(language, silent))
                continue
            name = language_name(language, heard)
            say.append(translate(language, message, name=name, percent=round(float(part["confidence"]) * 100)))
    text = found.get("text")
    telling = text.get("telling") if isinstance(text, dict) else None
    if isinstance(text, dict) and isinstance(telling, Sequence) and telling:
        words = [f"«{word}»" for word in telling if word]
        said = (
            N_("In both languages: {words}.") if text.get("language") == "mixed" else N_("Words that say so: {words}.")
        )
        say.append(translate(language, said, words=", ".join(words)))
    return say


def _of_others(language: str, found: dict[str, Any]) -> list[str]:
    say = []
    for key, message in _CHOSEN:
        value = found.get(key)
        if isinstance(value, str) and value:
            say.append(translate(language, message, name=language_name(language, value)))
    earlier = found.get("earlier")
    if isinstance(earlier, list) and earlier:
        names = dict.fromkeys(language_name(language, str(each)) for each in earlier)
        say.append(translate(language, N_("Their earlier tickets: {names}."), names=", ".join(names)))
    thread = found.get("thread")
    if isinstance(thread, dict) and thread:
        names = dict.fromkeys(language_name(language, str(each)) for each in thread)
        say.append(translate(language, N_("Other messages on this ticket: {names}."), names=", ".join(names)))
    return say


def _version(language: str, found: dict[str, Any]) -> list[str]:
    version = found.get("version")
    return [translate(language, N_("Read by version {version}."), version=version)] if version else []
