"""What a text is about and whether it cannot wait: the model's word and the phrases' word, weighed.

The phrases are few and sure: where the model is in two minds, a topic's own phrase decides. An emergency is what the
model takes for one; where a phrase says so too, half as much of the model's belief is enough, for a miss is worse than
a false alarm. Evidence holds the words that spoke for it, what the model believed, and the model's version.
"""

from typing import Any

from services.tickets.topics import EMERGENCY, OTHER, TopicMatch, emergency_phrases, weighed
from services.tickets.triage.features import document
from services.tickets.triage.ideas import TOPIC
from services.tickets.triage.model import Understanding, model
from services.tickets.triage.several import further

PHRASE = 0.3  # what a topic's own phrase is worth beside the model's share for it
SAID_SO = 0.5  # of the alarm's threshold, when a phrase says emergency
EXCERPT = 60  # characters of a text that no single word explains


def topic_of(text: str, subject: str = "") -> TopicMatch:
    """Topic, further topics and evidence of a message; emergencies first.

    `subject` is what the author put there, empty for a reply, whose subject is somebody else's.
    """
    if not text.strip() and not subject.strip():
        return TopicMatch(OTHER, evidence={})
    read = document(text, subject)
    understood = model().understand_document(read)
    topics = {name.removeprefix(TOPIC): words for name, words in read.ideas.items() if name.startswith(TOPIC)}
    said = emergency_phrases(text) if EMERGENCY in topics else []  # not what only the subject says
    if _is_danger(understood, said):
        return TopicMatch(EMERGENCY, (), _danger_evidence(understood, said, text or subject))
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
    }
    return TopicMatch(topic, further(model(), understood, topic, text) if topic != OTHER else (), evidence)


def danger_words(text: str) -> list[str]:
    """What in this text says that somebody must act now. Empty: nothing does."""
    if not text.strip():
        return []
    understood, said = model().understand(text), emergency_phrases(text)
    if not _is_danger(understood, said):
        return []
    words: list[str] = _danger_evidence(understood, said, text)["phrases"][EMERGENCY]
    return words


def _is_danger(understood: Understanding, said: list[str]) -> bool:
    return understood.danger >= model().alarm * (SAID_SO if said else 1.0)


def _danger_evidence(understood: Understanding, said: list[str], text: str) -> dict[str, Any]:
    words = said or list(understood.reasons if understood.emergency else ()) or [_excerpt(text)]
    return {**understood.as_json(), "phrases": {EMERGENCY: words}, "confidence": round(understood.danger, 2)}


def _words(phrases: TopicMatch, topic: str) -> list[str]:
    return list(phrases.evidence.get("phrases", {}).get(topic, []))


def _excerpt(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= EXCERPT else f"{words[:EXCERPT].rsplit(' ', 1)[0]}…"
