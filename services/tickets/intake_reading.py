"""What the words of one mail say: language, topic, priority and facts, without asking the store."""

from dataclasses import dataclass

from services.tickets.facts import Facts, find_facts
from services.tickets.priority import Triage, triage
from services.tickets.thread import bare_subject, is_reply
from services.tickets.topics import match_topic
from shared.language import UNKNOWN, TextEvidence, read_text
from shared.models import Message


@dataclass(frozen=True)
class Reading:
    """What the words of one mail say. Made before any lock is taken: it costs time, and nobody waits for it."""

    text: str
    subject: str  # the author's own, without marks; '' when it is somebody else's
    language: TextEvidence
    triage: Triage
    facts: Facts


def read(message: Message) -> Reading:
    """Pure: language, topic, priority and facts of the new text."""
    text = message.text_new.strip()
    own_subject = "" if is_reply(message.subject, message.in_reply_to) else bare_subject(message.subject)
    # An empty mail with a subject says what it says in its subject.
    words = text or own_subject
    language = read_text(words)
    if own_subject and language.language == UNKNOWN and words != own_subject:
        language = read_text(f"{own_subject}.\n\n{words}")
    return Reading(
        text, own_subject, language, triage(match_topic(words, own_subject), words, own_subject), find_facts(text)
    )
