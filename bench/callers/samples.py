"""The sample set: invented sentences of callers in many styles, each with what a careful listener notes.

`samples.jsonl` holds one a line: `language`, `form` (how it is said), `said`; `callbacks` in order (E.164, `~` before
digits of a number that was not said whole, `x` before an extension), `accounts`, `name` (the caller's), `caller_id`
where it matters. What is absent must not be found.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.tickets.callers.facts import Doubt, Fact, Kind
from services.tickets.callers.listen import listen
from services.tickets.callers.words import of_text

PATH = Path(__file__).parent / "samples.jsonl"


@dataclass(frozen=True)
class Sample:
    id: str
    language: str
    form: str
    said: str
    callbacks: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    name: str = ""
    caller_id: str | None = None
    held_out: bool = False


@dataclass(frozen=True)
class Score:
    """`wrong`: something was noted that was not said so; `missed`: something that was said is not there."""

    exact: bool
    missed: bool
    wrong: bool
    got: tuple[list[str], list[str], str]


def load() -> list[Sample]:
    with PATH.open(encoding="utf-8") as lines:
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    for row in rows:
        row.update((key, tuple(row[key])) for key in ("callbacks", "accounts") if key in row)
    return [Sample(**row) for row in rows]


def score(sample: Sample) -> Score:
    found = listen(of_text(sample.said), sample.caller_id)
    callbacks = [_written(fact) for fact in found.of(Kind.CALLBACK)]
    accounts = [fact.value for fact in found.of(Kind.ACCOUNT)]
    name = next((fact.value for fact in found.of(Kind.NAME)), "")
    # How sure a listener could be is part of the answer: a whole number that is only a guess would be wrong.
    pairs = [(callbacks, list(sample.callbacks)), (accounts, list(sample.accounts))]
    pairs.append(([name] if name else [], [sample.name] if sample.name else []))
    return Score(
        exact=all(got == wanted for got, wanted in pairs),
        missed=any(set(wanted) - set(got) for got, wanted in pairs),
        wrong=any(set(got) - set(wanted) for got, wanted in pairs),
        got=(callbacks, accounts, name),
    )


def _written(fact: Fact) -> str:
    sure = not {Doubt.INCOMPLETE, Doubt.TOO_MANY, Doubt.NOT_VALID} & set(fact.doubts)
    return ("" if sure else "~") + fact.value + (f"x{fact.extension}" if fact.extension else "")
