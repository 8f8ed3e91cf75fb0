"""Decides which of the allowed languages a recording is spoken in, from the probabilities of several windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.voicemail.activity import Span

KNOWN_FROM = 0.5  # below this the allowed languages together are less likely than all others: unknown
SURE_FROM = 0.8
MIXED_SHARE = 0.2  # of the speech, surely in a second language
SHORTEST_SURE_S = 1.0
CLEAR_SHARE = 0.7  # of one allowed language among the allowed ones, for a region to be decoded in it
OTHER_FROM = 0.8  # a language that is not allowed, this likely in a region, is what is spoken there
SHORTEST_OTHER_S = 2.0


@dataclass(frozen=True)
class HeardWindow:
    """What the recogniser thinks of one window: the probability of every language it knows."""

    span: Span
    speech_s: float
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class SpokenLanguage:
    """`language` is an allowed one, `mixed` or `unknown`."""

    language: str
    confidence: float
    evidence: dict[str, object]


def decide(heard: Sequence[HeardWindow], allowed: Sequence[str]) -> SpokenLanguage:
    """One language for the recording. Windows count by the speech they hold."""
    if not heard:
        return SpokenLanguage("unknown", 0.0, {"windows": []})
    total = sum(window.speech_s for window in heard) or 1.0
    mass = {
        language: sum(window.probabilities.get(language, 0.0) * window.speech_s for window in heard) / total
        for language in allowed
    }
    known = sum(mass.values())
    first = likeliest(mass, allowed)
    sure = {
        language: sum(
            window.speech_s
            for window in heard
            if window.probabilities.get(language, 0.0) >= SURE_FROM and window.speech_s >= SHORTEST_SURE_S
        )
        / total
        for language in allowed
    }
    spoken = [language for language in allowed if sure[language] >= MIXED_SHARE]
    evidence: dict[str, object] = {
        "allowed": {language: round(value, 4) for language, value in mass.items()},
        "known": round(known, 4),
        "windows": [_window_evidence(window, allowed) for window in heard],
    }
    other = _other(heard, allowed, total)
    if other is not None:
        evidence["other"] = other
    if known < KNOWN_FROM:
        return SpokenLanguage("unknown", round(max(0.0, 1 - known), 4), evidence)
    if len(spoken) > 1:
        return SpokenLanguage("mixed", round(min(1.0, sum(sure.values())), 4), evidence)
    return SpokenLanguage(first, round(min(1.0, mass[first]), 4), evidence)


def _other(heard: Sequence[HeardWindow], allowed: Sequence[str], total: float) -> dict[str, object] | None:
    """The likeliest language that is not allowed, when it is likelier than not: whoever calls back wants to know."""
    mass: dict[str, float] = {}
    for window in heard:
        for language, value in window.probabilities.items():
            if language not in allowed:
                mass[language] = mass.get(language, 0.0) + value * window.speech_s / total
    best = max(mass, key=lambda language: mass[language], default="")
    return {"language": best, "probability": round(mass[best], 4)} if best and mass[best] >= 0.5 else None


def of_region(window: HeardWindow, allowed: Sequence[str]) -> str | None:
    """The language to decode one region in: an allowed one, or another that is clearly spoken. None: not sure."""
    known = sum(window.probabilities.get(language, 0.0) for language in allowed)
    first = likeliest(window.probabilities, allowed)
    if known >= KNOWN_FROM:
        clear = window.probabilities.get(first, 0.0) >= CLEAR_SHARE * known
        return first if clear and window.speech_s >= SHORTEST_SURE_S else None
    other = max(window.probabilities, key=lambda language: window.probabilities[language], default="")
    surely_other = window.probabilities.get(other, 0.0) >= OTHER_FROM and window.speech_s >= SHORTEST_OTHER_S
    return other if surely_other and other not in allowed else None


def likeliest(probabilities: Mapping[str, float], allowed: Sequence[str]) -> str:
    """The allowed language that is more likely than the other allowed ones."""
    return max(allowed, key=lambda language: probabilities.get(language, 0.0))


def _window_evidence(window: HeardWindow, allowed: Sequence[str]) -> dict[str, object]:
    best = max(window.probabilities, key=lambda language: window.probabilities[language], default="")
    return {
        "start": round(window.span.start, 2),
        "end": round(window.span.end, 2),
        "speech_s": round(window.speech_s, 2),
        "probabilities": {language: round(window.probabilities.get(language, 0.0), 4) for language in allowed},
        "best": best,
        "best_probability": round(window.probabilities.get(best, 0.0), 4),
    }
