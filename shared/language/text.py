"""What a text is written in: the words that speak for English and for Spanish, the stretches of each, other languages.

Every word carries evidence (words.py). Its sum says which of the two it is and how surely; stretches in which one of
them is spoken say whether it is both. lingua is asked about whole texts only where their words are in neither.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.language import own
from shared.language.own import Word
from shared.language.words import Learned, among_all, learned

UNKNOWN = "unknown"
MIXED = "mixed"
CLEAR = 0.85  # from here on a text stands on its own
THIN = 0.5  # below, we do not know

_SURE = 0.99
_FEW = (0.8, 0.9)  # at most, of one word that is no courtesy and of two: one is never enough against what is known
_COURTEOUS = 0.75  # at most, of nothing but courtesies, which people borrow
_NAMED = 0.6  # below, the better of two guesses is no knowledge
_TELLS = 1.0  # from so much evidence on a word counts as one of its language
_SWITCH = 2.0  # what it costs to change the language between two words; half of that between clauses
_IN_STRETCH = 3.0  # at most, of one word of a stretch
_LENT = 0.3  # of its evidence, of a word that is used in the other language too
_SHARE = 0.5  # of the words known in English or Spanish: below, other languages are looked for
_SHARE_WITH_SIGNS = 0.8  # the same where letters stand that neither of them has
_SHARE_OF_KIN = (
    0.7  # the same where lingua is as sure as it can be, of a text long enough: Portuguese has Spanish words
)
# From here on lingua's word counts.
_OTHER_SCRIPT, _OTHER, _OTHER_WITH_SIGNS, _OTHER_OF_FEW, _OTHER_OF_KIN = 0.8, 0.95, 0.9, 0.99, 0.9999
_LONG_ENOUGH = 6
_ASKED = 2_000  # characters that lingua reads at most
_MANY_WORDS = 400  # that are searched for stretches: who writes both does so before that
_STRANGE = re.compile(r"[^\W\d\u0000-\u036f]")  # letters of another script, and most of Vietnamese
_FOREIGN = frozenset("ãõçàèêôâùœßđăơưạảấầẩậắằặẹẻẽếềểễệỉịọỏốồổộớờởợụủứừửựỳỷỹ")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A greeting or a farewell does not say what the letter is written in.
_COURTESY = _words(
    """hi hello hey dear thank thanks thx you your for regards sincerely cheers please hola buenos buenas buen dias
    tardes noches gracias muchas saludos atentamente favor y por senor senora"""
)
# Said alike in both: an answer of nothing but these tells nothing.
_BOTH = _words("no ok okay oki k hm hmm mm mmm uh um eh ah oh ja ha haha jaja lol wow error test ola")
# A street's name stands before these, English in the mouth of whoever speaks Spanish.
_STREETS = _words("street avenue road drive lane way court circle boulevard place terrace highway trail park")
# Words of the trade and of bills, which callers who speak Spanish say in English.
_BORROWED = _words(
    """bill bills billing heat pump true up net export credit credits generation franchise fee time use carbon monoxide
    cash out back app link pay email online plan solar rebate breaker"""
)
_NOBODYS = _COURTESY | _BOTH | _STREETS | _BORROWED


@dataclass(frozen=True)
class TextEvidence:
    """What a text is written in, and what says so."""

    language: str = UNKNOWN
    confidence: float = 0.0
    words: int = 0
    english_words: int = 0
    spanish_words: int = 0
    telling: tuple[str, ...] = ()  # of the words that speak for it; of a text in both, a stretch of each
    detector: Mapping[str, float] = field(default_factory=dict)  # lingua's, where it was asked

    def as_json(self) -> dict[str, Any]:
        kept: dict[str, Any] = {
            "language": self.language,
            "confidence": round(self.confidence, 3),
            "words": self.words,
            "english_words": self.english_words,
            "spanish_words": self.spanish_words,
            "telling": list(self.telling),
        }
        if self.detector:
            kept["detector"] = {language: round(value, 3) for language, value in self.detector.items()}
        return kept


@dataclass(slots=True)
class _Stretch:
    """Words in which one language is spoken. `evidence` counts a word once."""

    english: bool
    words: list[str]
    evidence: dict[str, float]


@dataclass(frozen=True, slots=True)
class Weighed:
    """The words of a text with what each says (positive: English), and which of them begin a clause."""

    words: Sequence[Word]
    weights: Sequence[float]
    begins: Sequence[bool]
    known: int

    @property
    def balance(self) -> float:
        """For English where positive. A word that is said again says nothing new."""
        said: dict[str, float] = {}
        for word, weight in zip(self.words, self.weights, strict=True):
            said[word.key] = weight if word.key not in _BOTH else 0.0
        return sum(said.values())


def weigh(text: str, using: Learned, author: str = "") -> Weighed:
    """Each word of what `own.without_boilerplate` returned, with what it says. The author's name says nothing."""
    signed = {key for key in own.fold(author).split() if key not in using.frequent}
    words: list[Word] = []
    weights: list[float] = []
    begins: list[bool] = []
    known = 0
    for clause in own.clauses(text):
        named = any(word.capital for word in clause)
        for at, word in enumerate(clause):
            weight, seen = using.weight(word)
            if word.key in signed or (named and weight and _is_part_of_name(clause, at, using)):
                weight = 0.0
            words.append(word)
            weights.append(weight)
            begins.append(at == 0)
            known += seen
    return Weighed(words, weights, begins, known)


def _is_part_of_name(clause: Sequence[Word], at: int, using: Learned) -> bool:
    """«La Honda», «Calle del Sol»: capitals beside capitals, and small words between them."""
    word = clause[at]
    before = at > 0 and clause[at - 1].capital
    after = at + 1 < len(clause) and clause[at + 1].capital
    if at == 0:
        return after and word.text[0].isupper() and word.key not in using.frequent
    return (before or after) if word.capital else before and after and len(word.key) <= 3


def read_text(text: str, using: Learned | None = None, *, author: str = "") -> TextEvidence:
    """What language the author of `text` wrote in. Empty or telling nothing: unknown, confidence 0.

    `using`: what was learned, where it is not what came with the software. `author`: their name, where it is known.
    """
    using = using or learned()
    text = own.without_boilerplate(text)
    found = weigh(text, using, author)
    if not found.words:
        return TextEvidence()
    count = len(found.words)
    english = sum(weight >= _TELLS for weight in found.weights)
    spanish = sum(weight <= -_TELLS for weight in found.weights)
    detector, is_other = _others(text, found)
    top, value = next(iter(detector.items()), (UNKNOWN, 0.0))
    if is_other:
        return TextEvidence(top, min(value, 0.95), count, english, spanish, (), detector)
    both, stretches = second_language(found, using.mixed)
    if both >= using.mixed:
        confidence = min(_SURE, 1 / (1 + math.exp(-0.5 * (both - using.mixed))) * 0.5 + 0.5)
        return TextEvidence(MIXED, max(CLEAR, confidence), count, english, spanish, stretches, detector)
    balance = found.balance
    confidence = 1 / (1 + math.exp(-using.scale * abs(balance)))
    said = sum(word.key not in _COURTESY and word.key not in _BOTH for word in found.words)
    confidence = min(confidence, (_COURTEOUS, *_FEW, _SURE)[min(said, 3)])
    sign, language = (1, "en") if balance > 0 else (-1, "es")
    guessed = found.known == 0 and top != language  # by letters alone, and no better than any other guess
    if confidence < _NAMED or guessed or (count == 1 and found.words[0].key in _BORROWED):
        confidence = min(confidence, THIN - 0.01) if balance else 0.0
        return TextEvidence(UNKNOWN, confidence, count, english, spanish, (), detector)
    return TextEvidence(language, confidence, count, english, spanish, _telling(found, sign), detector)


def _others(text: str, found: Weighed) -> tuple[dict[str, float], bool]:
    """lingua's word where words are not enough, and whether it says surely that they are of another language."""
    lowered = text.lower()
    letters = strange = 0
    if not text.isascii():
        letters = sum(map(str.isalpha, lowered))
        strange = len(_STRANGE.findall(lowered))
    count, known = len(found.words), found.known / len(found.words)
    needed = None
    if strange > letters / 2:
        needed = _OTHER_SCRIPT
    elif known < _SHARE and (count >= 3 or sum(len(word.key) for word in found.words) >= 12):
        needed = _OTHER
    elif known < _SHARE_WITH_SIGNS and letters and not _FOREIGN.isdisjoint(lowered):
        needed = _OTHER_WITH_SIGNS
    elif known < _SHARE_OF_KIN and count >= _LONG_ENOUGH:
        needed = _OTHER_OF_KIN
    elif not known:
        needed = _OTHER_OF_FEW
    if needed is None:
        return {}, False
    values = among_all(text[:_ASKED])
    top, value = next(iter(values.items()), (UNKNOWN, 0.0))
    return values, top not in ("en", "es") and value >= needed


def second_language(found: Weighed, needed: float = 0.0) -> tuple[float, tuple[str, str]]:
    """How much speaks for the language that is spoken less, and the strongest stretch of each, English first.

    The cheapest way to read the words as stretches of English and of Spanish (Viterbi over two states): a change costs,
    so that one borrowed word does not make a stretch. 0 where it cannot be as much as `needed`.
    """
    weights = found.weights[:_MANY_WORDS]
    less = min(sum(each for each in weights if each > 0), -sum(each for each in weights if each < 0))
    if not less or less < needed:
        return 0.0, ("", "")
    evidence: list[float] = []
    for word, weight in zip(found.words, weights, strict=False):
        weight = max(-_IN_STRETCH, min(_IN_STRETCH, weight))
        if word.key in _STREETS:
            evidence[-2:] = [each * _LENT for each in evidence[-2:]]
        evidence.append(weight * _LENT if word.key in _NOBODYS else weight)
    stretches = _stretches(found, evidence)
    said: dict[bool, dict[str, float]] = {True: {}, False: {}}
    best: dict[bool, tuple[float, str]] = {True: (0.0, ""), False: (0.0, "")}
    for each in stretches:
        said[each.english] |= each.evidence
        best[each.english] = max(best[each.english], (sum(each.evidence.values()), " ".join(each.words[:8])))
    if min(map(len, said.values())) < 2:  # one word is a loan
        return 0.0, ("", "")
    return min(sum(each.values()) for each in said.values()), (best[True][1], best[False][1])


def _stretches(found: Weighed, evidence: Sequence[float]) -> list[_Stretch]:
    english, spanish = 0.0, 0.0
    came: list[tuple[bool, bool]] = []  # whether English, Spanish at this word came from the same language
    for weight, begins in zip(evidence, found.begins, strict=False):
        cost = _SWITCH / 2 if begins else _SWITCH
        stays = english >= spanish - cost, spanish >= english - cost
        english, spanish = (
            (english if stays[0] else spanish - cost) + weight / 2,
            (spanish if stays[1] else english - cost) - weight / 2,
        )
        came.append(stays)
    now = english >= spanish
    path = []
    for stays in reversed(came):
        path.append(now)
        if not (stays[0] if now else stays[1]):
            now = not now
    stretches: list[_Stretch] = []
    for word, weight, is_english in zip(found.words, evidence, reversed(path), strict=False):
        if not stretches or stretches[-1].english is not is_english:
            stretches.append(_Stretch(is_english, [], {}))
        stretches[-1].words.append(word.text)
        stretches[-1].evidence[word.key] = weight if is_english else -weight
    return stretches


def _telling(found: Weighed, sign: int) -> tuple[str, ...]:
    """The three words that say most: the rarer ones of those that say all they can."""
    said = {
        word.key: (sign * weight, len(word.key), word.text)
        for word, weight in zip(found.words, found.weights, strict=True)
    }
    best = sorted((each for each in said.values() if each[0] >= _TELLS), key=lambda each: (-round(each[0]), -each[1]))
    return tuple(text for _, _, text in best[:3])
