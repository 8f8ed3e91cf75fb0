"""The signs of urgency: patterns of words, kept as data in `data/urgency.txt`, which says how they are written, and in
`data/dangers.txt`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import islice

from services.tickets.urgency.words import STOP, Word, words_of

MAX_HITS = 12  # of one pattern in one text: more of the same says nothing more
GAPS = {"..": 3, "...": 8}  # words that may stand between
_TOKEN = re.compile(r"\(|\)[?*+]?|\||[^\s()|]+")
_CLOSING = {")": "", ")?": "?", ")*": "{0,4}", ")+": "{1,4}"}
_NUMBERS = {"#n": r"\d+", "#age": r"(?:7[0-9]|[89]\d|10\d)", "#year": r"(?:19|20)\d\d"}


@dataclass(frozen=True, slots=True)
class Sign:
    """A pattern of one rule. `needs`: words of each of which one must stand in a text; empty: anything may match."""

    section: str
    rule: str
    pattern: re.Pattern[str]
    needs: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a sign stands: from word `first` to word `last`, both included."""

    section: str
    rule: str
    first: int
    last: int

    def overlaps(self, other: "Hit") -> bool:
        return self.first <= other.last and other.first <= self.last


class Signs:
    """All signs of a file, by section, and the words they are made of."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.by_section: dict[str, list[Sign]] = {}
        self._places: dict[str, dict[str, list[int]]] = {}  # in a section, by a word that the signs there need
        known: set[str] = set()
        macros: dict[str, str] = {}
        section = rule = ""
        for line in lines:
            text = line.strip()
            if not text or text.startswith("# "):
                continue
            if text.startswith("["):
                section = text.strip("[]")
                self.by_section[section] = []
            elif text.startswith("@") and "=" in text:
                name, _, words = text.partition("=")
                macros[name.strip()] = _expanded(words.strip(), macros)
            elif line[0] != " ":
                rule = text.rstrip(":")
            else:
                pattern = _expanded(text, macros)
                known |= set(re.findall(r"[a-z]+(?!\*)\b(?!\*)", pattern))
                try:
                    self.by_section[section].append(_sign(section, rule, pattern))
                except ValueError as error:
                    raise ValueError(f"[{section}] {rule}: «{pattern}»: {error}") from None
        self.known = frozenset(known)
        for section, found in self.by_section.items():
            places = self._places.setdefault(section, {})
            for at, sign in enumerate(found):
                for word in min(sign.needs, key=len, default=("",)):
                    places.setdefault(word, []).append(at)

    def words(self, text: str) -> list[Word]:
        return words_of(text, self.known)

    def hits(self, words: "Line", *sections: str) -> Iterator[Hit]:
        """Where signs of these sections stand, in the order of the file."""
        for section in sections:
            for sign in self._possible(section, words.keys):
                for found in islice(sign.pattern.finditer(words.line), MAX_HITS):
                    first, last = words.at(found.start()), words.at(found.end() - 1)
                    yield Hit(section, sign.rule, first, last)

    def _possible(self, section: str, words: frozenset[str]) -> list[Sign]:
        """Those of a section that may stand among these words, in the order of the file."""
        places = self._places.get(section, {})
        found = {at for word in words & places.keys() for at in places[word]}
        found.update(places.get("", ()))
        signs_there = map(self.by_section.get(section, []).__getitem__, sorted(found))
        return [sign for sign in signs_there if not any(map(words.isdisjoint, sign.needs))]


class Line:
    """Words as one line, each with a blank behind it, so that patterns can be found and their words again."""

    def __init__(self, words: list[Word]) -> None:
        self.words = words
        self.keys = frozenset(word.key for word in words)
        self.line = "".join(f"{word.key} " for word in words)
        self._starts: list[int] = []
        at = 0
        for word in words:
            self._starts.append(at)
            at += len(word.key) + 1

    def at(self, character: int) -> int:
        """Which word stands there."""
        low, high = 0, len(self._starts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._starts[middle] <= character else (low, middle)
        return low

    def without(self, hits: Iterable[Hit]) -> "Line":
        """The same, with words that say nothing in place of these."""
        hidden = {at for hit in hits for at in range(hit.first, hit.last + 1)}
        if not hidden:
            return self
        return Line([Word("_", each.start, each.end) if at in hidden else each for at, each in enumerate(self.words)])


def _expanded(text: str, macros: dict[str, str]) -> str:
    return re.sub(r"@\w+", lambda found: macros[found.group()], text)


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a pattern as a regular expression; `firsts`: the words it may begin with, None where any may be."""

    regex: str
    firsts: frozenset[str] | None
    optional: bool = False


def _sign(section: str, rule: str, pattern: str) -> Sign:
    tokens = _TOKEN.findall(pattern)
    parts = _sequence(tokens)
    if tokens or not parts:
        raise ValueError("a bracket stands alone")
    needs = tuple(part.firsts for part in parts if not part.optional and part.firsts)
    return Sign(section, rule, re.compile(r"(?<![^ ])" + "".join(part.regex for part in parts)), needs)


def _sequence(tokens: list[str]) -> list[_Part]:
    """Parts up to the end of the group that they stand in; takes their tokens away."""
    parts: list[_Part] = []
    while tokens and tokens[0] != "|" and tokens[0] not in _CLOSING:
        piece = tokens.pop(0)
        parts.append(_group(tokens) if piece == "(" else _word(piece))
    return parts


def _group(tokens: list[str]) -> _Part:
    choices = [_sequence(tokens)]
    while tokens and tokens[0] == "|":
        tokens.pop(0)
        choices.append(_sequence(tokens))
    if not tokens:
        raise ValueError("a bracket is not closed")
    closing = tokens.pop(0)
    optional = closing in (")?", ")*")
    firsts: set[str] | None = set()
    for choice in choices:
        first = next((part.firsts for part in choice if not part.optional), None)
        firsts = firsts | first if firsts is not None and first is not None else None
    regex = "|".join("".join(part.regex for part in choice) for choice in choices)
    return _Part(f"(?:{regex}){_CLOSING[closing]}", frozenset(firsts) if firsts else None, optional)


def _word(word: str) -> _Part:
    if word in GAPS:
        return _Part(rf"(?:[^ {STOP}]+ ){{0,{GAPS[word]}}}?", None, optional=True)
    optional, word = word.endswith("?"), word.rstrip("?").lstrip("\\")
    if word in _NUMBERS:
        regex, firsts = f"(?:{_NUMBERS[word]} )", None
    elif word.endswith("*"):
        regex, firsts = f"(?:{re.escape(word[:-1])}[^ ]* )", None
    else:
        regex, firsts = f"(?:{re.escape(word)} )", frozenset((word,))
    return _Part(f"{regex}{'?' if optional else ''}", firsts, optional)


@lru_cache(maxsize=1)
def signs() -> Signs:
    """Of urgency: those that came with this version of the software."""
    return _read("urgency.txt")


@lru_cache(maxsize=1)
def danger_signs() -> Signs:
    """Of gas, wires, fire, shocks and carbon monoxide, kept apart: a word misspelt is another word beside these."""
    return _read("dangers.txt")


def _read(name: str) -> Signs:
    return Signs(files("services.tickets").joinpath(f"data/{name}").read_text("utf-8").splitlines())


def near(words: Sequence[Word], hit: Hit, others: Iterable[Hit], reach: tuple[int, int, int]) -> bool:
    """Whether one of the others is near: so many words before it, so many behind, over so many ends of sentences."""
    before, behind, stops = reach
    for each in others:
        if each.first < hit.first:
            between, most = words[each.last + 1 : hit.first], before
        else:
            between, most = words[hit.last + 1 : each.first], behind
        if len(between) < most and sum(word.key == STOP for word in between) <= stops:
            return True
    return False
