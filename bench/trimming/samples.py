"""The sample set: invented mails in the formats that mail programs write, with what their author wrote.

`samples.jsonl` holds one mail a line: `client`, `language`, `shape`, `subject`, `author`, `text`, and `html` where the
program sends both; `new` is what the author wrote, `signature` what else stands in their part (closing, signature,
footers), `forwarded` the mails that they passed on. `held_out` mails were written before the trimming, and looked at
after it. `known_miss` says why a mail is not trimmed as stated.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATH = Path(__file__).parent / "samples.jsonl"
_QUOTE = re.compile(r"^\s{0,3}((?:>\s?)+)", re.MULTILINE)
_UNSEEN = {0xFEFF: None, 0x200B: None, 0x202F: " ", 0xA0: " "}


@dataclass(frozen=True)
class Sample:
    id: str
    client: str
    language: str
    shape: str
    held_out: bool
    subject: str
    author: str
    text: str
    new: str
    html: str | None = None
    signature: str = ""
    forwarded: tuple[dict[str, Any], ...] = ()
    known_miss: str = ""


def load() -> list[Sample]:
    with PATH.open(encoding="utf-8") as lines:
        return [Sample(**{"held_out": False, **json.loads(line)}) for line in lines]


def words(text: str) -> list[str]:
    """The text as it counts: its words and quotation marks, not its spaces and line breaks."""
    return _QUOTE.sub(lambda found: "> " * found.group(1).count(">"), text.translate(_UNSEEN)).split()


def lost(sample: Sample, got: str) -> bool:
    """Whether any word of the author is missing; or all is, where nobody but the quoted mail said anything."""
    if sample.shape == "quote only":
        return not words(got)
    own = sample.new
    if sample.shape != "trap":  # there «>» stands before the author's own lines; elsewhere before what they answer
        own = "\n".join(line for line in own.split("\n") if not _QUOTE.match(line))
    return bool(Counter(words(own)) - Counter(words(got)))


def exact(sample: Sample, got: str) -> bool:
    return words(got) == words(sample.new)


def quotes_right(sample: Sample, got: str) -> bool:
    """The quoted mail is gone and nothing else; closing and signature may have stayed."""
    whole, tail = words(sample.new), words(sample.signature)
    found = words(got)
    return found[: len(whole)] == whole and _within(found[len(whole) :], tail)


def _within(some: list[str], tail: list[str]) -> bool:
    """Whether these words are the tail, or a part of it in its order."""
    rest = iter(tail)
    return all(word in rest for word in some)
