"""The words of a message as the signs of urgency are looked for: one spelling, numbers in digits, each with its place.

People write in a hurry («kiero», «disconected», «gonna», «cuarentaiocho») and recognisers mishear. Here such words
become the ones that the signs are written in; what stands in the text is kept, because that is what a person is shown.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from services.tickets.callers.numerals import DIGITS, TEENS, TENS
from shared.language import fold

MAX_CHARACTERS = 20_000
STOP = "."  # between sentences
_TOKEN = re.compile(
    r"(?P<word>[^\W_][^\W_\u0300-\u036f]*(?:[\u0300-\u036f'’][^\W_]*)*)|(?P<stop>[.!?;:…]+(?=\s|$)|\n\s*\n)"
)
_FILLERS = frozenset({"um", "uh", "uhm", "umm", "eh", "ehh", "hm", "hmm", "em"})
# What is written as one word and is two, or is said in another way.
_SAID_AS = {
    "gonna": "going to", "gona": "going to", "goin": "going", "mornin": "morning",
    "wanna": "want to", "gotta": "have to", "im": "i am",
    "ive": "i have", "id": "i would", "dont": "do not", "cant": "can not", "cannot": "can not",
    "wont": "will not", "aint": "is not", "isnt": "is not", "arent": "are not", "wasnt": "was not",
    "didnt": "did not", "doesnt": "does not", "havent": "have not", "hasnt": "has not", "wouldnt": "would not",
    "couldnt": "could not", "theyre": "they are", "theyll": "they will", "youre": "you are", "youll": "you will",
    "hes": "he is", "shes": "she is", "thats": "that is", "theres": "there is", "lets": "let us", "yall": "you",
    "ur": "your", "u": "you", "n": "and", "nite": "night", "tonite": "tonight", "tmrw": "tomorrow",
    "tmr": "tomorrow", "tomorow": "tomorrow", "tommorow": "tomorrow", "lites": "lights", "wat": "what",
    "shutoff": "shut off", "shutoffs": "shut off", "cutoff": "cut off", "shuttle": "shut", "yr": "year", "yrs": "years",
    "hr": "hour", "hrs": "hours", "mins": "minutes",
    "q": "que", "ke": "que", "k": "que", "pa": "para", "pal": "para el", "toy": "estoy", "ta": "esta",
    "acortar": "a cortar", "aki": "aqui", "ora": "hora", "oras": "horas", "oi": "hoy", "oy": "hoy", "ai": "ahi",
    "ay": "hay", "ban": "van", "boi": "voy", "ise": "hice", "ase": "hace", "ace": "hace",
}  # fmt: skip
_ENDINGS = {"ll": "will", "ve": "have", "re": "are", "m": "am", "d": "would"}
_UNITS = {word: int(digits) for word, digits in DIGITS.items() if word not in ("oh", "o")} | {"un": 1, "una": 1}
_TEENS = {word: int(digits) for word, digits in TEENS.items() if word != "once"} | {"ochentaiocho": 88}
_TENS = {word: int(digits) for word, digits in TENS.items()} | {"fourty": 40}
_JOINED = re.compile(r"(treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa)[iy](\w+)")
_TIMES = re.compile(r"(\d+)(hr|hrs|h|hour|hours|horas|day|days|dias|wk|wks|yo|yr|yrs|mo)")
_UNIT_WORDS = {
    "hr": "hours", "hrs": "hours", "h": "hours", "hour": "hours", "wk": "weeks", "wks": "weeks", "yo": "years old",
    "yr": "years", "yrs": "years", "mo": "months", "day": "days",
}  # fmt: skip
# How Spanish sounds: who spells by ear writes the same sounds with other letters.
_SOUNDS = (
    ("ch", "C"), ("qu", "k"), ("ll", "y"), ("h", ""), ("v", "b"), ("z", "s"), ("ce", "se"), ("ci", "si"), ("c", "k"),
    ("ge", "je"), ("gi", "ji"), ("x", "j"), ("w", "gu"), ("ph", "f"),
)  # fmt: skip
# Words that sound like one of the signs and are others.
_OTHER_WORDS = frozenset(
    ("hecho", "garaje", "shell", "looked", "looks", "loose", "quick", "haya", "ours", "tuve", "tuvo", "fase", "phase",
     "pase", "site", "cite", "ever", "eater", "messes", "meses", "loses", "shelf", "square", "squared", "treat",
     "hopping", "vaya", "valla", "cave", "wave", "rosa", "hora", "save", "halla", "well", "hall", "steel", "steal",
     "caliente", "calientes", "llamando", "cansando")
)  # fmt: skip
_DOUBLED = re.compile(r"(.)\1+")


class Word(NamedTuple):
    """One word as the signs know it, and where the text has it."""

    key: str
    start: int
    end: int


def words_of(text: str, known: frozenset[str] = frozenset()) -> list[Word]:
    """The words of a text in order, with STOP between sentences. `known`: words to which misspelt ones are brought."""
    out: list[Word] = []
    for found in _TOKEN.finditer(text[:MAX_CHARACTERS]):
        if found.lastgroup == "stop":
            if out and out[-1].key != STOP:
                out.append(Word(STOP, found.start(), found.end()))
            continue
        out += [Word(key, *found.span()) for key in _keys(found["word"], known)]
    return list(_numbers(out))


@lru_cache(maxsize=8192)  # people write with a few thousand words
def _keys(written: str, known: frozenset[str]) -> Sequence[str]:
    word = fold(written).replace("’", "'")
    stem, quote, ending = word.rpartition("'")
    if quote and word.endswith("n't"):
        stem = {"ca": "can", "wo": "will", "ai": "is"}.get(word[:-3], word[:-3])
        return [stem, "not"]
    if quote and ending in _ENDINGS:
        return [stem.replace("'", ""), _ENDINGS[ending]]
    if quote and ending == "s":
        if stem in ("he", "she", "it", "that", "there", "what"):
            return [stem, "is"]
        return _SAID_AS.get(stem, stem).split()  # «the shutoff's tomorrow»
    word = word.replace("'", "")
    if word in _FILLERS:
        return []
    if word in _SAID_AS:
        return _SAID_AS[word].split()
    if timed := _TIMES.fullmatch(word):
        return [timed[1], *_UNIT_WORDS.get(timed[2], timed[2]).split()]
    if joined := _JOINED.fullmatch(word):
        return [joined[1], "y", joined[2]]
    return [_spelt(word, known)]


def _spelt(word: str, known: frozenset[str]) -> str:
    """The word of `known` that this one is when it is misspelt; else the word itself."""
    if word in known or len(word) < 4 or not known or word.isdigit():
        return word
    by_sound, one_less = _neighbours(known)
    found = None if word in _OTHER_WORDS else by_sound.get(sound(word))
    if found is None and len(word) >= 8:
        # One letter missing, one too many, or two that changed places; endings are grammar and not mistakes.
        shorter = [word[:at] + word[at + 1 :] for at in range(1, len(word) - 2)]
        swapped = (one_less.get(each, "") for each in shorter)
        near = (one_less.get(word, ""), *(each for each in shorter if each in known), *swapped)
        found = next((each for each in near if each[-2:] == word[-2:] and _one_mistake(each, word)), None)
    return found or word


def _one_mistake(word: str, misspelt: str) -> bool:
    """Of words that are one letter apart: not another letter in the same place, which mostly is another word."""
    return len(word) != len(misspelt) or sorted(word) == sorted(misspelt)


def sound(word: str) -> str:
    """A word by its sound in Spanish: «kiero», «quiero»."""
    for letters, sounds in _SOUNDS:
        word = word.replace(letters, sounds)
    return _DOUBLED.sub(r"\1", word)


@lru_cache(maxsize=2)
def _neighbours(known: frozenset[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Known words by their sound, and by what is left of long ones when one letter falls out."""
    by_sound: dict[str, str] = {}
    one_less: dict[str, str] = {}
    for word in sorted(known):
        if len(word) >= 4:
            by_sound.setdefault(sound(word), word)
        if len(word) >= 8:
            for at in range(1, len(word) - 2):
                one_less.setdefault(word[:at] + word[at + 1 :], word)
    return by_sound, one_less


def _numbers(words: list[Word]) -> Iterable[Word]:
    """Numbers below a hundred in digits: «forty eight», «cuarenta y ocho», «noventa»."""
    at = 0
    while at < len(words):
        word = words[at]
        if word.key in _TENS:
            value, used = _TENS[word.key], 1
            rest = words[at + 1 : at + 3]
            if rest and rest[0].key[:1] in ("y", "i") and rest[0].key[1:] in _UNITS:  # «cuarenta yocho»
                rest[0] = rest[0]._replace(key=rest[0].key[1:])
            if len(rest) == 2 and rest[0].key in ("y", "i") and 0 < _UNITS.get(rest[1].key, 0) < 10:
                value, used = value + _UNITS[rest[1].key], 3
            elif rest and 0 < _UNITS.get(rest[0].key, 0) < 10:
                value, used = value + _UNITS[rest[0].key], 2
            yield word._replace(key=str(value), end=words[at + used - 1].end)
            at += used
            continue
        if word.key in _TEENS:
            yield word._replace(key=str(_TEENS[word.key]))
        else:
            yield word
        at += 1
