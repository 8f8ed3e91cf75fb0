"""What the author of a mail wrote, apart from quoted mail, signature, mobile footers and legal footers.

Works line by line in linear time. Two rules stand above the rest: the author's words are never lost (answers between
quoted lines stay, a forwarded message is content, a mail that is only a quote keeps it), and the whole text is kept
beside the result for whoever wants to read it.
"""

import re
from enum import Enum, auto

from services.inbox import trim_patterns as patterns

_WORD = re.compile(r"[^\W\d_]{2,}", re.UNICODE)
_CONTACT = re.compile(
    r"\d{3}[-.\s)]{0,2}\d{3,4}|\S+@\S+|https?://|www\.|\b(?:tel|cel|cell|phone|mobile|fax|ext)\b", re.I
)
_TITLE_CASE = re.compile(
    r"^[A-ZÁÉÍÓÚÑÜ][\w.'’-]*(?:\s+(?:[A-ZÁÉÍÓÚÑÜ][\w.'’-]*|de|del|la|las|los|y|e|van|von|&)){0,5}$"
)

# How long the tail of a mail may be to still be a signature.
SIGNATURE_LINES = 8
SIGNATURE_LINE_LENGTH = 90
MARKED_SIGNATURE_LINES = 15


class _Line(Enum):
    AUTHOR = auto()
    QUOTE = auto()
    DROPPED = auto()


def new_text(text: str, *, subject: str = "", author: str = "") -> str:
    """The author's own words. `author` is the sender's display name: a signature often begins with it."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    probe = [line[: patterns.LINE_LIMIT].strip() for line in lines]
    forwarded_at = _forward_start(probe, subject)
    end = len(lines) if forwarded_at is None else forwarded_at
    kinds = _mark_quotes(lines, probe, end)
    own = [line for line, kind in zip(lines[:end], kinds, strict=True) if kind is _Line.AUTHOR]
    own = _without_tail(own, author)
    result = _tidy(own)
    if forwarded_at is not None:
        forwarded = "\n".join(line.rstrip() for line in lines[forwarded_at:]).strip()
        result = f"{result}\n\n{forwarded}".strip()
    if not result:  # nothing but a quote or a signature: better the whole than nothing
        return _tidy(lines)
    return result


def _forward_start(probe: list[str], subject: str) -> int | None:
    """Where a forwarded message begins. It is content: it stays, with the lines that say who wrote it."""
    is_forward = bool(patterns.FORWARD_SUBJECT.match(subject[:200]))
    for index, line in enumerate(probe):
        if line.startswith(">"):
            continue
        if patterns.FORWARDED.match(line):
            return index
        if patterns.ORIGINAL_MESSAGE.match(line) or _header_block(probe, index):
            return index if is_forward else None
        if not is_forward and patterns.ATTRIBUTION_END.search(line) and _attribution(probe, index) is not None:
            return None
    return None


def _mark_quotes(lines: list[str], probe: list[str], end: int) -> list[_Line]:
    kinds = [_Line.AUTHOR] * end
    index = 0
    while index < end:
        line = probe[index]
        if patterns.QUOTED.match(lines[index][: patterns.LINE_LIMIT]):
            kinds[index] = _Line.QUOTE
        elif patterns.ORIGINAL_MESSAGE.match(line) or _header_block(probe, index):
            start = index
            if start and re.fullmatch(r"[_\-=]{5,}", probe[start - 1]):  # Outlook's rule above the header lines
                start -= 1
            kinds[start:end] = [_Line.QUOTE] * (end - start)
            break
        elif (attribution := _attribution(probe, index)) is not None:
            first_after = next((i for i in range(attribution + 1, end) if probe[i]), None)
            kinds[index : attribution + 1] = [_Line.DROPPED] * (attribution + 1 - index)
            if first_after is None:
                break
            if not patterns.QUOTED.match(lines[first_after][: patterns.LINE_LIMIT]):
                # The program does not mark quoted lines: all that follows is the quote. Unless nothing was written
                # above it, and quote marks follow later: then somebody answered below the attribution.
                kinds[index:end] = [_Line.QUOTE] * (end - index)
                break
            index = attribution
        index += 1
    return kinds


def _attribution(probe: list[str], index: int) -> int | None:
    """The last line of «On … wrote:» when it begins on this line."""
    if not patterns.ATTRIBUTION_START.match(probe[index]):
        return None
    joined = ""
    for last in range(index, min(index + 4, len(probe))):
        if last > index and (not probe[last] or probe[last].startswith(">")):
            return None
        joined = f"{joined} {probe[last]}"
        if patterns.ATTRIBUTION_END.search(probe[last]):
            return last if patterns.ATTRIBUTION_FACT.search(joined) else None
        if len(joined) > 2 * patterns.LINE_LIMIT:
            return None
    return None


def _header_block(probe: list[str], index: int) -> bool:
    """Outlook's From / Sent / To / Subject lines (De / Enviado / Para / Asunto): From and two kinds of others."""
    if not patterns.HEADER_FROM.match(probe[index]):
        return False
    names: set[str] = set()
    blanks = 0
    for line in probe[index + 1 : index + 9]:
        if not line:
            blanks += 1
            if blanks > 1 and names:
                break
            continue
        match = patterns.HEADER_OTHER.match(line)
        if match:
            names.add(match.group("name").lower())
    return len(names) >= 2


def _without_tail(own: list[str], author: str) -> list[str]:
    """The author's lines without mobile footer, legal footer and signature at their end."""
    lines = _rstrip_blank(
        [line for line in own if not patterns.MOBILE_FOOTER.match(line.strip()[: patterns.LINE_LIMIT])]
    )
    lines = _without_disclaimer(lines)
    lines = _without_marked_signature(lines)
    return _without_signature(lines, author)


def _rstrip_blank(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]


def _without_disclaimer(lines: list[str]) -> list[str]:
    """A legal footer, when it begins in the last forty lines and something stands above it."""
    for index in range(max(1, len(lines) - 40), len(lines)):
        start = lines[index].strip()[: patterns.LINE_LIMIT]
        joined = " ".join([start, *(line.strip()[: patterns.LINE_LIMIT] for line in lines[index + 1 : index + 2])])
        match = patterns.DISCLAIMER.search(joined)
        if match is None or match.start() > min(20, len(start)):  # it has to begin on this line
            continue
        if any("?" in line for line in lines[index:]):  # somebody asks something after it: not a footer
            continue
        return _rstrip_blank(lines[:index]) or lines
    return lines


def _without_marked_signature(lines: list[str]) -> list[str]:
    for index in range(max(1, len(lines) - MARKED_SIGNATURE_LINES - 1), len(lines)):
        if patterns.SIGNATURE_MARK.match(lines[index].rstrip("\r")):
            return _rstrip_blank(lines[:index]) or lines
    return lines


def _without_signature(lines: list[str], author: str) -> list[str]:
    """A closing phrase with a name below it, or a last paragraph that is the author's name and how to reach them."""
    first = max(1, len(lines) - SIGNATURE_LINES - 1)
    for index in range(first, len(lines)):
        if not patterns.SIGN_OFF.match(lines[index].strip()[: patterns.LINE_LIMIT]):
            continue
        tail = [line for line in lines[index + 1 :] if line.strip()]
        if tail and _is_signature(tail, author):
            return _rstrip_blank(lines[:index]) or lines
    for index in range(first, len(lines)):
        if lines[index - 1].strip():  # a signature without closing phrase begins a paragraph…
            if index != len(lines) - 1:
                continue
            if not _is_name(lines[index].strip(), author, strict=True):  # …or is the name alone on the last line
                continue
        tail = [line for line in lines[index:] if line.strip()]
        if tail and _is_name(tail[0].strip(), author, strict=True) and _is_signature(tail, author):
            return _rstrip_blank(lines[:index]) or lines
    return lines


def _is_signature(tail: list[str], author: str) -> bool:
    if len(tail) > SIGNATURE_LINES or any(len(line) > SIGNATURE_LINE_LENGTH for line in tail):
        return False
    if any(line.rstrip().endswith("?") for line in tail):
        return False
    if not (_is_name(tail[0].strip(), author, strict=False) or _CONTACT.search(tail[0])):
        return False
    return not any(_is_sentence(line) for line in tail)


def _is_sentence(line: str) -> bool:
    """Sentences are the author's words, wherever they stand."""
    words = len(_WORD.findall(line))
    return not _CONTACT.search(line) and (words > 9 or (words > 4 and line.rstrip().endswith((".", "!"))))


def _is_name(line: str, author: str, *, strict: bool) -> bool:
    """The author's name, alone or at the beginning of a line of contact facts."""
    words = {word.casefold() for word in _WORD.findall(author)}
    head = re.split(r"[|·•,;–—-]", line, maxsplit=1)[0].strip()
    own = [word.casefold() for word in _WORD.findall(head)]
    if words and own and len(own) <= 6 and any(word in words for word in own):
        return own[0] in words or len(own) <= 4
    if strict:
        # Without the display name: a given name, family names and a number or address below or beside it.
        return not words and bool(_TITLE_CASE.match(head)) and len(own) <= 5
    return len(own) <= 6 and bool(_TITLE_CASE.match(head))


def _tidy(lines: list[str]) -> str:
    """Without blank lines at the ends and never two in a row."""
    out: list[str] = []
    for line in lines:
        stripped = line.rstrip()
        if stripped or (out and out[-1]):
            out.append(stripped)
    return "\n".join(out).strip("\n").rstrip()
