"""Watches every statement for the one order in which rows are locked (services/tickets/locks.py).

Whoever breaks it passes every test, and ends in a deadlock on a busy morning.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event

ORDER = ("name", "person", "ticket", "assignment", "last name")
ADVISORY = re.compile(r"\bpg_(?P<tries>try_)?advisory_xact_lock\((?P<last>last\))?")
SELECTED = re.compile(r"\bFOR (?:NO KEY )?UPDATE\b(?: OF (?P<of>\w+(?:, \w+)*))?(?P<skips> SKIP LOCKED)?")
TABLES = re.compile(r"\b(?:FROM|JOIN|,)\s+(person|ticket|assignment)\b")
CHANGED = re.compile(r"\b(?:UPDATE|DELETE FROM)\s+(person|ticket|assignment)\b")


@dataclass(frozen=True)
class Lock:
    """Of some rows of one kind. `waits`: until whoever has them lets go."""

    kind: str
    waits: bool = True
    changes: bool = False  # rows that are usually locked by then


def locks_of(statement: str) -> list[Lock]:
    """What a statement locks, of what has a place in the order."""
    found = []
    if advisory := ADVISORY.search(statement):
        found.append(Lock("last name" if advisory["last"] else "name", waits=not advisory["tries"]))
    for selected in SELECTED.finditer(statement):
        tables = TABLES.findall(statement)
        named = [table for table in tables if table in (selected["of"] or "").split(", ")]
        found += [Lock(table, waits=not selected["skips"]) for table in ORDER if table in (named or tables)]
    return found + [Lock(table, changes=True) for table in CHANGED.findall(statement)]


Rows = frozenset[tuple[str, int]]


@dataclass(frozen=True)
class Held:
    """What one transaction has locked: the kinds, with the statement that was the first of each, and known rows."""

    kinds: Mapping[str, str] = field(default_factory=dict)
    rows: Rows = frozenset()

    def take(self, statement: str, parameters: Sequence[object] = ()) -> tuple["Held", str | None]:
        """What it has then, and what is wrong with that, if anything."""
        wrong = None
        kinds, rows = dict(self.kinds), self.rows
        for lock in locks_of(statement):
            named = frozenset((lock.kind, each) for each in parameters if isinstance(each, int))
            later = [kind for kind in kinds if ORDER.index(kind) > ORDER.index(lock.kind)]
            # Nobody waits for what they have: the same rows again, and changes of rows that were locked in time.
            again = (lock.changes and lock.kind in kinds) or (named and named <= rows)
            if lock.waits and later and not again:
                wrong = f"{lock.kind} after {later[0]}:\n  first {kinds[later[0]]}\n  then {_short(statement)}"
            kinds.setdefault(lock.kind, _short(statement))
            rows |= named
        return Held(kinds, rows), wrong


def _short(statement: str) -> str:
    return " ".join(statement.split())[-300:]


@contextmanager
def watched() -> Iterator[list[str]]:
    """Every transaction of every engine meanwhile; yields what was done in the wrong order."""
    wrong: list[str] = []
    held: dict[int, Held] = {}  # by connection
    saved: dict[tuple[int, str], Held] = {}

    def begin(connection: Connection) -> None:
        held[id(connection)] = Held()

    def execute(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        given = parameters if isinstance(parameters, tuple) else ()
        held[id(connection)], found = held.get(id(connection), Held()).take(statement, given)
        if found is not None:
            wrong.append(found)

    def save(connection: Connection, name: str) -> None:
        saved[id(connection), name] = held.get(id(connection), Held())

    def roll_back(connection: Connection, name: str, _context: None) -> None:
        held[id(connection)] = saved.get((id(connection), name), Held())

    listeners: dict[str, Callable[..., None]] = {
        "begin": begin, "before_cursor_execute": execute, "savepoint": save, "rollback_savepoint": roll_back,
    }  # fmt: skip
    for name, listener in listeners.items():
        event.listen(Engine, name, listener)
    try:
        yield wrong
    finally:
        for name, listener in listeners.items():
            event.remove(Engine, name, listener)
