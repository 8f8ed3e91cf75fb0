"""What the words of one mail say: language, topic, priority and facts, without asking the store."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.tickets.facts import Found, callback_of, find, find_signed, signed_number_of
from services.tickets.priority import Triage, triage
from services.tickets.thread import bare_subject, is_reply
from services.tickets.triage.understand import topic_of
from shared import clock
from shared.calendar import day_of
from shared.language import UNKNOWN, TextEvidence, read_text
from shared.models import Message
from shared.settings import Settings

FORWARDED_LIMIT = 50_000  # characters that are read for a topic
_QUOTED_LINE = re.compile(r"^ {0,3}>.*$", re.MULTILINE)  # above an answer: somebody else's words


@dataclass(frozen=True)
class Reading:
    """What the words of one mail say. Made before any lock is taken: it costs time, and nobody waits for it."""

    text: str
    subject: str  # the author's own, without marks; '' when it is somebody else's
    language: TextEvidence
    triage: Triage
    facts: Sequence[Found]  # with their places in the mail's `text_new`, or in its `signature`

    @property
    def callback_number(self) -> str | None:
        return callback_of(self.facts)

    @property
    def signed_number(self) -> str | None:
        """Of the author, who did not ask to be called there."""
        return signed_number_of(self.facts)

    @property
    def words(self) -> str:
        """What a person is shown of it."""
        return self.text or self.subject


def read(settings: Settings, message: Message) -> Reading:
    """Pure: language, topic, priority and facts of what the author wrote; of lines they answer, nothing.

    A forwarded mail is what the author wants us to look at, so it has a say in topic and priority. Its language counts
    only when the author wrote nothing, and its facts never do: the number in it is somebody else's.
    """
    own, passed_on, own_subject = _parts(message)
    # An empty mail with a subject says what it says in its subject.
    words = own or passed_on or own_subject
    author = message.from_name if own or not passed_on else ""
    language = read_text(words, author=author)
    if own_subject and language.language == UNKNOWN and words != own_subject:
        language = read_text(f"{own_subject}.\n\n{words}", author=author)
    both = _both(own, passed_on, own_subject)
    return Reading(
        own or passed_on,
        own_subject,
        language,
        triage(topic_of(both, own_subject), both, own_subject, day_of(settings, message.received_at)),
        facts_of(settings, message),
    )


def facts_of(settings: Settings, message: Message) -> list[Found]:
    """What the author states in their own words, then what stands in the signature."""
    day = day_of(settings, message.received_at)
    said = find(_own_places(message), day)
    return [*said, *find_signed(message.signature or "", day, said)]


def get_ready(settings: Settings) -> None:
    """Load all that reading needs, so that the first mail does not wait for it."""
    words = "Hello, I smell gas. Call me at 805 555 0100 today.\n\nHola, huele a gas y me cortaron la luz. Gracias."
    message = Message(subject="Gas", from_name="", text_new=words, in_reply_to=[], references=[], forwarded=[])
    message.received_at = clock.now()
    read(settings, message)


def words_of(message: Message) -> tuple[str, str]:
    """Text and subject of a mail as its topic is read from them."""
    own, passed_on, own_subject = _parts(message)
    return _both(own, passed_on, own_subject), own_subject


def _parts(message: Message) -> tuple[str, str, str]:
    """What its author wrote, what they passed on, and the subject that is theirs."""
    answers = is_reply(message.subject, message.in_reply_to)
    own = message.text_new.strip()
    if answers:  # in a first mail «>» stands before the author's own items
        own = _QUOTED_LINE.sub("", own).strip() or own
    return own, forwarded_words(message), "" if answers else bare_subject(message.subject)


def _both(own: str, passed_on: str, own_subject: str) -> str:
    return f"{own}\n\n{passed_on}".strip() or own_subject


def _own_places(message: Message) -> str:
    """The author's own words where they stand in the text; what they answer is blank."""
    text = message.text_new
    if ">" not in text or not is_reply(message.subject, message.in_reply_to):
        return text
    own = _QUOTED_LINE.sub(lambda line: " " * len(line.group()), text)
    return own if own.strip() else text


def forwarded_words(message: Message) -> str:
    """The words of the mails that the author passed on."""
    return "\n\n".join(each.get("text", "") for each in message.forwarded or []).strip()[:FORWARDED_LIMIT]


def searchable(message: Message) -> str:
    """All that a search for this mail may know it by."""
    said = message.text_new or ("" if message.forwarded else message.text_full)
    passed_on = [
        f"{each.get('subject', '')}\n{each.get('name', '')} {each.get('address', '')}\n{each.get('text', '')}"
        for each in message.forwarded or []
    ]
    return "\n".join([message.subject, f"{message.from_name} {message.from_address}", said, *passed_on])
