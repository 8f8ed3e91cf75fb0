"""Any number said in any form is read back exactly, wherever it stands; what is no such number is not taken for one."""

import time

import pytest
from hypothesis import example, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from services.tickets.callers.facts import Doubt, Fact, Kind
from services.tickets.callers.listen import listen
from services.tickets.callers.words import of_segments, of_text
from tests.tickets.callers.forms import Spoken, numbers, one_by_one, spoken

AROUND = st.sampled_from(
    [
        ("", ""),
        ("My number is ", ". Thank you."),
        ("Mi teléfono es el ", ". Gracias."),
        ("Please call me at ", ", I am home after lunch."),
        ("Llámeme al ", " por favor."),
        ("I owe two hundred and ten dollars. Reach me on ", ". Bye."),
        ("Debo cuatrocientos dólares. Es el ", "."),
    ]
)


PIECES = [
    "oh", "one", "siete", "cuarenta", "y", "triple", "dash", "guion", "cien", "mil", "hundred", "555", "-", ",", ".",
    "no", "sorry", "again", "extension", "x", "or", "o", "my", "number", "is", "account", "plus",
]  # fmt: skip


def callbacks(said: str, caller_id: str | None = None) -> list[Fact]:
    return listen(of_text(said), caller_id).of(Kind.CALLBACK)


def values(said: str) -> list[str]:
    return [fact.value for fact in callbacks(said)]


@tries(max_examples=250)
@given(number=spoken(), around=AROUND)
@example(number=Spoken("7075550123", "siete cero siete, 555, cero uno veintitrés"), around=("", ""))
def test_a_number_in_any_form_is_read_back_exactly(number: Spoken, around: tuple[str, str]) -> None:
    (fact,) = callbacks(around[0] + number.said + around[1])
    assert fact.value == f"+1{number.number}"
    assert not {Doubt.INCOMPLETE, Doubt.TOO_MANY, Doubt.DISAGREES} & set(fact.doubts)


@tries(max_examples=50)
@given(data=st.data())
def test_two_readings_of_one_number_are_one_that_is_surer(data: st.DataObject) -> None:
    number = data.draw(numbers())
    first, second = data.draw(spoken(number)), data.draw(spoken(number))
    cue = data.draw(st.sampled_from(["Again, ", "I repeat, ", "Le repito, ", "Otra vez: "]))
    (fact,) = callbacks(f"My number is {first.said}. {cue}{second.said}.")
    assert fact.value == f"+1{number}"
    assert len(fact.places) == 2


@tries(max_examples=50)
@given(data=st.data())
def test_two_readings_that_differ_are_both_shown_and_say_so(data: st.DataObject) -> None:
    one, other = data.draw(numbers()), data.draw(numbers())
    if one == other:
        return
    first, second = data.draw(spoken(one)), data.draw(spoken(other))
    found = callbacks(f"It's {first.said}. Again, {second.said}.")
    assert [fact.value for fact in found] == [f"+1{one}", f"+1{other}"]
    assert all(Doubt.DISAGREES in fact.doubts for fact in found)


@tries(max_examples=50)
@given(data=st.data())
def test_what_the_caller_corrects_counts_and_is_remembered(data: st.DataObject) -> None:
    number = data.draw(numbers())
    language, sorry = data.draw(
        st.sampled_from([("en", "no, sorry,"), ("en", "I mean"), ("es", "perdón, es"), ("es", "digo,")])
    )
    replaced = data.draw(st.integers(2, 4))
    wrong = data.draw(st.text("0123456789", min_size=replaced, max_size=replaced))
    said = one_by_one(language, number[:-replaced] + wrong)
    (fact,) = callbacks(f"{said}, {sorry} {one_by_one(language, number[-replaced:])}.")
    assert fact.value == f"+1{number}"
    assert fact.earlier == number[:-replaced] + wrong


@tries(max_examples=40)
@given(number=numbers(), count=st.sampled_from([8, 9]), language=st.sampled_from(["en", "es"]))
def test_a_number_that_is_cut_off_is_marked_incomplete(number: str, count: int, language: str) -> None:
    (fact,) = callbacks(f"My number is {one_by_one(language, number[:count])}.")
    assert (fact.value, fact.doubts) == (number[:count], (Doubt.INCOMPLETE,))


@tries(max_examples=40)
@given(data=st.data(), extension=st.integers(10, 9999))
def test_extensions_are_kept_apart(data: st.DataObject, extension: int) -> None:
    number = data.draw(spoken())
    word = data.draw(st.sampled_from(["extension", "ext.", "extensión", "x", "anexo"]))
    (fact,) = callbacks(f"It's {number.said}, {word} {extension}")
    assert (fact.value, fact.extension) == (f"+1{number.number}", str(extension))


def test_an_or_at_the_beginning_of_a_sentence_is_no_zero() -> None:
    first, second = callbacks("Es el 707 555 0151, extensión doce. O al 415 555 0160.")
    assert (first.value, first.extension, second.value) == ("+17075550151", "12", "+14155550160")


@tries(max_examples=40)
@given(data=st.data())
def test_two_numbers_are_two(data: st.DataObject) -> None:
    one, other = data.draw(spoken()), data.draw(spoken())
    if one.number[-7:] == other.number[-7:]:
        return
    either = data.draw(st.sampled_from([", or my cell, ", ". My cell phone is ", ", o mi celular, ", " o al "]))
    assert values(f"Call {one.said}{either}{other.said}") == [f"+1{one.number}", f"+1{other.number}"]


@tries(max_examples=40)
@given(digits=st.text("0123456789", min_size=11, max_size=11), language=st.sampled_from(["en", "es"]))
def test_account_numbers_are_no_telephones(digits: str, language: str) -> None:
    cue, dash = {"en": ("My account number is", "dash"), "es": ("Mi número de cuenta es", "guion")}[language]
    found = listen(of_text(f"{cue} {one_by_one(language, digits[:10])}, {dash} {one_by_one(language, digits[10])}."))
    assert [(fact.kind, fact.value) for fact in found.facts] == [(Kind.ACCOUNT, f"{digits[:10]}-{digits[10]}")]


@pytest.mark.parametrize(
    "said",
    [
        "four one five, five five five, zero one two three",
        "415-555-0123",
        "cuatro uno cinco cinco cinco cinco cero uno dos tres",
    ],
)
def test_the_three_readings_that_a_voicemail_must_give(said: str) -> None:
    """And the caller id beside it stays what it is."""
    (fact,) = callbacks(said, "+17075550142")
    assert fact.value == "+14155550123"
    assert fact.agrees_with_caller_id is False
    assert callbacks(said, "+14155550123")[0].agrees_with_caller_id is True


def test_digits_that_were_not_heard_well_are_flagged_with_their_place_in_the_audio() -> None:
    words = [("My", 0.9), ("number", 0.9), ("is", 0.9), ("707-555", 0.95), ("-01", 0.31), ("12.", 0.8)]
    segment = {
        "start": 4.0, "end": 9.0, "text": "", "in_text": True,
        "words": [
            {"word": word, "start": 4.0 + i, "end": 4.5 + i, "probability": probability}
            for i, (word, probability) in enumerate(words)
        ],
    }  # fmt: skip
    (fact,) = listen(of_segments([segment])).of(Kind.CALLBACK)
    assert fact.value == "+17075550112"
    assert (fact.doubts, fact.unclear_digits) == ((Doubt.UNCLEAR,), (7, 8))
    (place,) = fact.places
    assert (place.from_s, place.to_s, place.confidence) == (7.0, 9.5, 0.31)


def test_a_second_clear_reading_settles_what_the_first_left_unclear() -> None:
    def words(start: float, probability: float) -> dict[str, object]:
        said = ["seven", "oh", "seven", "five", "five", "five", "oh", "one", "one", "two"]
        return {
            "start": start, "end": start + 5, "text": "", "in_text": True,
            "words": [
                {"word": word, "start": start + i / 2, "end": start + i / 2 + 0.4, "probability": probability}
                for i, word in enumerate(said)
            ],
        }  # fmt: skip

    again = {"start": 6.0, "end": 6.5, "text": "Again,", "in_text": True, "words": []}
    (fact,) = listen(of_segments([words(0, 0.3), again, words(7, 0.9)])).of(Kind.CALLBACK)
    assert fact.doubts == ()
    assert fact.confidence == pytest.approx(0.95)
    assert [place.from_s for place in fact.places] == [0.0, 7.0]


def test_words_that_were_left_out_of_the_text_say_nothing() -> None:
    segment = {"start": 0.0, "end": 3.0, "text": "707-555-0112", "in_text": False, "words": []}
    assert listen(of_segments([segment])).facts == ()


@tries(max_examples=100)
@given(
    st.one_of(
        st.text(max_size=300),
        st.lists(
            st.sampled_from(PIECES),
            max_size=50,
        ).map(" ".join),
    )
)
def test_whatever_is_said_reading_it_ends_with_values_that_the_store_can_hold(said: str) -> None:
    for fact in listen(of_text(said), "+17075550112").facts:
        assert fact.value
        assert fact.kind is Kind.NAME or fact.value.lstrip("+").replace("-", "").isdecimal()
        assert fact.confidence is None


@pytest.mark.parametrize("piece", ["cuarenta y ", "twenty five ", "707-555-", "M A R I A ", "soy A"])
def test_hostile_speech_is_read_quickly(piece: str) -> None:
    started = time.perf_counter()
    listen(of_text(piece * 5000))
    assert time.perf_counter() - started < 60
