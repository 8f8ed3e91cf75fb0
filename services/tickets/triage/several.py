"""Further topics of one message: what a sentence of it says by itself and surely, beside what the whole is about.

That the model is in two minds about a text does not make it about two things: of further topics taken from the shares
of the whole text, two in three were wrong on the writers kept for choosing. So each sentence is read alone, and a topic
counts only if a sentence is surely about it and the whole text has at least a trace of it. `training/several.py` shows
what the two limits do; docs/decisions/0033 says how they were chosen.
"""

import re

from services.tickets.topics import EMERGENCY, OTHER
from services.tickets.triage.ideas import MAX_CHARACTERS
from services.tickets.triage.model import Model, Understanding

TRACE = 0.05  # share of the whole text below which a sentence about it is chance, and nothing more is read
SURE = 0.9  # share of one sentence
MAX_PARTS = 12
MOST = 2  # further topics of one message
_ENDS = re.compile(
    r"(?<=[.!?;])\s+|\n+|,?\s+(?=(?:also|another thing|by the way|adem[aá]s|tambi[eé]n|otra cosa|por cierto)\b)",
    re.IGNORECASE,
)
_MIN_WORDS = 4


def parts(text: str) -> list[str]:
    """The sentences that are long enough to be about something, from the start."""
    found = (piece.strip() for piece in _ENDS.split(text[:MAX_CHARACTERS]) if piece)
    return [piece for piece in found if len(piece.split()) >= _MIN_WORDS][:MAX_PARTS]


def further(
    model: Model, understood: Understanding, topic: str, text: str, *, trace: float = TRACE, sure: float = SURE
) -> tuple[str, ...]:
    """Topics beside `topic`, the surest first. Pure; costs nothing where the whole text has no trace of another."""
    traces = {key for key, share in understood.shares.items() if share >= trace} - {topic, OTHER, EMERGENCY}
    sentences = parts(text) if traces else []
    if len(sentences) < 2:
        return ()
    best: dict[str, float] = {}
    for said in map(model.understand, sentences):
        if said.topic in traces and said.confidence >= sure:
            best[said.topic] = max(best.get(said.topic, 0.0), said.confidence)
    return tuple(sorted(best, key=lambda key: (-best[key], key))[:MOST])
