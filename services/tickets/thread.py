"""Which ticket a mail belongs to: the order of the evidence, and who may join. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# «Re:», «RV:», «AW:», «Fwd:»… in many languages, with counters and in any number, are not part of a subject.
_PREFIX = re.compile(
    r"^\s*(?:(?:re|r|rv|res|resp|rif|aw|antw|antwort|sv|vs|vá|odp|ynt|ref|回复|答复|回覆)(?:\s*[\[(]\d+[\])])?\s*[:：]\s*"
    r"|(?:fw|fwd|wg|tr|enc|i|vb|vl|rvd|reenv|reenviado|转发|轉寄)(?:\s*[\[(]\d+[\])])?\s*[:：]\s*)",
    re.IGNORECASE,
)
_REPLY = re.compile(
    r"^\s*(?:re|r|rv|res|resp|rif|aw|antw|antwort|sv|vs|odp|ynt|ref|回复|答复)(?:\s*[\[(]\d+[\])])?\s*[:：]",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\[#\s?(\d{1,12})\]")
MAX_REFERENCES = 50  # the newest; the first is kept too, it names the thread


@dataclass(frozen=True)
class Candidate:
    """A ticket that some evidence in a mail points to."""

    ticket_id: int
    by: str  # token, in_reply_to, references, subject


@dataclass(frozen=True)
class Placement:
    """Join `ticket_id`, or open a new ticket, linked to `linked_to` when the mail pointed to one it may not join."""

    ticket_id: int | None
    by: str = ""
    linked_to: int | None = None
    why: str = ""  # of a link: stranger, closed_long_ago


def bare_subject(subject: str) -> str:
    """The subject without reply and forward marks and without our ticket number."""
    subject = _NUMBER.sub(" ", subject[:1000])
    while True:
        shorter = _PREFIX.sub("", subject, count=1)
        if shorter == subject:
            return " ".join(subject.split())
        subject = shorter


def is_reply(subject: str, in_reply_to: Sequence[str]) -> bool:
    """Whether the subject is somebody else's: then it says nothing about what this author wants."""
    return bool(in_reply_to) or _REPLY.match(subject) is not None


def subject_number(subject: str) -> int | None:
    """The ticket number people quote in brackets. Only ever a hint: anybody can write one."""
    found = _NUMBER.search(subject[:1000])
    return int(found.group(1)) if found else None


def quoted_ids(in_reply_to: Sequence[str], references: Sequence[str]) -> list[str]:
    """The Message-IDs a mail quotes, strongest evidence first: In-Reply-To, then References from the newest."""
    newest = list(reversed(references))
    if len(newest) > MAX_REFERENCES:
        newest = [*newest[: MAX_REFERENCES - 1], newest[-1]]
    return list(dict.fromkeys([*in_reply_to[:MAX_REFERENCES], *newest]))


def place(
    candidates: Iterable[Candidate],
    participates: set[int],
    closed: dict[int, datetime],
    *,
    at: datetime,
    reopen_days: float,
) -> Placement:
    """The first candidate that the sender takes part in; a stranger gets a new ticket, linked to what was quoted."""
    first: Candidate | None = None
    for candidate in candidates:
        first = first or candidate
        if candidate.ticket_id not in participates:
            continue
        closed_at = closed.get(candidate.ticket_id)
        if closed_at is not None and at - closed_at > timedelta(days=reopen_days):
            return Placement(None, candidate.by, candidate.ticket_id, "closed_long_ago")
        return Placement(candidate.ticket_id, candidate.by)
    if first is None:
        return Placement(None)
    return Placement(None, first.by, first.ticket_id, "stranger")


def extend_references(references: Sequence[str], message_id: str | None) -> list[str]:
    """References of an answer to a mail: its own, then its Message-ID, without repetition and not endless."""
    chain = list(dict.fromkeys([*references, *([message_id] if message_id else [])]))
    return chain if len(chain) <= MAX_REFERENCES else [chain[0], *chain[-(MAX_REFERENCES - 1) :]]
