"""Names that people here bear often, for where neither a capital letter nor a word beside it shows one."""

from functools import cache
from pathlib import Path

_NAMES = Path(__file__).parents[1] / "data" / "names.txt"


@cache
def _lists() -> dict[str, frozenset[str]]:
    lists: dict[str, list[str]] = {}
    current: list[str] = []
    for line in _NAMES.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        if line.endswith(":"):
            current = lists.setdefault(line.removesuffix(":"), [])
        else:
            current += line.split()
    return {title: frozenset(names) for title, names in lists.items()}


def is_given(key: str) -> bool:
    """Whether the word (lower case, no accents) is a given name and no other word."""
    return key in _lists()["given"] and key not in _lists()["words"]


def may_be_given(key: str) -> bool:
    """Whether it is a given name, or another word that is one too."""
    return key in _lists()["given"]


def is_family(key: str) -> bool:
    return key in _lists()["family"]
