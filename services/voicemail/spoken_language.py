"""Decides which of the allowed languages a recording is spoken in, from the probabilities of several windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.voicemail.activity import Span

KNOWN_FROM = 0.5  # below this the allowed languages together are less likely than all others: unknown
SURE_FROM = 0.8
MIXED_SHARE = 0.2  # of the speech, surely in a second language
SHORTEST_SURE_S = 1.0


@dataclass(frozen=True)
class HeardWindow:
    """What the recogniser thinks of one window: the probability of every language it knows."""

    span: Span
    speech_s: float
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class SpokenLanguage:
    """`language` is an allowed one, `mixed` or `unknown`; `decode_in` the one for each window, in their order."""

    language: str
    confidence: float
    decode_in: tuple[str, ...]
    evidence: dict[str, object]


def decide(heard: Sequence[HeardWindow], allowed: Sequence[str]) -> SpokenLanguage:
    """One language for the recording. Windows count by the speech they hold."""
    if not heard:
        return SpokenLanguage("unknown", 0.0, (), {"windows": []})
    total = sum(window.speech_s for window in heard) or 1.0
    mass = {
        language: sum(window.probabilities.get(language, 0.0) * window.speech_s for window in heard) / total
        for language in allowed
    }
    known = sum(mass.values())
    first = max(allowed, key=lambda language: mass[language])
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
    if known < KNOWN_FROM:
        return SpokenLanguage("unknown", round(max(0.0, 1 - known), 4), (first,) * len(heard), evidence)
    if len(spoken) > 1:
        each = tuple(max(allowed, key=lambda language: window.probabilities.get(language, 0.0)) for window in heard)
        return SpokenLanguage("mixed", round(min(1.0, sum(sure.values())), 4), each, evidence)
    return SpokenLanguage(first, round(min(1.0, mass[first]), 4), (first,) * len(heard), evidence)


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
