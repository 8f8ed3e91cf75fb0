"""A customer's text as it is read: their own lines and the lines these answer, with what they state marked in place."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from services.tickets.facts import numbers_in
from services.tickets.views.facts import fact_view
from services.tickets.views.shapes import FactView

_MARK = re.compile(r"^ {0,3}> ?")
_MANY_DIGITS = re.compile(r"\d(?:[\s.-]?\d){9}")


@dataclass(frozen=True)
class Part:
    """Some of the text; with a fact when it states one. The first part of a fact is where links to it lead."""

    text: str
    fact: FactView | None = None
    first: bool = False


@dataclass(frozen=True)
class Run:
    parts: list[Part]  # without quotation marks, no blank lines around them
    quoted: bool

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)


def runs(text: str, facts: Sequence[FactView] = (), *, whole: bool = False) -> list[Run]:
    """In order; one run of own lines when nothing is quoted. `facts`: of the own lines, with their places in `text`,
    in order. `whole`: nothing is hidden."""
    lines: list[tuple[bool, int, int]] = []  # quoted, from, to
    at = 0
    for line in text.split("\n"):
        mark = _MARK.match(line)
        lines.append((mark is not None, at + (mark.end() if mark else 0), at + len(line)))
        at += len(line) + 1
    found = []
    for quoted, group in groupby(lines, key=lambda line: line[0]):
        spans = [(start, end) for _, start, end in group]
        while spans and not text[spans[0][0] : spans[0][1]].strip():
            spans.pop(0)
        while spans and not text[spans[-1][0] : spans[-1][1]].strip():
            spans.pop()
        if spans:
            answered = "\n".join(text[start:end] for start, end in spans)
            hidden = quoted and not any(spans[0][0] <= fact.start < spans[-1][1] for fact in facts)
            found.append(Run(hidden_in(answered, whole=whole) if hidden else _lines(text, spans, facts), quoted))
    return found


def parts(text: str, facts: Sequence[FactView], start: int = 0, end: int | None = None) -> list[Part]:
    """The text from `start` to `end`, cut where facts begin and end; a hidden one shows its value, once."""
    end = len(text) if end is None else end
    found: list[Part] = []
    at = start
    for fact in facts:
        begins, ends = max(fact.start, at), min(fact.end, end)
        if begins >= ends:
            continue
        if begins > at:
            found.append(Part(text[at:begins]))
        first = fact.start >= start
        found.append(Part(text[begins:ends] if not fact.hidden else fact.value if first else "", fact, first))
        at = ends
    if at < end:
        found.append(Part(text[at:end]))
    return found


def hidden_in(text: str, *, whole: bool = False) -> list[Part]:
    """A text that nobody keeps facts of (quotes, subjects): only what must not be seen in passing is looked for."""
    if whole:
        return [Part(text)]
    facts = [view for each in numbers_in(text) if (view := fact_view(0, each, False)).hidden]
    return [Part(part.text) for part in parts(text, facts)]


def without_accounts(text: str) -> str:
    """The same in one piece, for headings and excerpts, of which a list has hundreds."""
    return "".join(part.text for part in hidden_in(text)) if _MANY_DIGITS.search(text) else text


def _lines(text: str, spans: Sequence[tuple[int, int]], facts: Sequence[FactView]) -> list[Part]:
    found: list[Part] = []
    for number, (start, end) in enumerate(spans):
        if number:
            found.append(Part("\n"))
        found += parts(text, facts, start, end)
    joined: list[Part] = []
    for part in found:  # plain text in one piece
        if joined and part.fact is None and joined[-1].fact is None:
            joined[-1] = Part(joined[-1].text + part.text)
        else:
            joined.append(part)
    return joined
