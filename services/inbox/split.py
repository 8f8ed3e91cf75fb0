"""A mail cut at the marks that programs leave: the author's lines, quoted lines, the rest below headers, a forward."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.inbox import mail_lines as marks
from services.inbox import trim_patterns as patterns
from services.inbox.forwards import read_headers
from services.inbox.mail_lines import Line, next_written, strip_blank


@dataclass(frozen=True)
class Block:
    lines: list[Line]
    quoted: bool = False
    attributed: bool = False  # a program said whose words it quotes


@dataclass(frozen=True)
class Split:
    """A mail cut at the marks that programs leave."""

    blocks: list[Block]
    rest: list[Line] = field(default_factory=list)  # a quote to the end, without quotation marks
    forward: list[Line] = field(default_factory=list)


def split(lines: list[Line], subject: str) -> Split:
    blocks: list[Block] = []
    current: list[Line] = []
    attributed = False  # the next quoted lines have been announced
    index = 0

    def close() -> None:
        nonlocal current
        if any(line.bare or line.mark for line in current):
            blocks.append(Block(current))
        current = []

    while index < len(lines):
        line = lines[index]
        if line.blank and not line.depth and not line.mark:
            current.append(line)
            index += 1
            continue
        if line.mark in (marks.ATTRIBUTION, marks.ATTRIBUTION_END) or (line.depth and line.mark):
            if line.mark == marks.ATTRIBUTION and not _forward_follows(lines, index + 1):
                index = _after(lines, index, marks.ATTRIBUTION_END)
                attributed = True
            else:
                index += 1
            continue
        forward_end = _forward_end(lines, index, subject, current, blocks)
        if forward_end is not None:
            close()
            below = strip_blank(lines[forward_end:])
            if below:
                blocks.append(Block(below))
            return Split(blocks, forward=[each for each in lines[index:forward_end] if not each.mark])
        if line.mark == marks.REST:
            end = _after(lines, index, marks.REST_END)
            current = _without_rule(current)
            close()
            if end < len(lines):
                blocks.append(Block(lines[end:]))
            return Split(blocks, rest=lines[index:end])
        if line.depth:
            close()
            end = _quote_end(lines, index)
            blocks.append(
                Block(
                    _without_attribution(lines[index:end]),
                    quoted=True,
                    attributed=attributed or _attributed(lines, index),
                )
            )
            index = end
            continue
        if patterns.ORIGINAL_MESSAGE.match(line.bare) or patterns.REPLY_ABOVE.match(line.bare):
            close()
            return Split(blocks, rest=lines[index:])
        if (headers := _headers_at(lines, index)) is not None:
            current = _without_rule(current)
            close()
            after = next_written(lines, headers)
            if after < len(lines) and lines[after].depth:  # quoted with marks all the same: answers may stand between
                attributed = True
                index = headers
                continue
            return Split(blocks, rest=lines[index:])
        last = _attribution(lines, index)
        if last is not None:
            after = next_written(lines, last + 1)
            if after >= len(lines):
                break  # nothing is quoted below it
            if not lines[after].depth:
                close()
                return Split(blocks, rest=lines[index:])
            attributed = True
            index = last + 1
            continue
        current.append(line)
        index += 1
    close()
    return Split(blocks)


def _after(lines: list[Line], start: int, mark: str) -> int:
    """The index after the next line with that mark; the end when there is none."""
    for index in range(start + 1, len(lines)):
        if lines[index].mark == mark:
            return index + 1
    return len(lines)


def _quote_end(lines: list[Line], start: int) -> int:
    """After the last of the quoted lines from `start` on; blank lines between them belong to them."""
    end = index = start
    while index < len(lines) and (lines[index].depth or (lines[index].blank and not lines[index].mark)):
        index += 1
        if lines[index - 1].depth:
            end = index
    return end


# Forwards


def _forward_follows(lines: list[Line], start: int) -> bool:
    at = next_written(lines, start)
    return at < len(lines) and bool(patterns.FORWARDED.match(lines[at].bare))


def _forward_end(
    lines: list[Line], index: int, subject: str, current: list[Line], blocks: Sequence[Block]
) -> int | None:
    """Where the forwarded mail ends that begins on this line; None when none begins."""
    line = lines[index]
    if any(block.quoted for block in blocks):
        return None  # inside what somebody answers
    if patterns.FORWARDED.match(line.bare) and line.depth <= 1:
        return _end_of_forward(lines, index)
    if line.depth:
        return None
    at = index
    if line.mark == marks.REST:
        at = _next_unmarked(lines, index)
        if at < len(lines) and patterns.FORWARDED.match(lines[at].bare):
            return _end_of_forward(lines, at)
    is_forward = bool(patterns.FORWARD_SUBJECT.match(subject[:200]))
    if not is_forward and (patterns.ANSWER_SUBJECT.match(subject[:200]) or _said(current, blocks)):
        return None
    if at < len(lines) and patterns.RULE.match(lines[at].bare):
        at = _next_unmarked(lines, at)
    if at < len(lines) and patterns.ORIGINAL_MESSAGE.match(lines[at].bare):
        return _end_of_forward(lines, at)
    return _end_of_forward(lines, at) if _headers_at(lines, at) is not None else None


def _next_unmarked(lines: list[Line], index: int) -> int:
    index += 1
    while index < len(lines) and lines[index].blank:
        index += 1
    return index


def _said(current: list[Line], blocks: Sequence[Block]) -> bool:
    return any(line.bare for line in current) or bool(blocks)


def _end_of_forward(lines: list[Line], start: int) -> int:
    """The end of the mail; or of the quoted lines, when the forward is quoted: what stands below is the author's."""
    first = next_written(lines, start + 1)
    if lines[start].depth or (first < len(lines) and lines[first].depth):
        return _quote_end(lines, start if lines[start].depth else first)
    return len(lines)


# Attributions


def _headers_at(lines: list[Line], index: int) -> int | None:
    """The index after Outlook's block of header lines when it begins here, with or without a rule above it."""
    if index >= len(lines):
        return None
    if not patterns.HEADER.match(lines[index].bare):
        return None
    headers = read_headers(lines, index)
    return headers.end if headers else None


def _without_rule(current: list[Line]) -> list[Line]:
    current = strip_blank(current)
    return current[:-1] if current and patterns.RULE.match(current[-1].bare) else current


def _attribution(lines: list[Line], index: int) -> int | None:
    """The last line of «On … wrote:» when it begins on this line."""
    if not patterns.ATTRIBUTION_START.match(lines[index].bare):
        return None
    joined = ""
    depth = lines[index].depth
    for last in range(index, min(index + patterns.ATTRIBUTION_LINES, len(lines))):
        line = lines[last]
        if line.blank or line.depth != depth:
            return None
        joined = f"{joined} {line.bare}".strip()
        if patterns.ATTRIBUTION_VERB.search(line.bare) or line.bare.endswith((":", ">", "-")):
            following = next_written(lines, last + 1)
            quotes = following < len(lines) and lines[following].depth > depth
            if _is_attribution(joined, quotes):
                return last
            if not line.bare.endswith((">", "-")):
                return None
    return None


def _is_attribution(said: str, quotes_follow: bool) -> bool:
    """What makes such a sentence an attribution and not «Ayer escribió mi esposo…»."""
    if patterns.FRAMED_ATTRIBUTION.match(said) or (quotes_follow and patterns.DATE_AND_ADDRESS.match(said)):
        return True
    if not patterns.ATTRIBUTION_VERB.search(said) and not said.endswith(":"):
        return False
    address = patterns.ADDRESS.search(said) is not None
    day, clock = patterns.DAY.search(said) is not None, patterns.CLOCK.search(said) is not None
    if quotes_follow:
        return address or day if patterns.ATTRIBUTION_VERB.search(said) else address or (day and clock)
    if patterns.NAME_AND_ADDRESS.match(said):
        return True
    return clock and patterns.ADDRESS_AND_VERB.search(said) is not None


def _attributed(lines: list[Line], start: int) -> bool:
    """Apple Mail quotes the attribution too."""
    first = next_written(lines, start)
    return first < len(lines) and _attribution(lines, first) is not None


def _without_attribution(quoted: list[Line]) -> list[Line]:
    first = next_written(quoted, 0)
    if first < len(quoted):
        last = _attribution_within(quoted, first)
        if last is not None:
            return quoted[last + 1 :]
    return quoted


def _attribution_within(quoted: list[Line], first: int) -> int | None:
    if not patterns.ATTRIBUTION_START.match(quoted[first].bare):
        return None
    joined = ""
    for last in range(first, min(first + patterns.ATTRIBUTION_LINES, len(quoted))):
        joined = f"{joined} {quoted[last].bare}".strip()
        if patterns.ATTRIBUTION_VERB.search(quoted[last].bare):
            return last if _is_attribution(joined, quotes_follow=True) else None
    return None
