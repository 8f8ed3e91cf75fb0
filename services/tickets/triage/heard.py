"""What the trained model hears of urgency where rules find nothing: people say it in words that nobody foresaw.

«I have put my papers in order and left the cat with the neighbor» has no word that a rule could wait for. Each kind has
an alarm of its own, which few messages of other matters reach (`training/urgent.py`). The sentence that speaks for it
most is shown, since no single word does.
"""

import re
from typing import Any

from services.tickets.triage.features import document
from services.tickets.triage.ideas import MAX_CHARACTERS
from services.tickets.triage.model import Model, Understanding
from services.tickets.urgency.find import Finding, Signs
from services.tickets.urgency.kinds import Kind
from services.tickets.urgency.quotes import Quote, quote_of

RULE = "heard"  # in place of a rule's name
FIRM = 0.95  # the least probability of what the rules saw signs of and took back («was shut off last year»)
# Journalists say who they are in words that rules know: of 28 held-out ones they find all. What a model of so few
# learned beside that is above all politeness («my name is …, I would like to speak with somebody»).
LEAST = {Kind.PRESS.value: 0.97}
MAX_SENTENCES = 24
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_AT_MOST = 30  # words that are quoted of what has no ends of sentences, as transcripts have none


def heard(model: Model, understood: Understanding, text: str, subject: str = "") -> list[dict[str, Any]]:
    """Kinds above their alarm (and LEAST), each with its probability and the words that speak for it most."""
    found = []
    for kind, probability in understood.urgent.items():
        if probability < LEAST.get(kind, 0.0):
            continue
        quote = _quote(model, kind, text, "text") if text.strip() else _quote(model, kind, subject, "subject")
        found.append({"kind": kind, "probability": round(probability, 2), **quote.as_json()})
    return found


def joined(signs: Signs, heard: list[dict[str, Any]]) -> tuple[Finding, ...]:
    """What the rules found, and what the model heard beside it, the most urgent first."""
    more = [
        Finding(kind, RULE, (Quote(each["part"], each["start"], each["end"], each["words"]),))
        for each in heard
        if (kind := Kind(each["kind"])) not in signs.kinds
        and (kind not in signs.taken_back or each["probability"] >= FIRM)
        and not (kind is Kind.PRESS and Kind.REGULATOR in signs.kinds)
    ]
    order = list(Kind)
    return tuple(sorted([*signs.findings, *more], key=lambda each: order.index(each.kind)))


def _quote(model: Model, kind: str, text: str, part: str) -> Quote:
    pieces = _pieces(text[:MAX_CHARACTERS])[:MAX_SENTENCES]
    start, end = max(pieces, key=lambda piece: model.urgency(kind, model.weighting(document(text[slice(*piece)]))))
    return quote_of(part, text, start, end)


def _pieces(text: str) -> list[tuple[int, int]]:
    """Where sentences stand; long ones in parts."""
    found = []
    for sentence in _SENTENCE.finditer(text):
        words = list(re.finditer(r"\S+", sentence.group()))
        for at in range(0, len(words), _AT_MOST):
            part = words[at : at + _AT_MOST]
            found.append((sentence.start() + part[0].start(), sentence.start() + part[-1].end()))
    return found or [(0, len(text))]
