"""Which English words a message's words stand for, in both languages and for those who write as they speak."""

import pytest

from services.tickets.triage.meaning import lexicon, meant, sound


def english(text: str) -> set[str]:
    words = list(lexicon().places)
    return {words[place] for place in meant(lexicon().said(text))}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the fridge is hissing", {"the", "fridge", "is", "hissing"}),
        ("me cortaron la luz", {"me", "cut", "off", "the", "electricity"}),
        ("guele a gas en la kosina", {"smells", "gas", "kitchen"}),
        ("mi recivo yego muy halto", {"my", "bill", "arrived", "very", "high"}),
        ("my refri is broken", {"my", "is", "broken", "fridge"}),
    ],
)
def test_words_are_known_in_english(text: str, words: set[str]) -> None:
    assert words <= english(text)


def test_a_word_of_both_languages_is_taken_as_its_neighbours_are() -> None:
    assert "once" in english("i paid once this month")
    assert "once" not in english("tengo once recibos atrasados")


def test_the_english_words_of_one_spanish_word_share_it() -> None:
    assert sum(meant(lexicon().said("cortaron")).values()) == pytest.approx(1)


def test_unknown_words_say_nothing() -> None:
    assert not meant(lexicon().said("xqzzt 4711 ¿?"))


@pytest.mark.parametrize(
    ("one", "other"), [("quiero", "kiero"), ("llegó", "yego"), ("hasta", "asta"), ("lleva", "yeba")]
)
def test_what_sounds_alike_is_alike(one: str, other: str) -> None:
    assert sound(one.replace("ó", "o")) == sound(other)


def test_the_glossary_speaks_known_english() -> None:
    known = lexicon().places
    assert not {word for words in lexicon().glossary.values() for word in words} - set(known)
