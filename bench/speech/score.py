"""Compares what was said with what was heard."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.speech.messages import KEYWORDS, Message
from services.tickets.callers.facts import Fact
from services.voicemail.doubt import plain


@dataclass
class Score:
    """Sums over messages."""

    messages: int = 0
    languages: int = 0
    keywords: int = 0
    keywords_heard: int = 0
    digits: int = 0
    words: int = 0
    errors: int = 0
    # What a CSR is offered to call: the caller's number; one that is marked as doubtful; none; one that nobody said,
    # unmarked, whatever stands beside it.
    offered: int = 0
    doubted: int = 0
    missed: int = 0
    misled: int = 0

    def add(self, message: Message, text: str, language: str) -> None:
        said, heard = plain(message.text).split(), plain(text).split()
        wanted = [word for word in said if word in KEYWORDS]
        self.messages += 1
        self.languages += language == message.language
        self.keywords += len(wanted)
        self.keywords_heard += len(wanted) - sum(max(0, wanted.count(w) - heard.count(w)) for w in set(wanted))
        self.digits += message.digits in "".join(c for c in text if c.isdigit())
        self.words += len(said)
        self.errors += word_errors(said, heard)

    def add_callbacks(self, message: Message, callbacks: Sequence[Fact]) -> None:
        """What the ticket notes as numbers to call back."""
        told = {f"+1{digits}" for digits in (message.digits, *message.earlier)}
        if any(fact.value not in told and not fact.doubts for fact in callbacks):
            self.misled += 1
        elif any(fact.value == f"+1{message.digits}" for fact in callbacks):
            self.offered += 1
        elif not callbacks:
            self.missed += 1
        else:
            self.doubted += 1

    def __str__(self) -> str:
        return (
            f"language {self.languages}/{self.messages}, keywords {100 * self.keywords_heard / self.keywords:.0f} %, "
            f"ten digits exact {self.digits}/{self.messages}, word error rate {self.errors / self.words:.2f}"
        )

    def callbacks(self) -> str:
        return (
            f"right {self.offered}, another but marked as doubtful {self.doubted}, none {self.missed}, "
            f"another and unmarked {self.misled}"
        )


def word_errors(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Insertions, deletions and substitutions between two texts."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(reference, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (word != other))
    return row[-1]
