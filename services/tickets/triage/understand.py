"""What a text is about and whether it cannot wait: the model's word and the phrases' word, weighed.

The phrases are few and sure: where the model is in two minds, a topic's own phrase decides. An emergency is what the
model takes for one or the rules find (urgency/dangers.py), for a miss is worse than a false alarm and they miss
different things. Where the rules see its signs and take each back («was repaired in May»), the model must be firm.
Evidence holds the words that spoke for it, what the model believed, and the model's version.
"""

from typing import Any

from services.tickets.topics import EMERGENCY, OTHER, TopicMatch, emergency_phrases, weighed
from services.tickets.triage.features import document
from services.tickets.triage.heard import heard
from services.tickets.triage.ideas import TOPIC
from services.tickets.triage.model import Model, Understanding, model
from services.tickets.triage.several import further
from services.tickets.urgency.dangers import Said, dangers

PHRASE = 0.2  # what a topic's own phrase is worth beside the model's share for it
FIRM = 0.85  # the least danger of an alarm that the rules doubt; chosen on the writers that are kept for choosing
FOUND = 0.95  # how sure an emergency is at least that the rules find: so many were ones, on those writers
EXCERPT = 60  # characters of a text that no single word explains


def topic_of(text: str, subject: str = "", using: Model | None = None) -> TopicMatch:
    """Topic, further topics and evidence of a message; emergencies first.

    `subject` is what the author put there, empty for a reply, whose subject is somebody else's. `using`: where it is
    not the model of this process.
    """
    using = using or model()
    if not text.strip() and not subject.strip():
        return TopicMatch(OTHER, evidence={})
    read = document(text, subject)
    understood = using.understand_document(read)
    topics = {name.removeprefix(TOPIC): words for name, words in read.ideas.items() if name.startswith(TOPIC)}
    said = dangers(text, subject)
    if _is_danger(using, understood, said):
        evidence = _danger_evidence(understood, said, text or subject)
        return TopicMatch(EMERGENCY, (), {**evidence, **_urgent(using, understood, text, subject)})
    phrases = weighed(topics)
    shares = {topic: share for topic, share in understood.shares.items() if topic != EMERGENCY}
    if phrases.topic not in (OTHER, EMERGENCY):
        shares[phrases.topic] = shares.get(phrases.topic, 0.0) + PHRASE
    topic = max(shares, key=lambda each: (shares[each], each), default=OTHER)
    words = _words(phrases, topic) or list(understood.reasons if topic == understood.topic else ())
    evidence = {
        **understood.as_json(),
        "phrases": {topic: words} if words else {},
        "confidence": round(min(shares.get(topic, understood.confidence), 0.99), 2),
        "priorities": {name: round(share, 3) for name, share in using.priorities(understood, topic).items()},
        **_urgent(using, understood, text, subject),
    }
    return TopicMatch(topic, further(using, understood, topic, text) if topic != OTHER else (), evidence)


def _urgent(using: Model, understood: Understanding, text: str, subject: str) -> dict[str, Any]:
    said = heard(using, understood, text, subject)
    return {"heard": said} if said else {}


def _is_danger(using: Model, understood: Understanding, said: Said) -> bool:
    if said.dangers:
        return True
    return understood.danger >= (max(using.alarm, FIRM) if said.doubtful else using.alarm)


def _danger_evidence(understood: Understanding, said: Said, text: str) -> dict[str, Any]:
    words = list(dict.fromkeys(each.quote.words for each in said.dangers)) or emergency_phrases(text)
    words = words or list(understood.reasons if understood.emergency else ()) or [_excerpt(text)]
    confidence = max(understood.danger, FOUND if said.dangers else 0.0)
    evidence = {**understood.as_json(), "phrases": {EMERGENCY: words}, "confidence": round(confidence, 2)}
    return {**evidence, "dangers": [each.as_json() for each in said.dangers]} if said.dangers else evidence


def _words(phrases: TopicMatch, topic: str) -> list[str]:
    return list(phrases.evidence.get("phrases", {}).get(topic, []))


def _excerpt(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= EXCERPT else f"{words[:EXCERPT].rsplit(' ', 1)[0]}…"
