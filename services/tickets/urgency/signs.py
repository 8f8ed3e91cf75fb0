"""The signs of urgency: patterns of words, kept as data in `data/urgency.txt`, which says how they are written, and in
`data/dangers.txt`."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from itertools import accumulate, islice, takewhile

from services.tickets.urgency.words import STOP, Word, words_of
from shared.language.words import shipped

Needs = tuple[frozenset[str], ...]
ANY = ""  # in place of a word: of signs that need none
MAX_HITS = 12  # of one pattern in one text: more of the same says nothing more
GAPS = {"..": 3, "...": 8}  # words that may stand between
_TOKEN = re.compile(r"\(|\)[?*+]?|\||[^\s()|]+")
_CLOSING = {")": "", ")?": "?", ")*": "{0,4}", ")+": "{1,4}"}
_NUMBERS = {"#n": r"\d+", "#age": r"(?:7[0-9]|[89]\d|10\d)", "#year": r"(?:19|20)\d\d"}


@dataclass(frozen=True)
class Sign:
    """A pattern of one rule. `needs`: forms of words of each of which one must stand in a text; empty: anything may
    match. `begins`: the forms of words it may begin with; None: any. A form is a word, a stem («cort*») or «#n»."""

    section: str
    rule: str
    regex: str
    needs: Needs
    begins: frozenset[str] | None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when a text first has its words: all of them together would take a process half a second."""
        return re.compile(self.regex)

    def matches(self, line: str, forms: "Forms") -> Iterable[re.Match[str]]:
        """From left to right, none within another; of many the first."""
        if self.begins is None:
            return islice(self.pattern.finditer(line), MAX_HITS)
        found: list[re.Match[str]] = []
        end = 0  # to try at the few words that it begins with costs a third of looking through the line
        for start in sorted({start for form in self.begins & forms.keys for start in forms.starts[form]}):
            if start >= end and (match := self.pattern.match(line, start)) and len(found) < MAX_HITS:
                found.append(match)
                end = match.end()
        return found


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
        # By a form that a sign needs: its section, its place there, and what else it needs.
        self._places: defaultdict[str, list[tuple[str, int, Needs]]] = defaultdict(list)
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
        self._asked: set[str] = set()
        for section, found in self.by_section.items():
            for at, sign in enumerate(found):
                rarest = min(sign.needs, key=_frequency, default=(ANY,))
                others = tuple(need for need in sign.needs if need is not rarest)
                for form in rarest:
                    self._places[form].append((section, at, others))
                self._asked.update(rarest, *others, sign.begins or ())

    def words(self, text: str) -> list[Word]:
        return words_of(text, self.known)

    def hits(self, words: "Line", *sections: str) -> Iterator[Hit]:
        """Where signs of these sections stand, in the order of the file."""
        for section in sections:
            found = words.found.get((self, section))
            if found is None:
                found = words.found[self, section] = self._found(words, section)
            yield from found

    def _found(self, words: "Line", section: str) -> Sequence[Hit]:
        forms = words.forms.get(self)
        if forms is None:
            forms = words.forms[self] = self._forms(words)
        places = forms.possible.get(section)
        if not places:
            return ()
        there = map(self.by_section[section].__getitem__, sorted(places))
        return [
            Hit(section, sign.rule, words.at(found.start()), words.at(found.end() - 1))
            for sign in there
            for found in sign.matches(words.line, forms)
        ]

    def _forms(self, words: "Line") -> "Forms":
        starts: defaultdict[str, list[int]] = defaultdict(list)
        for word, start in zip(words.words, words.starts, strict=False):
            for form in _forms_of(self, word.key):
                starts[form].append(start)
        keys = frozenset(starts)
        possible: defaultdict[str, set[int]] = defaultdict(set)
        for form in (ANY, *keys):
            for section, at, others in self._places.get(form, ()):
                if not any(map(keys.isdisjoint, others)):
                    possible[section].add(at)
        return Forms(starts, keys, possible)

    def forms_of(self, word: str) -> tuple[str, ...]:
        """Under which forms signs ask for this word."""
        stems = (f"{word[:end]}*" for end in range(1, len(word) + 1))
        numbers = (name for name, regex in _NUMBERS.items() if re.fullmatch(regex, word))
        return tuple(form for form in (word, *stems, *numbers) if form in self._asked)


@lru_cache(maxsize=8192)  # people write with a few thousand words
def _forms_of(signs: Signs, word: str) -> tuple[str, ...]:
    return signs.forms_of(word)


@dataclass(frozen=True, slots=True)
class Forms:
    """Of a line, as one file of signs asks for it: where each form begins, and by section which signs have all that
    they need."""

    starts: Mapping[str, Sequence[int]]
    keys: frozenset[str]
    possible: Mapping[str, set[int]]


class Line:
    """Words as one line, each with a blank behind it, so that patterns can be found and their words again.

    What was found in it is kept, for a section's signs are asked for at each sign of others.
    """

    def __init__(self, words: list[Word]) -> None:
        self.words = words
        self.line = " ".join([*(word.key for word in words), ""])
        self.forms: dict[Signs, Forms] = {}
        self.found: dict[tuple[Signs, str], Sequence[Hit]] = {}

    @cached_property
    def starts(self) -> list[int]:
        """Where each word begins."""
        return list(accumulate((len(word.key) + 1 for word in self.words), initial=0))

    def at(self, character: int) -> int:
        """Which word stands there."""
        return bisect_right(self.starts, character) - 1

    def without(self, hits: Iterable[Hit]) -> "Line":
        """The same, with words that say nothing in place of these."""
        hidden = {at for hit in hits for at in range(hit.first, hit.last + 1)}
        if not hidden:
            return self
        return Line([Word("_", each.start, each.end) if at in hidden else each for at, each in enumerate(self.words)])


def _frequency(forms: Iterable[str]) -> int:
    """How often people write one of these: the rarest tells soonest that a sign is not there."""
    return sum(map(_how_often, forms))


@cache
def _how_often(form: str) -> int:
    counts = shipped().counts
    if not form.endswith("*"):
        return 1 + sum(counts.get(form, ()))
    words = _words_in_order()
    stem = form[:-1]
    first = bisect_left(words, stem)
    return 1 + sum(sum(counts[word]) for word in takewhile(lambda word: word.startswith(stem), words[first:]))


@lru_cache(maxsize=1)
def _words_in_order() -> list[str]:
    return sorted(shipped().counts)


def _expanded(text: str, macros: dict[str, str]) -> str:
    return re.sub(r"@\w+", lambda found: macros[found.group()], text)


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a pattern as a regular expression. `firsts`: forms of words of which it has one; `begins`: those it
    may begin with. None: of that nothing is known."""

    regex: str
    firsts: frozenset[str] | None
    begins: frozenset[str] | None
    optional: bool = False


def _sign(section: str, rule: str, pattern: str) -> Sign:
    tokens = _TOKEN.findall(pattern)
    parts = _sequence(tokens)
    if tokens or not parts:
        raise ValueError("a bracket stands alone")
    needs = tuple(part.firsts for part in parts if not part.optional and part.firsts)
    return Sign(section, rule, r"(?<![^ ])" + "".join(part.regex for part in parts), needs, _begins(parts))


def _begins(parts: Sequence[_Part]) -> frozenset[str] | None:
    words: frozenset[str] = frozenset()
    for part in parts:
        if part.begins is None:
            return None
        words |= part.begins
        if not part.optional:
            return words
    return None  # it may be nothing at all


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
    beginnings = [_begins(choice) for choice in choices]
    begins = None if None in beginnings else frozenset().union(*filter(None, beginnings))
    return _Part(f"(?:{regex}){_CLOSING[closing]}", frozenset(firsts) if firsts else None, begins, optional)


def _word(word: str) -> _Part:
    if word in GAPS:
        return _Part(rf"(?:[^ {STOP}]+ ){{0,{GAPS[word]}}}?", None, None, optional=True)
    optional, word = word.endswith("?"), word.rstrip("?").lstrip("\\")
    if word in _NUMBERS:
        regex = f"(?:{_NUMBERS[word]} )"
    elif word.endswith("*"):
        regex = f"(?:{re.escape(word[:-1])}[^ ]* )"
    else:
        regex = f"(?:{re.escape(word)} )"
    return _Part(f"{regex}{'?' if optional else ''}", frozenset((word,)), frozenset((word,)), optional)


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
