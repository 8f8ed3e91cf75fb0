"""Names spelled letter by letter, in English and Spanish: «M A R I A», «eme a erre i a», «G as in George»."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from services.tickets.callers.words import Speech

# A letter's name in lower case with its accents («eñe» is no «ene»); where it may be several, the likeliest first.
LETTERS: dict[str, tuple[str, ...]] = {
    **{letter: (letter,) for letter in "abcdefghijklmnopqrstuvwxyzñáéíóúü"},
    "ay": ("a",), "bee": ("b",), "cee": ("c",), "see": ("c",), "sea": ("c",), "dee": ("d",), "ee": ("e",),
    "eff": ("f",), "ef": ("f",), "gee": ("g",), "aitch": ("h",), "jay": ("j",), "kay": ("k",), "el": ("l",),
    "ell": ("l",), "em": ("m",), "en": ("n",), "oh": ("o",), "pee": ("p",), "cue": ("q",), "queue": ("q",),
    "are": ("r",), "ar": ("r",), "ess": ("s",), "tee": ("t",), "tea": ("t",), "you": ("u",), "vee": ("v",),
    "ex": ("x",), "why": ("y",), "wye": ("y",), "zee": ("z",), "zed": ("z",),
    "be": ("b", "v"), "ce": ("c",), "de": ("d",), "efe": ("f",), "ge": ("g",), "hache": ("h",), "ache": ("h",),
    "jota": ("j",), "ka": ("k",), "ele": ("l",), "elle": ("ll",), "eme": ("m",), "ene": ("n",), "eñe": ("ñ",),
    "pe": ("p",), "cu": ("q",), "ere": ("r",), "erre": ("r", "rr"), "ese": ("s",), "te": ("t",), "uve": ("v",),
    "ve": ("v", "b"), "equis": ("x",), "ye": ("y",), "zeta": ("z",), "ceta": ("z",), "che": ("ch",),
}  # fmt: skip
_PAIRS = {
    ("double", "u"): ("w",), ("double", "you"): ("w",), ("doble", "u"): ("w",), ("doble", "ve"): ("w",),
    ("doble", "uve"): ("w",), ("i", "griega"): ("y",), ("i", "latina"): ("i",), ("be", "grande"): ("b",),
    ("be", "larga"): ("b",), ("ve", "chica"): ("v",), ("ve", "corta"): ("v",), ("be", "chica"): ("v",),
    ("b", "grande"): ("b",), ("v", "chica"): ("v",), ("ele", "ele"): ("ll",),
}  # fmt: skip
_FILLERS = {"uh", "um", "eh", "este", "luego", "then"}
_AS_IN = (("as", "in"), ("like", "in"), ("for",), ("de",), ("como",), ("como", "en"))
# Nobody spells with these alone: they are words far more often than letters.
_ALSO_WORDS = frozenset(
    (
        "a",
        "i",
        "e",
        "o",
        "y",
        "u",
        "de",
        "te",
        "el",
        "en",
        "be",
        "you",
        "are",
        "see",
        "oh",
        "why",
        "es",
        "ve",
        "sea",
        "tea",
    )
)
_SEPARATE = re.compile(r"[.!?…]\s*$")
MAX_LETTERS = 24
MAX_VARIANTS = 64


@dataclass(frozen=True, slots=True)
class Spelled:
    """`variants`: what the letters may spell, likeliest first, in lower case."""

    variants: tuple[str, ...]
    first: int
    last: int
    places: tuple[int, ...]

    @property
    def letters(self) -> int:
        return len(self.places)


def spelled_at(speech: Speech, at: int, *, least: int = 3) -> Spelled | None:
    """The letters that begin at this word, when there are at least so many and they cannot all be words."""
    parts: list[tuple[str, ...]] = []
    places: list[int] = []
    place, dotted = at, False
    words = speech.words
    while place < len(words) and len(parts) < MAX_LETTERS:
        ends = bool(parts) and bool(_SEPARATE.search(speech.between(place - 1, place).rstrip()))
        if ends and not (dotted or len(parts) == 1):
            break
        dotted = dotted or (ends and len(words[place].text) == 1)  # «M. A. R. I. A.»: no sentence ends there
        letter, used = _letter(speech, place)
        if letter is None:
            if (
                parts
                and words[place].text.lower() in _FILLERS
                and place + 1 < len(words)
                and _letter(speech, place + 1)[0]
            ):
                place += 1
                continue
            break
        parts.append(letter)
        places.append(place)
        place += used
    if len(parts) < least or all(words[each].text.lower() in _ALSO_WORDS for each in places):
        return None
    variants = tuple("".join(choice) for choice in _some(parts))
    return Spelled(variants, at, place - 1, tuple(places))


def _some(parts: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    open_ = 1
    limited = []
    for part in parts:
        open_ *= len(part)
        limited.append(part if open_ <= MAX_VARIANTS else part[:1])
    return list(product(*limited))


def _letter(speech: Speech, place: int) -> tuple[tuple[str, ...] | None, int]:
    words = speech.words
    said = words[place].text.lower()
    following = words[place + 1].text.lower() if place + 1 < len(words) else ""
    pair = _PAIRS.get((said, following))
    if pair is not None:
        return pair, 2
    if said in ("double", "doble") and following in LETTERS:
        return tuple(each * 2 for each in LETTERS[following]), 2
    letter = LETTERS.get(said)
    if letter is None:
        return None, 0
    for link in _AS_IN:
        after = place + 1 + len(link)
        if after < len(words) and tuple(word.text.lower() for word in words[place + 1 : after]) == link:
            example = words[after].key
            fits = [each for each in letter if example.startswith(each.replace("ñ", "n")[:1])]
            if len(example) > 2 and fits:
                return tuple(fits), 2 + len(link)
    return letter, 1
