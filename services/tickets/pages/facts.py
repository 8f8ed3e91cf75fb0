"""What a ticket's messages state, as lines of a short list: each once, in the reader's language, with its places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.tickets.facts import FactKind, FactPart
from services.tickets.views.caller_models import CallerView
from services.tickets.views.models import EntryView
from services.tickets.views.shapes import FactView
from shared.models import CallerFactKind, EntryKind
from shared.web import i18n

# What a person looks for first.
ORDER = (
    FactKind.ACCOUNT, FactKind.AGREEMENT, FactKind.PHONE, FactKind.DATE, FactKind.AMOUNT, FactKind.ADDRESS,
    FactKind.NAME,
)  # fmt: skip
# What stands on the card of what a caller wants, where it can be confirmed, is not listed again.
_ON_THE_CARD = {
    FactKind.PHONE: CallerFactKind.CALLBACK, FactKind.ACCOUNT: CallerFactKind.ACCOUNT,
    FactKind.AGREEMENT: CallerFactKind.AGREEMENT, FactKind.NAME: CallerFactKind.NAME,
}  # fmt: skip


@dataclass(frozen=True)
class FactLine:
    kind: FactKind
    value: str
    shown: str
    hidden: bool
    signed: bool  # stands in signatures alone
    anchors: list[str]


def fact_lines(
    language: str, stated: Mapping[int, Sequence[FactView]], entries: Sequence[EntryView], caller: CallerView
) -> list[FactLine]:
    known = {(each.kind, each.value) for each in caller.facts}
    lines: dict[tuple[FactKind, str], FactLine] = {}
    for entry in entries:
        for fact in stated.get(entry.id, ()):
            on_card = _ON_THE_CARD.get(fact.kind)
            if entry.kind is EntryKind.VOICEMAIL and on_card is not None and (on_card, fact.value) in known:
                continue
            key = (fact.kind, fact.value.lower())
            line = lines.get(key) or FactLine(
                fact.kind, fact.value, worded(language, fact.kind, fact.value), fact.hidden, True, []
            )
            line = replace(line, signed=line.signed and fact.part is FactPart.SIGNATURE)
            lines[key] = line
            line.anchors.append(fact.anchor)
    return sorted(lines.values(), key=lambda line: ORDER.index(line.kind))


def worded(language: str, kind: FactKind, value: str) -> str:
    """A value as people here read it."""
    if kind is FactKind.PHONE:
        return i18n.phone(value)
    if kind is FactKind.AMOUNT:
        return i18n.dollars(language, value)
    if kind is FactKind.DATE:
        return i18n.day(language, date.fromisoformat(value), "full")
    return value
