"""Header blocks inside a mail's text, and the forwarded mails that stand below them: who wrote what, and when."""

from dataclasses import asdict, dataclass
from typing import Any

from services.inbox import trim_patterns as patterns
from services.inbox.mail_lines import Line, next_written, strip_blank, tidy, unquoted

NESTED_LIMIT = 20
_VALUE_LIMIT = 500


@dataclass(frozen=True)
class Forwarded:
    """A mail that was passed on. Facts are as the passing program wrote them; '' where it did not."""

    name: str = ""
    address: str = ""
    date: str = ""  # in the words of that program
    to: str = ""
    subject: str = ""
    text: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Headers:
    """A block of header lines; `end` is the index after its last one."""

    fields: dict[str, str]
    end: int


def read_headers(lines: list[Line], start: int, *, marked: bool = False) -> Headers | None:
    """The block of header lines that begins on this line, or None.

    `marked`: below a line that says «Original message» one line is enough. Elsewhere people write «De: lunes a viernes»
    and «Para: mi esposo»; a block has the sender, two other fields, and an address or a date.
    """
    if start >= len(lines):
        return None
    fields: dict[str, str] = {}
    last = ""
    end = index = start
    while index < min(len(lines), start + patterns.HEADER_LINES) and lines[index].depth == lines[start].depth:
        bare = lines[index].bare
        found = patterns.HEADER.match(bare) or (patterns.BARE_HEADER.match(bare) if marked else None)
        if found:
            last = patterns.FIELDS[found.group("name").lower()]
            if last in fields and last in ("from", "subject"):
                break
            fields.setdefault(last, found.group("value").strip("*_ ")[:_VALUE_LIMIT])
            end = index + 1
        elif not bare:
            # Some programs put blank lines between the fields.
            following = next_written(lines, index)
            spaced = following - index <= 2 and following < len(lines) and len(fields) < 4 and "from" in fields
            if not spaced or not patterns.HEADER.match(lines[following].bare):
                break
            index = following - 1
        elif last in ("to", "cc") and ("@" in bare or ";" in bare) and not bare.endswith((".", "?", "!", ":")):
            end = index + 1  # a wrapped list of recipients
        elif last in ("from", "date") and index == end and len(bare) < 100 and _wraps(lines, index, fields):
            fields[last] = f"{fields[last]} {bare}"[:_VALUE_LIMIT]
            end = index + 1
        else:
            break
        index += 1
    if "from" not in fields:
        return None
    if marked:
        return Headers(fields, end)
    proven = "@" in fields["from"] + fields.get("to", "") or (
        "date" in fields and bool(patterns.DAY.search(fields["date"]) or patterns.CLOCK.search(fields["date"]))
    )
    return Headers(fields, end) if len(fields) >= 3 and proven else None


def _wraps(lines: list[Line], index: int, fields: dict[str, str]) -> bool:
    """A value that goes on in the next line: then another field follows it."""
    return index + 1 < len(lines) and len(fields) < 4 and patterns.HEADER.match(lines[index + 1].bare) is not None


def read_forwards(lines: list[Line]) -> list[Forwarded]:
    """The forwarded mail that begins with `lines`, marker line or headers first, and those forwarded inside it."""
    below_marker = lines[next_written(lines, 0) + 1 :]
    if any(line.depth for line in lines) and all(line.depth or line.blank for line in below_marker):
        lines = [unquoted(line) for line in lines]  # Apple Mail quotes what it forwards
    found: list[Forwarded] = []
    start = 0
    while start < len(lines):
        at = next_written(lines, start)
        marked = at < len(lines) and is_marker(lines[at])
        headers = read_headers(lines, next_written(lines, at + 1) if marked else at, marked=marked)
        begin = headers.end if headers else at + marked
        end = len(lines) if len(found) + 1 >= NESTED_LIMIT else _next(lines, begin)
        text = tidy(strip_blank(_without_rule(lines[begin:end], end < len(lines))))
        found.append(_forwarded(headers.fields if headers else {}, text))
        start = end
    return [each for each in found if each != Forwarded()]


def is_marker(line: Line) -> bool:
    return bool(patterns.FORWARDED.match(line.bare) or patterns.ORIGINAL_MESSAGE.match(line.bare))


def _next(lines: list[Line], start: int) -> int:
    """Where a mail begins that was forwarded inside this one."""
    for index in range(start, len(lines)):
        if lines[index].depth == 0 and (
            is_marker(lines[index])
            or (patterns.HEADER.match(lines[index].bare) and read_headers(lines, index) is not None)
        ):
            return index
    return len(lines)


def _without_rule(lines: list[Line], followed: bool) -> list[Line]:
    lines = strip_blank(lines)
    return lines[:-1] if followed and lines and patterns.RULE.match(lines[-1].bare) else lines


def _forwarded(fields: dict[str, str], text: str) -> Forwarded:
    sender = fields.get("from", "")
    found = patterns.ADDRESS.search(sender.replace("mailto:", ""))
    address = found.group().strip(".").lower() if found else ""
    name = sender.replace("mailto:", "")[: found.start()] if found else sender
    return Forwarded(
        name=name.strip(" \"'<>[]()*") or "",
        address=address,
        date=fields.get("date", ""),
        to=fields.get("to", ""),
        subject=fields.get("subject", ""),
        text=text,
    )
