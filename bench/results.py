"""RESULTS.md as sections: what is measured anew takes the place of what stood there, everything else stays.

A section that a benchmark writes ends with its table. What a person wrote below the table stays below the new one, and
sections of other titles stay where they are.
"""

import re

from bench.figures import TABLE

_SECTION = re.compile(r"^(?=## )", re.MULTILINE)


def merged(document: str, measured: dict[str, str]) -> str:
    """The document with the sections of `measured` (title -> Markdown from its «## title» on) in their places."""
    head, *sections = _SECTION.split(document)
    parts = [head.strip()]
    left = dict(measured)
    for section in sections:
        title = section.partition("\n")[0].removeprefix("## ").strip()
        if title in left:
            section = left.pop(title).strip() + "\n\n" + _below_table(section)
        parts.append(section.strip())
    parts += [section.strip() for section in left.values()]
    return "\n\n".join(part for part in parts if part) + "\n"


def _below_table(section: str) -> str:
    """What stands below the first table of three columns; all but the title where there is none."""
    lines = section.splitlines()
    if TABLE not in lines:
        return "\n".join(lines[1:]).strip()
    after = lines.index(TABLE) + 1
    while after < len(lines) and lines[after].startswith("|"):
        after += 1
    return "\n".join(lines[after:]).strip()
