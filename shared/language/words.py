"""How much each word speaks for English or Spanish: counts from the corpus, and lingua for words that it lacks.

`learned.json` holds how often writers of the training corpus wrote a word in either language, without names and
addresses, and the thresholds that were chosen with these counts; `python -m training.language` writes it.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from shared.language.own import Word

if TYPE_CHECKING:
    from lingua import LanguageDetector

METHOD = 1  # of reading; a number that changes with the code, beside the digest of what was learned
KNOWN_FROM = 2  # times that a word was seen
FREQUENT = 20
_SMOOTHED = 0.5
_STRONGEST = 4.0
_STRONGEST_UNSEEN = 1.5  # what letters alone may say
_ACCENT = 1.5
_LONGEST = 40  # letters of a word that are looked at

# Common in California, and what would be taken for one of them; told apart from English and Spanish by lingua.
OTHERS = (
    "TAGALOG", "CHINESE", "VIETNAMESE", "PORTUGUESE", "FRENCH", "KOREAN", "RUSSIAN", "JAPANESE", "ARABIC", "PERSIAN",
    "HINDI", "PUNJABI", "ARMENIAN", "THAI", "GERMAN", "ITALIAN",
)  # fmt: skip


@dataclass(frozen=True)
class Learned:
    """Counts (English, Spanish) by folded word, and thresholds."""

    counts: Mapping[str, tuple[int, int]]
    mixed: float  # evidence for the second language from which a text is in both
    scale: float  # of the evidence, so that confidence is how often it is right
    version: str = ""

    def weight(self, word: Word) -> tuple[float, bool]:
        """Log odds of English against Spanish, and whether the word is known. 0: says nothing."""
        weight = self._logs.get(word.key)
        if word.spelled or (word.capital and word.key not in self.frequent):
            return 0.0, weight is not None
        known = weight is not None
        if weight is None:
            weight = _by_letters(word.key[:_LONGEST])
        if word.accented:
            weight = max(-_STRONGEST, weight - _ACCENT)
        return weight, known

    @cached_property
    def _logs(self) -> dict[str, float]:
        return {
            key: max(-_STRONGEST, min(_STRONGEST, math.log((english + _SMOOTHED) / (spanish + _SMOOTHED))))
            for key, (english, spanish) in self.counts.items()
            if english + spanish >= KNOWN_FROM
        }

    @cached_property
    def frequent(self) -> frozenset[str]:
        """Words so common that a capital makes no name of them."""
        return frozenset(key for key, count in self.counts.items() if sum(count) >= FREQUENT)


_in_use: Learned | None = None


def use(other: Learned | None) -> None:
    """From now on this process reads languages with these; None: with what came with the software."""
    global _in_use
    _in_use = other


def learned() -> Learned:
    """What this process reads languages with."""
    return _in_use if _in_use is not None else shipped()


@lru_cache(maxsize=1)
def shipped() -> Learned:
    """What came with this version of the software."""
    return of_json(files("shared.language").joinpath("learned.json").read_bytes())


def of_json(data: bytes) -> Learned:
    """What `python -m training.language` wrote. Raises KeyError, TypeError or ValueError when it is something else."""
    told = json.loads(data)
    return Learned(
        {str(word): (int(english), int(spanish)) for word, english, spanish in told["words"]},
        mixed=float(told["mixed"]),
        scale=float(told["scale"]),
        version=f"{METHOD}-{hashlib.sha256(data).hexdigest()[:8]}",
    )


@lru_cache(maxsize=1)
def _two() -> "LanguageDetector":
    """Built at the first need: a process that never reads text does not pay for it."""
    from lingua import Language, LanguageDetectorBuilder

    # Low accuracy mode: a tenth of the memory, and no more errors on the corpus.
    return LanguageDetectorBuilder.from_languages(Language.ENGLISH, Language.SPANISH).with_low_accuracy_mode().build()


@lru_cache(maxsize=1)
def _all() -> "LanguageDetector":
    from lingua import Language, LanguageDetectorBuilder

    languages = [getattr(Language, name) for name in ("ENGLISH", "SPANISH", *OTHERS)]
    return LanguageDetectorBuilder.from_languages(*languages).with_low_accuracy_mode().build()


@lru_cache(maxsize=20_000)
def _by_letters(key: str) -> float:
    """What lingua says of one word when it may only be English or Spanish. Half believed: it is a guess."""
    values = {v.language.iso_code_639_1.name: v.value for v in _two().compute_language_confidence_values(key)}
    english, spanish = values.get("EN", 0.0), values.get("ES", 0.0)
    if not english and not spanish:
        return 0.0
    guess = math.log((english + 0.02) / (spanish + 0.02)) / 2
    return max(-_STRONGEST_UNSEEN, min(_STRONGEST_UNSEEN, guess))


def among_all(text: str) -> dict[str, float]:
    """What lingua says of a text among all languages that we look for: the three likeliest, likeliest first."""
    values = _all().compute_language_confidence_values(text)
    return {v.language.iso_code_639_1.name.lower(): v.value for v in values[:3] if v.value > 0}
