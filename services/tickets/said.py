"""What the mails of a ticket say together: a matter of what they are, never of the order in which they came in. Pure.

Mails are taken in in nearly any order: after an outage, from two mailboxes, replayed from the dead letters. Each says
something of language, topic and urgency by itself, which is kept in its intake row; here it is weighed in the order in
which people wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.tickets.intake_reading import Reading
from services.tickets.priority import URGENCY
from services.tickets.topics import EMERGENCY, OTHER
from shared.language import CLEAR, UNKNOWN, LanguageDecision
from shared.models import Level, Priority

# A Date header further from the arrival than this tells of a wrong clock.
BELIEVED = timedelta(days=7)


@dataclass(frozen=True)
class Said:
    """What one mail says for its ticket."""

    language: str
    confidence: float
    topic: str
    level: Level
    priority: Priority
    raised: bool  # its priority, by its words whatever the topic
    number: str | None = None  # at which its author wants to be called
    signed: str | None = None  # that stands below it
    also: tuple[str, ...] = ()  # further topics
    version: str | None = None  # of what read its language

    @classmethod
    def of(cls, reading: Reading, decision: LanguageDecision) -> "Said":
        now = reading.triage
        number = reading.callback_number
        version = decision.evidence.get("version")
        return cls(
            decision.language,
            decision.confidence,
            now.topic,
            now.level,
            now.priority,
            now.raised,
            number,
            reading.signed_number,
            now.also,
            version,
        )

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Said":
        return cls(
            **{
                **kept,
                "level": Level(kept["level"]),
                "priority": Priority(kept["priority"]),
                "also": tuple(kept.get("also", ())),
            }
        )

    def as_json(self) -> dict[str, Any]:
        kept: dict[str, Any] = {
            "language": self.language,
            "confidence": round(self.confidence, 3),
            "topic": self.topic,
            "level": self.level.value,
            "priority": self.priority.value,
            "raised": self.raised,
        }
        if self.number is not None:
            kept["number"] = self.number
        if self.signed is not None:
            kept["signed"] = self.signed
        if self.also:
            kept["also"] = list(self.also)
        if self.version is not None:
            kept["version"] = self.version
        return kept


@dataclass(frozen=True)
class Mail:
    """One mail of a person on a ticket. `uid`: its lowest in a mailbox, 0 if unknown."""

    message_id: int
    said: Said
    subject: str
    sent_at: datetime | None
    received_at: datetime
    uid: int
    blob: str
    rfc_message_id: str | None = None
    answers: tuple[str, ...] = ()  # Message-IDs

    @property
    def written(self) -> tuple[datetime, datetime, int]:
        """When, as far as can be told: the author's clock unless it is plainly wrong, then the server's, then the place
        in the mailbox. Both clocks count in seconds."""
        plausible = self.sent_at is not None and self.received_at - BELIEVED <= self.sent_at <= self.received_at
        return self.sent_at if plausible and self.sent_at else self.received_at, self.received_at, self.uid


@dataclass(frozen=True)
class Together:
    """What they say together. `language`, `topic`: the mail that decides it."""

    first: Mail
    language: Mail | None  # none of them tells
    topic: Mail
    priority: Priority
    number: str | None


def in_order(mails: Sequence[Mail]) -> list[Mail]:
    """As they were written: by their dates, and an answer after what it answers whatever the dates claim."""
    by_id: dict[str, Mail] = {}
    for mail in sorted(mails, key=lambda each: each.blob):  # two may carry one Message-ID
        if mail.rfc_message_id:
            by_id.setdefault(mail.rfc_message_id, mail)
    ranks: dict[int, tuple[tuple[datetime, datetime, int], int]] = {}

    def rank(mail: Mail, below: frozenset[int]) -> tuple[tuple[datetime, datetime, int], int]:
        if mail.message_id not in ranks:
            highest = (mail.written, 0)
            for rfc_id in mail.answers:
                answered = by_id.get(rfc_id)
                if answered is not None and answered.message_id not in below:  # not in a ring, which only forgers make
                    written, depth = rank(answered, below | {answered.message_id})
                    highest = max(highest, (written, depth + 1))
            ranks[mail.message_id] = highest
        return ranks[mail.message_id]

    for mail in sorted(mails, key=lambda each: (each.written, each.blob)):  # so that a ring has one beginning
        rank(mail, frozenset((mail.message_id,)))
    return sorted(mails, key=lambda each: (ranks[each.message_id], each.blob))


def together(mails: Sequence[Mail]) -> Together | None:
    """The newest clear language counts, else the first that was told. An emergency always counts, else the first topic
    that was told. The first mail has a say in how urgent it is, the one that tells the topic, and all urgent words."""
    if not mails:
        return None
    mails = in_order(mails)
    first = mails[0]
    clear = [each for each in mails if each.said.language != UNKNOWN and each.said.confidence >= CLEAR]
    told = [each for each in mails if each.said.language != UNKNOWN]
    emergency = next((each for each in mails if each.said.topic == EMERGENCY), None)
    topic = emergency or next((each for each in mails if each.said.topic != OTHER), first)
    urgent = [first, topic, *(each for each in mails if each.said.raised)]
    return Together(
        first=first,
        language=clear[-1] if clear else next(iter(told), None),
        topic=topic,
        priority=min((each.said.priority for each in urgent), key=URGENCY.index),
        number=next(
            (
                number
                for number in (*(each.said.number for each in mails), *(each.said.signed for each in mails))
                if number
            ),
            None,
        ),
    )
