"""Which ticket a mail belongs to: the order of the evidence, and who may join. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# «Re:», «RV:», «AW:», «Fwd:»… in many languages, with counters and in any number, are not part of a subject.
# «Ref:» is not among them: that is how people in both our languages begin the number of their bill.
_ANSWERED = "re|r|rv|res|resp|réf|rif|aw|antw|antwort|sv|vs|vá|odp|ynt|atb|απ|σχετ|回复|答复|回覆"
_FORWARDED = "fw|fwd|wg|tr|trs|enc|i|vb|vl|rvd|reenv|reenviado|pd|doorst|ilt|πρθ|转发|轉寄"
_COUNTED = r"(?:\s*[\[(]\d+[\])])?\s*[:：]\s*"
_PREFIX = re.compile(rf"^\s*(?:{_ANSWERED}|{_FORWARDED}){_COUNTED}", re.IGNORECASE)
_REPLY = re.compile(rf"^\s*(?:{_ANSWERED}){_COUNTED}", re.IGNORECASE)
_NUMBER = re.compile(r"\[#\s?(\d{1,12})\]")
_BY_ID = ("in_reply_to", "references")
MAX_REFERENCES = 50  # the newest; the first is kept too, it names the thread


@dataclass(frozen=True)
class Candidate:
    """A ticket that some evidence in a mail points to."""

    ticket_id: int
    by: str  # token, in_reply_to, references, subject
    follows: bool = field(default=False, compare=False)  # not itself named: it was opened because of one that is


@dataclass(frozen=True)
class Placement:
    """Join `ticket_id`, or open a new ticket, linked to `linked_to` when the mail pointed to one it may not join."""

    ticket_id: int | None
    by: str = ""
    linked_to: int | None = None
    why: str = ""  # of a link: stranger, closed_long_ago
    also: tuple[int, ...] = ()  # other tickets of the sender that the mail answers too


@dataclass(frozen=True)
class Known:
    """What the store knows of everything a mail points to. Tickets are named by their numbers.

    `of_ids`: Message-ID → the tickets of our deliveries with it, then those of mails with it, oldest first: two mails
    may carry the same. `merged`: a ticket → the one in which it goes on. `split_from`: a ticket → the one on which its
    first entries stood. `followed_by`: a ticket → those that were opened because they could not join it, newest first.
    """

    of_token: int | None = None
    of_ids: Mapping[str, Sequence[int]] | None = None
    existing: Collection[int] = ()
    merged: Mapping[int, int] | None = None
    split_from: Mapping[int, int] | None = None
    followed_by: Mapping[int, Sequence[int]] | None = None


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


def evidence(
    known: Known, *, in_reply_to: Sequence[str], references: Sequence[str], number: int | None
) -> list[Candidate]:
    """The tickets a mail points to, strongest first, each once, as the tickets in which they go on today.

    The token of our reply address comes first, then the Message-IDs, then the number in the subject. One thing is
    stronger than a token: it names the ticket of the day it was given out, and when the very mail that is answered was
    split from that ticket since, the answer follows the mail. What followed a ticket that could not be joined comes
    last: whoever answers an old mail twice goes on where the first answer went.
    """
    merged, of_ids = known.merged or {}, known.of_ids or {}
    answered = set(in_reply_to)
    by_id = [
        Candidate(ticket_id, "in_reply_to" if rfc_id in answered else "references")
        for rfc_id in quoted_ids(in_reply_to, references)
        for ticket_id in of_ids.get(rfc_id, ())
    ]
    found: list[Candidate] = []
    if known.of_token is not None:
        token_s = {known.of_token, merged.get(known.of_token, known.of_token)}
        found += [
            Candidate(each.ticket_id, "token")
            for each in by_id
            if token_s & _split_from(each.ticket_id, known.split_from or {})
        ]
        found.append(Candidate(known.of_token, "token"))
    found += by_id
    if number is not None:
        found.append(Candidate(number, "subject"))
    today = [
        Candidate(merged.get(each.ticket_id, each.ticket_id), each.by)
        for each in found
        if each.ticket_id in known.existing
    ]
    followers = [
        Candidate(follower, each.by, follows=True)
        for each in today
        for follower in (known.followed_by or {}).get(each.ticket_id, ())
    ]
    first: dict[int, Candidate] = {}
    for each in (*today, *followers):
        first.setdefault(each.ticket_id, each)
    return list(first.values())


def _split_from(ticket_id: int, split_from: Mapping[int, int]) -> set[int]:
    """The tickets that it was split from, however often."""
    found: set[int] = set()
    while (parent := split_from.get(ticket_id)) is not None and parent not in found:
        found.add(parent)
        ticket_id = parent
    return found


def place(
    candidates: Iterable[Candidate],
    participates: set[int],
    closed: dict[int, datetime],
    *,
    at: datetime,
    reopen_days: float,
) -> Placement:
    """The first candidate that the sender takes part in and that is not long closed.

    Without one, a new ticket: linked to what is long closed, else, for a stranger, to what was quoted first.
    """
    candidates = list(candidates)
    first: Candidate | None = None
    late: Candidate | None = None
    for candidate in candidates:
        first = first or candidate
        if candidate.ticket_id not in participates:
            continue
        closed_at = closed.get(candidate.ticket_id)
        if closed_at is None or at - closed_at <= timedelta(days=reopen_days):
            answered = {each.ticket_id for each in candidates if each.by in _BY_ID and not each.follows} & participates
            return Placement(candidate.ticket_id, candidate.by, also=tuple(sorted(answered - {candidate.ticket_id})))
        late = late or candidate
    if late is not None:
        return Placement(None, late.by, late.ticket_id, "closed_long_ago")
    if first is None:
        return Placement(None)
    return Placement(None, first.by, first.ticket_id, "stranger")


def extend_references(references: Sequence[str], message_id: str | None) -> list[str]:
    """References of an answer to a mail: its own, then its Message-ID, without repetition and not endless."""
    chain = list(dict.fromkeys([*references, *([message_id] if message_id else [])]))
    return chain if len(chain) <= MAX_REFERENCES else [chain[0], *chain[-(MAX_REFERENCES - 1) :]]
