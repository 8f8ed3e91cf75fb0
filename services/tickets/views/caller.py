"""What the callers of a ticket want, as its card and the API show it."""

import re

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.caller_actions import HIDDEN_FROM_SIGHT, tel
from services.tickets.caller_facts import of_recordings, recordings_on
from services.tickets.facts import masked
from services.tickets.views.caller_models import CallerFactView, CallerView, PlaceView
from services.tickets.views.models import PersonRef
from shared.errors import NotFound
from shared.models import CallerFact, CallerFactKind, CallerFactState, Person, RecordingState, Ticket

_SHOWN = (CallerFactState.CONFIRMED, CallerFactState.HEARD)
_PENDING = (RecordingState.FETCHING, RecordingState.RECEIVED)
_KINDS = [CallerFactKind.CALLBACK, CallerFactKind.NAME, CallerFactKind.ACCOUNT, CallerFactKind.AGREEMENT]


async def caller_view(session: AsyncSession, ticket_id: int, *, whole_accounts: bool = False) -> CallerView:
    """Callback numbers, names, accounts; what is confirmed first. Raises NotFound.

    `whole_accounts`: account numbers as they are, instead of their last digits only; the caller audits that.
    """
    ticket = await session.get(Ticket, ticket_id)
    if ticket is None:
        raise NotFound("There is no ticket {ticket_id}.", ticket_id=ticket_id)
    recordings = await recordings_on(session, ticket_id)
    facts = [fact for fact in await of_recordings(session, [each.id for each in recordings]) if fact.state in _SHOWN]
    people = {fact.decided_by_id for fact in facts if fact.decided_by_id is not None}
    found = await session.execute(select(Person.id, Person.name).where(Person.id.in_(people)))
    names = {row.id: row.name for row in found}
    facts.sort(key=lambda fact: (_KINDS.index(fact.kind), _SHOWN.index(fact.state), fact.for_other))
    return CallerView(
        facts=[_view(fact, ticket, names, whole_accounts) for fact in facts],
        caller_id=recordings[-1].caller_id if recordings else None,
        recordings=len(recordings),
        pending=any(each.state in _PENDING for each in recordings),
    )


def _view(fact: CallerFact, ticket: Ticket, names: dict[int, str], whole_accounts: bool) -> CallerFactView:
    hidden = fact.kind in HIDDEN_FROM_SIGHT and not whole_accounts
    whole = fact.kind is not CallerFactKind.CALLBACK or bool(re.fullmatch(r"\+\d{8,15}", fact.value))
    return CallerFactView(
        id=fact.id,
        recording_id=fact.recording_id,
        kind=fact.kind,
        value=masked(fact.value) if hidden else fact.value,
        extension=fact.extension,
        state=fact.state,
        places=[
            PlaceView(**({**place, "said": ""} if hidden else place))  # it says the number
            for place in fact.places
        ],
        confidence=fact.confidence,
        doubts=fact.doubts,
        unclear_digits=fact.unclear_digits,
        earlier="" if hidden else fact.earlier,
        agrees_with_caller_id=fact.agrees_with_caller_id,
        for_other=fact.for_other,
        in_use=fact.kind is CallerFactKind.CALLBACK and ticket.callback_number == tel(fact.value, fact.extension),
        usable=whole,
        by_hand=fact.by_hand_id is not None,
        decided_by=PersonRef(id=fact.decided_by_id, name=names.get(fact.decided_by_id, ""))
        if fact.decided_by_id is not None
        else None,
        decided_at=fact.decided_at,
    )
