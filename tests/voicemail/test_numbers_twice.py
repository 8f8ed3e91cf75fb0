"""A number that is heard twice: what both hearings say is sure, what they differ in is marked, the surer one stands."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from services.tickets.callers.facts import Doubt, Kind
from services.tickets.callers.listen import listen
from services.tickets.callers.words import of_segments
from services.voicemail import numbers
from services.voicemail.engine import Segment
from services.voicemail.engines import Look
from services.voicemail.hearing import Recogniser
from services.voicemail.vocabulary import Vocabulary
from tests.voicemail.conftest import ENGLISH, speak
from tests.voicemail.test_second_tries import BOTH, Scripted

NUMBER = "7 0 7 2 8 6 3 9 1 4"


def said(text: str, *, start: float = 0.0, surely: float | dict[int, float] = 0.9, **values: Any) -> Segment:
    """`surely`: the probability of every word, or of single ones by their place."""
    words = [
        {
            "word": word, "start": start + place / 2, "end": start + place / 2 + 0.4,
            "probability": surely.get(place, 0.9) if isinstance(surely, dict) else surely,
        }
        for place, word in enumerate(text.split())
    ]  # fmt: skip
    made = {"start": start, "end": start + len(words) / 2, "text": text, "language": "en", "words": words, "flags": []}
    return {**made, "in_text": True, **values}


def callback(segments: Sequence[Segment]) -> tuple[str, tuple[Doubt, ...], tuple[int, ...]]:
    (fact,) = listen(of_segments(segments)).of(Kind.CALLBACK)
    return fact.value, fact.doubts, fact.unclear_digits


def test_what_both_hearings_say_is_sure_though_one_was_not() -> None:
    first, again = [said(NUMBER, surely={3: 0.2}, flags=["doubtful_digits"])], [said(NUMBER, surely={7: 0.8})]
    (segment,), _ = numbers.settled(first, again)
    assert callback([segment]) == ("+17072863914", (), ())
    assert segment["flags"] == []
    assert segment["words"][3]["readings"] == [0.9, 0.2]  # of the surer one, and of the other
    assert first[0]["words"][3]["probability"] == 0.2  # nothing given is changed


def test_a_digit_of_which_neither_hearing_is_sure_stays_doubtful() -> None:
    settled, _ = numbers.settled([said(NUMBER, surely={3: 0.2})], [said(NUMBER, surely={3: 0.4})])
    assert callback(settled) == ("+17072863914", (Doubt.UNCLEAR,), (4,))
    assert settled[0]["flags"] == ["doubtful_digits"]


@pytest.mark.parametrize(
    ("again", "unclear"),
    [
        ("7 0 7 2 8 0 3 9 1 4", (6,)),  # one taken for another
        ("7 0 7 2 8 3 9 1 4", (6,)),  # one lost
        ("7 0 7 2 8 6 6 3 9 1 4", (6, 7)),  # one more, between those two
        ("7 0 7 2 8 6 3 9 1 4 4", (10,)),
        ("", tuple(range(1, 11))),
    ],
)
def test_what_the_hearings_differ_in_is_marked_however_sure_both_are(again: str, unclear: tuple[int, ...]) -> None:
    settled, other = numbers.settled([said(NUMBER, surely=0.99)], [said(again, surely=0.95)] if again else [])
    value, doubts, digits = callback(settled)
    assert (value, doubts) == ("+17072863914", (Doubt.UNCLEAR,))
    assert len(digits) == len(unclear)
    assert {*digits} <= {*unclear, *(place + 1 for place in unclear)}  # of two like digits either may be the lost one
    assert [each["text"] for each in other] == ([again] if again else [])


def test_the_surer_hearing_stands_and_is_marked_where_they_differ() -> None:
    first, again = said("My number is 7 0 7 2 8 8 3 9 1 4", surely=0.6), said("My number is " + NUMBER)
    settled, other = numbers.settled([first], [again])
    assert settled[0]["text"] == again["text"]
    assert other == [first]
    assert callback(settled) == ("+17072863914", (Doubt.UNCLEAR,), (6,))
    # One that lost most of the number is no number, however sure it is of the rest.
    assert numbers.settled([first], [said("My number is 7 0 7", surely=1.0)])[1][0]["text"] == "My number is 7 0 7"


def test_groups_of_digits_are_compared_digit_by_digit() -> None:
    """Whisper writes numbers as it likes, and gives its words as it likes."""
    settled, _ = numbers.settled([said("Call 707-286 -3914.")], [said("Call 707 286 39 15", surely=0.7)])
    assert [word.get("readings") for word in settled[0]["words"]] == [None, [0.9, 0.7], [0.9, 0.0]]
    assert callback(settled) == ("+17072863914", (Doubt.UNCLEAR,), (7, 8, 9, 10))


@tries(max_examples=100)
@given(st.lists(st.text("0123456789", min_size=7, max_size=12), min_size=2, max_size=2), st.floats(0.5, 1.0))
def test_two_hearings_that_differ_never_leave_a_number_unmarked(both: list[str], surely: float) -> None:
    first, again = ([said(" ".join(digits), surely=surely)] for digits in both)
    (segment,), _ = numbers.settled(first, again)
    assert (segment["flags"] == []) is (both[0] == both[1])


def test_only_long_numbers_are_heard_again_each_once() -> None:
    segments = [
        said("Since May 5 2024.", start=-4),
        said("My number is 7 0 7", start=5), said("2 8 6", start=11), said("3 9 1 4", start=13),
        said("Thank you.", start=16),
        said("Again 7 0 7 2 8 6 3 9 1 4", start=18),
        said("Not " + NUMBER, start=26, in_text=False),
        said("7 0 7", start=40), said("2 8 6", start=50), said("3 9 1 4", start=60),  # too far apart
        said(NUMBER, start=80, language="es"), said(NUMBER, start=90, language="es", words=[]),
    ]  # fmt: skip
    assert numbers.told(segments) == [range(1, 4), range(5, 6), range(10, 11)]
    span = numbers.span_of(segments, range(1, 4))
    assert (span.start, span.end) == (5.0, 15.0)
    assert len(numbers.told([said(NUMBER, start=20 * place) for place in range(9)])) == numbers.MOST


def test_a_number_is_heard_again_alone_and_what_it_was_is_kept() -> None:
    decoder = Scripted(["Good morning. My number is 7 0 7 2 8 0 3 9 1 4", "My number is " + NUMBER], language="en")
    samples = np.concatenate([np.zeros(16_000, np.float32), speak("en", ENGLISH)])
    heard = Recogniser(decoder, Vocabulary({"en": ["NEM"]})).hear(samples, BOTH)
    assert [bool(prompt) for _, prompt in decoder.asked] == [True, False]  # without our hint
    assert heard.text == "Good morning. My number is 7 0 7 2 8 0 3 9 1 4"  # as sure as the other: it stays
    assert callback(heard.segments) == ("+17072803914", (Doubt.UNCLEAR,), (6,))
    assert "doubtful_digits" in heard.flags
    [region] = [each for each in heard.regions if each["kind"] == "speech"]
    [again] = region["numbers_again"]
    assert again["other_text"] == "My number is " + NUMBER
    assert 0 <= again["start"] < again["end"]


def test_a_number_without_any_length_is_heard_again_too() -> None:
    """Recognisers give such times at the edge of what they hear."""

    class AtOnce(Scripted):
        def decode(self, look: Look, language: str, prompt: str = "") -> list[Segment]:
            return [
                {**each, "end": 0.0, "words": [{**word, "start": 0.0, "end": 0.0} for word in each["words"]]}
                for each in super().decode(look, language, prompt)
            ]

    samples = np.concatenate([np.zeros(16_000, np.float32), speak("en", ENGLISH)])
    heard = Recogniser(AtOnce([NUMBER], language="en"), Vocabulary()).hear(samples, BOTH)
    assert callback(heard.segments)[:2] == ("+17072863914", (Doubt.UNCLEAR,))  # nobody speaks where it was heard again
    assert any(each.get("numbers_again") for each in heard.regions)
