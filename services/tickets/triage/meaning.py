"""A message's words as English has them, for those words of which it is known what else means much the same.

A few thousand messages cannot hold all the words that people use. What a word means beside others is known from models
that read much more (`training/meanings.py`), though only for English; so Spanish words are looked up in a glossary, one
by one, those that nobody knows by how they sound («kiero» is «quiero»). That is no translation, and nobody reads it: it
only lets «refri» speak for what «fridge» speaks for.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

SPANISH = (
    0.7  # Spanish words beside one English word from which on words of both languages («once», «sale») are Spanish
)
Said = tuple[tuple[int, ...], ...]  # places of words of the lexicon, for each word of a text
_WORD = re.compile(r"[a-z]+")
# Letters that sound alike to people who write as they speak, in the order in which they are replaced.
_SOUNDS = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("ch", "#"), ("qu(?=[ei])|q|c(?=[aouklrst]|$)", "k"), ("c|z|x", "s"), ("ll", "y"), ("v", "b"),
        ("g(?=[ei])", "j"), ("gu(?=[ei])", "g"), ("h", ""), ("w", "u"), (r"(.)\1+", r"\1"),
    )
]  # fmt: skip


@dataclass(frozen=True)
class Lexicon:
    """`places`: English word → its place, the most frequent first. `glossary`: Spanish word → English ones; `sounds`:
    the same by how the Spanish word sounds."""

    places: dict[str, int]
    glossary: dict[str, tuple[str, ...]]
    sounds: dict[str, tuple[str, ...]]

    def said(self, words: str) -> Said:
        """Of each word of this text, in their order, the places of the English ones that it means; none of a word that
        nobody knows. `words`: without capitals and accents."""
        said = _WORD.findall(words.replace("'", ""))
        spanish = self._is_spanish(said)
        found = []
        for word in said:
            english = self._english(word) if spanish or word not in self.places else None
            found.append(tuple(self.places[each] for each in english or (word,) if each in self.places))
        return tuple(found)

    def _english(self, word: str) -> tuple[str, ...] | None:
        found = self.glossary.get(word)
        if found is None and word not in self.places and len(word) > 1:
            return self.sounds.get(sound(word))
        return found

    def _is_spanish(self, said: list[str]) -> bool:
        spanish = sum(word not in self.places and self._english(word) is not None for word in said)
        english = sum(word in self.places and word not in self.glossary for word in said)
        return spanish > SPANISH * english


def meant(said: Said) -> dict[int, float]:
    """Each place and how often it is said; a Spanish word's English words share one."""
    found: defaultdict[int, float] = defaultdict(float)
    for places in said:
        for place in places:
            found[place] += 1 / len(places)
    return found


@lru_cache(maxsize=8192)
def sound(word: str) -> str:
    """How a Spanish word sounds, so that words that are written differently and sound alike are equal."""
    for pattern, as_written in _SOUNDS:
        word = pattern.sub(as_written, word)
    return word


def weight(place: int) -> float:
    """What a word says beside others: «the» a third, a rare one four times as much."""
    return place / (place + 50) + 0.3


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The one that came with this version of the software."""
    data = files("services.tickets").joinpath("data")
    words = data.joinpath("english.txt").read_text("utf-8").split()
    pairs = (line.split("\t") for line in data.joinpath("glossary.txt").read_text("utf-8").splitlines())
    glossary = {spanish: tuple(english.split()) for spanish, english in pairs}
    sounds = {sound(spanish): english for spanish, english in reversed(glossary.items())}
    return Lexicon({word: place for place, word in enumerate(words)}, glossary, sounds)
