"""Finding thousands of phrases in one walk finds what looking for each of them by itself finds."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import islice

from hypothesis import example, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from services.tickets.topics import MAX_REPEATS, Phrases, normalised
from services.tickets.triage.ideas import found_in, vocabulary
from training.samples import corpus

GROUPS = {
    "fire": ("fire", "on fire", "house is on fire", "incendi*"),
    "bill": ("bill", "bills are", "my bill is", "账单", "% off", "pg&e", "don't pay"),
    "both": ("bill", "fire", "is on"),
}
PIECES = [
    *(phrase.rstrip("*") for phrases in GROUPS.values() for phrase in phrases),
    *("s", "es", "x", " ", " ", "-", "_", "3", "我", "o", "incendios", "\n", ".", "'"),
]


@cache
def pattern_of(phrase: str) -> re.Pattern[str]:
    plain = normalised(phrase.rstrip("*"))
    if not plain.isascii():
        return re.compile(re.escape(plain))
    end = "" if phrase.endswith("*") else "(?:e?s)?(?![^\\W_])"
    return re.compile(f"(?<![^\\W_]){re.escape(plain)}{end}")


def one_by_one(groups: Mapping[str, Iterable[str]], text: str) -> dict[str, list[str]]:
    """As said: at word boundaries, a star ends a stem, a plural may follow; what lies within another is left out."""
    found = {}
    for name, phrases in groups.items():
        spans = set()
        for phrase in phrases:
            spans |= {match.span() for match in islice(pattern_of(phrase).finditer(text), MAX_REPEATS)}
        whole = [a for a in sorted(spans) if not any(b[0] <= a[0] and a[1] <= b[1] and a != b for b in spans)]
        if whole:
            found[name] = list(dict.fromkeys(text[start:end] for start, end in whole))
    return found


@tries(max_examples=100, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=30))
@example(pieces=["bill "] * 30)
@example(pieces=["\ud800", "bill"])
def test_any_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = Phrases(GROUPS).found_in(text)
    assert list(found.items()) == list(one_by_one(GROUPS, text).items()), "also in the same order"


def test_the_shipped_ideas_in_what_people_wrote() -> None:
    for sample in corpus()[::150]:
        text = normalised(f"{sample.subject} · {sample.text}")
        assert list(found_in(text).items()) == list(one_by_one(vocabulary(), text).items())
