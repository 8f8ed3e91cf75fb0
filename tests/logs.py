"""What the logs of a house say of a failure, in few characters: every file's errors first, then how each of them ends.

Services write JSON, a line an event, with the exception in it (shared/logs.py); Redis and PostgreSQL write plain lines.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LONGEST = 15_000  # characters for all files together
MESSAGE = 1_500  # of one exception: SQLAlchemy tells a statement with all its values
VALUE = 300
TRACEBACK = "Traceback (most recent call last):"
WRONG = re.compile(rf"\b(ERROR|FATAL|PANIC|CRITICAL):|^{re.escape(TRACEBACK)}|# (Fatal|Can't|Failed)")
CUT = "[…]"


def logs(directory: Path, longest: int = LONGEST) -> str:
    """All `*.log` below a folder. The errors take two thirds at most, and no file what another one needs."""
    files = {path.relative_to(directory): path for path in sorted(directory.rglob("*.log"))}
    events = [_events(path.read_text(errors="replace")) for path in files.values()]
    wrong = [_wrong(one) for one in events]
    ends = ["\n".join(said for said, _ in one) for one in events]
    heads = [f"--- {name}: {len(told)} different errors" for name, told in zip(files, wrong, strict=True)]
    feet = [f"--- the end of {name}" for name in files]
    room = longest - sum(len(line) + 2 for line in heads + feet)
    errors = _shared(["\n".join(told) for told in wrong], room * 2 // 3, keep_end=False)
    ends = _shared(ends, room - sum(map(len, errors)), keep_end=True)
    told = [part for pair in zip(heads, errors, strict=True) for part in pair]
    return "\n".join(filter(None, [*told, *(part for pair in zip(feet, ends, strict=True) for part in pair)]))


def _events(text: str) -> list[tuple[str, str]]:
    """What was written, each as short as it can be said, and what it tells of an error: "" when all went well."""
    events: list[tuple[str, str]] = []
    block: list[str] = []  # a plain line and the indented ones below it; with them the last one of a plain traceback

    def end_block() -> None:
        if block:
            events.append(("\n".join(block), "\n".join(block) if any(map(WRONG.search, block)) else ""))
            block.clear()

    for line in text.splitlines():
        if (event := _parsed(line)) is not None:
            end_block()
            said = _sentence(event)
            bad = event.get("level") in ("error", "critical") or "exception" in event
            events.append((said, "\n".join([said, *_exceptions(event.get("exception"))]) if bad else ""))
            continue
        if not line.startswith(" ") and not (len(block) > 1 and block[0] == TRACEBACK and block[-1].startswith(" ")):
            end_block()
        block.append(line)
    end_block()
    return events


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _sentence(event: dict[str, Any]) -> str:
    """`03:05:30.893 error arq.worker: it failed mailbox=3`."""
    first = f"{str(event.get('timestamp', ''))[11:23]} {event.get('level', '')} {event.get('logger', '')}"
    known = ("timestamp", "level", "logger", "event", "exception", "service")
    rest = (f"{name}={_cut(str(value), VALUE)}" for name, value in event.items() if name not in known)
    return " ".join([f"{first}: {event.get('event', '')}", *rest]).strip()


def _exceptions(chain: object) -> list[str]:
    """As structlog's ExceptionDictTransformer tells them: our frames and the innermost one of each, causes below."""
    if not isinstance(chain, list):
        return str(chain).splitlines() if chain else []
    told = []
    for one in chain:
        told.append(f"  {one['exc_type']}: {_cut(one['exc_value'], MESSAGE)}")
        frames = one["frames"]
        for frame in frames:
            if frame is frames[-1] or not re.search(r"/lib/|^<", frame["filename"]):
                told.append(f"    {'/'.join(Path(frame['filename']).parts[-3:])}:{frame['lineno']} in {frame['name']}")
        for inner in one["exceptions"]:
            told += [f"  | {line}" for line in _exceptions(inner)]
    return told


def _wrong(events: Sequence[tuple[str, str]]) -> list[str]:
    """What went wrong, the newest first; what went wrong again and again is told once."""
    times: dict[str, list[str]] = {}
    for _, wrong in reversed(events):
        if wrong:
            times.setdefault(re.sub(r"\b[0-9a-f]{8,}\b|\d+", "0", wrong), []).append(wrong)
    return [f"{same[0]}{f'  ({len(same)} such)' if len(same) > 1 else ''}" for same in times.values()]


def _shared(texts: Sequence[str], room: int, *, keep_end: bool) -> list[str]:
    """Cut to `room` characters together: what short ones leave is for the others."""
    sizes = [0] * len(texts)
    left = room
    for number, place in enumerate(sorted(range(len(texts)), key=lambda place: len(texts[place]))):
        sizes[place] = min(len(texts[place]), max(0, left) // (len(texts) - number))
        left -= sizes[place]
    return [_cut(text, size, keep_end=keep_end) for text, size in zip(texts, sizes, strict=True)]


def _cut(text: str, size: int, *, keep_end: bool = False) -> str:
    if len(text) <= size:
        return text
    kept = max(0, size - len(CUT))
    return f"{CUT}{text[len(text) - kept :]}" if keep_end else f"{text[:kept]}{CUT}"
