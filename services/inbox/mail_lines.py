"""The lines of a mail as the trimming looks at them: cleaned, cut, with depth of quotation and marks from HTML."""

import re
from dataclasses import dataclass

from services.inbox.trim_patterns import LINE_LIMIT, QUOTED

# Lines of one such character stand for structure that was found in HTML (`html_marks.py`).
REST, REST_END, ATTRIBUTION, ATTRIBUTION_END, SIGNATURE, SIGNATURE_END = (chr(0xF0F0 + number) for number in range(6))
MARKS = frozenset({REST, REST_END, ATTRIBUTION, ATTRIBUTION_END, SIGNATURE, SIGNATURE_END})
_MARK = re.compile(f"[{REST}-{SIGNATURE_END}]")
# Spaces that programs put into dates, and characters nobody sees (iPhone begins quotes with a byte order mark).
_CLEAN = {0xA0: " ", 0x202F: " ", 0x2009: " ", 0xFEFF: None, 0x200B: None, 0x200E: None, 0x200F: None, 0x2060: None}


@dataclass(frozen=True)
class Line:
    text: str  # as it came, without what nobody sees
    bare: str  # without quotation marks, stripped, cut
    depth: int  # how often it is quoted
    mark: str = ""

    @property
    def blank(self) -> bool:
        return not self.bare


BLANK = Line("", "", 0)


def without_marks(text: str) -> str:
    """What came from outside cannot bring marks of its own."""
    return _MARK.sub("", text)


def read_lines(text: str) -> list[Line]:
    return [_line(line) for line in text.translate(_CLEAN).replace("\r\n", "\n").replace("\r", "\n").split("\n")]


def _line(text: str) -> Line:
    text = text.rstrip()
    if not text:
        return BLANK
    head = text[:LINE_LIMIT]
    depth = 0
    if ">" in head[:4]:
        quoted = QUOTED.match(head)
        if quoted:
            depth = quoted.group(1).count(">")
            head = head[quoted.end() :]
    bare = head.strip()
    if bare in MARKS:
        return Line("", "", depth, bare)
    return Line(text, bare, depth)


def unquoted(line: Line) -> Line:
    """The line with one level of quotation less."""
    return _line(re.sub(r"^\s{0,3}> ?", "", line.text, count=1)) if line.depth else line


def strip_blank(lines: list[Line]) -> list[Line]:
    """Without blank lines at both ends."""
    start, end = 0, len(lines)
    while end and lines[end - 1].blank:
        end -= 1
    while start < end and lines[start].blank:
        start += 1
    return lines[start:end]


def tidy(lines: list[Line]) -> str:
    """As text, without blank lines at the ends and never two in a row."""
    out: list[str] = []
    for line in lines:
        if not line.mark and (line.text or (out and out[-1])):
            out.append(line.text)
    return "\n".join(out).strip("\n").rstrip()


def next_written(lines: list[Line], start: int) -> int:
    """The first line from `start` on that says something; len(lines) when none does."""
    while start < len(lines) and lines[start].blank:
        start += 1
    return start
