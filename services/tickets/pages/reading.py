"""A customer's text as runs of their own lines and of the quoted lines that these answer."""

import re
from dataclasses import dataclass
from itertools import groupby

_MARK = re.compile(r"^ {0,3}> ?")


@dataclass(frozen=True)
class Run:
    text: str  # without quotation marks, no blank lines around it
    quoted: bool


def runs(text: str) -> list[Run]:
    """In order; one run of own lines when nothing is quoted."""
    groups = groupby(text.split("\n"), key=lambda line: _MARK.match(line) is not None)
    found = [
        Run("\n".join(_MARK.sub("", line) if quoted else line for line in lines), quoted) for quoted, lines in groups
    ]
    return [Run(run.text.strip("\n"), run.quoted) for run in found if run.text.strip()]
