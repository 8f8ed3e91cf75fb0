"""Where the machine is wrong, as the page and the API show it; and the tally, which is pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import Field

from services.tickets.views.shapes import View
from shared.models import Channel, CorrectionKind

MAX_EXAMPLES = 3


@dataclass(frozen=True)
class Decided:
    """What the machine decided of one kind, what stands there now, and whether a person said anything."""

    by_machine: str | None  # None: a person chose it, no machine did
    now: str
    judged: bool


@dataclass(frozen=True)
class Alike:
    """Tickets that were decided and corrected alike. `examples`: the newest of them."""

    channel: Channel
    model: str
    decisions: dict[CorrectionKind, Decided]
    tickets: int
    examples: Sequence[int]


class Share(View):
    """How often one kind of decision was corrected, of those that were made."""

    decided: int = Field(description="Tickets handled by somebody for which the machine decided this.")
    judged: int = Field(description="Of them, those about which somebody said something.")
    corrected: int = Field(description="Of them, those that were decided otherwise by a person.")
    percent: float | None = Field(description="Corrected of decided; null: nothing was decided.")


class Shares(View):
    """Of one channel, or one version of the model."""

    name: str
    tickets: int
    language: Share
    topic: Share
    priority: Share


class Confusion(View):
    """What was decided, what it was corrected to, and how often."""

    decided: str
    corrected: str
    tickets: int
    of: int = Field(description="Tickets that were decided so.")
    percent: float
    examples: list[int] = Field(description="Tickets, the newest first.")


class LearningView(View):
    """Tickets that came in the period and that somebody took in hand, answered, closed or corrected."""

    since: date
    until: date = Field(description="The last day that counts.")
    handled: int
    whole: Shares
    channels: list[Shares]
    models: list[Shares] = Field(description="By the model's version; empty: read before versions were kept.")
    topics: list[Confusion]
    languages: list[Confusion]
    priorities: list[Confusion]


def tally(since: date, until: date, groups: Sequence[Alike]) -> LearningView:
    """Pure: the figures of all groups together, by channel, by version and by what was taken for what."""
    whole = _shares("", groups)
    return LearningView(
        since=since,
        until=until,
        handled=whole.tickets,
        whole=whole,
        channels=_by(groups, lambda each: each.channel.value),
        models=_by(groups, lambda each: each.model),
        topics=_confusions(groups, CorrectionKind.TOPIC),
        languages=_confusions(groups, CorrectionKind.LANGUAGE),
        priorities=_confusions(groups, CorrectionKind.PRIORITY),
    )


def _by(groups: Iterable[Alike], key: Callable[[Alike], str]) -> list[Shares]:
    found: dict[str, list[Alike]] = defaultdict(list)
    for each in groups:
        found[key(each)].append(each)
    shares = [_shares(name, alike) for name, alike in found.items()]
    return sorted(shares, key=lambda each: (-each.tickets, each.name))


def _shares(name: str, groups: Iterable[Alike]) -> Shares:
    groups = list(groups)
    of = {kind.value: _share(groups, kind) for kind in CorrectionKind}
    return Shares(name=name, tickets=sum(each.tickets for each in groups), **of)


def _share(groups: Iterable[Alike], kind: CorrectionKind) -> Share:
    decided = judged = corrected = 0
    for each in groups:
        found = each.decisions[kind]
        if found.by_machine is None:
            continue
        decided += each.tickets
        judged += each.tickets if found.judged else 0
        corrected += each.tickets if found.judged and found.now != found.by_machine else 0
    percent = round(100 * corrected / decided, 1) if decided else None
    return Share(decided=decided, judged=judged, corrected=corrected, percent=percent)


def _confusions(groups: Iterable[Alike], kind: CorrectionKind) -> list[Confusion]:
    decided: Counter[str] = Counter()
    wrong: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[int]] = defaultdict(list)
    for each in groups:
        found = each.decisions[kind]
        if found.by_machine is None:
            continue
        decided[found.by_machine] += each.tickets
        if found.judged and found.now != found.by_machine:
            pair = (found.by_machine, found.now)
            wrong[pair] += each.tickets
            examples[pair] += each.examples
    return [
        Confusion(
            decided=pair[0],
            corrected=pair[1],
            tickets=tickets,
            of=decided[pair[0]],
            percent=round(100 * tickets / decided[pair[0]], 1),
            examples=sorted(examples[pair], reverse=True)[:MAX_EXAMPLES],
        )
        for pair, tickets in sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
    ]
