"""Everybody who was asked to take a ticket, and why: the stored explanations with the names that belong to them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.views.shapes import PersonRef, View
from shared.errors import NotFound
from shared.models import Assignment, AssignmentState, Person, Ticket

MOST = 50  # the newest of a ticket that went from hand to hand


class Candidate(View):
    """One who could have been asked."""

    person: PersonRef
    behind: float = Field(
        description="Points of cost behind the best: 6 are one more open ticket, or one more thing that few can do; 3 "
        "are an hour less of idleness; 15 are having worked on the ticket."
    )


class Refused(View):
    rule: str = Field(description="Of the router.", examples=["language"])
    people: list[PersonRef]


class AskedView(View):
    """One assignment, and what the router knew when it was made."""

    id: int
    person: PersonRef
    state: AssignmentState
    by: PersonRef | None = Field(description="Who assigned it; null: the router, or they took it themselves.")
    routed: bool = Field(description="The router chose them; else a person did.")
    offered_at: datetime
    ended_at: datetime | None
    reason: str
    urgency: float | None = Field(description="Share of the promise that had passed, weighted by language.")
    waited_minutes: float | None
    target_minutes: float | None
    could: list[Candidate] = Field(description="Best first; the one who was asked is among them.")
    could_not: list[Refused] = Field(description="Who was not asked, by the rule that said so.")
    explanation: dict[str, Any] = Field(description="As it was stored.")
    sentences: list[str] = Field(description="The same in words, in the language of the request.")


async def assignments_view(session: AsyncSession, ticket_id: int) -> list[AskedView]:
    """Newest first, without sentences. Raises NotFound."""
    if await session.get(Ticket, ticket_id) is None:
        raise NotFound("There is no ticket {ticket_id}.", ticket_id=ticket_id)
    found = list(
        await session.scalars(
            select(Assignment).where(Assignment.ticket_id == ticket_id).order_by(Assignment.id.desc()).limit(MOST)
        )
    )
    names = await _names(session, found)
    return [_view(assignment, names) for assignment in found]


def _view(assignment: Assignment, names: dict[int, str]) -> AskedView:
    told = assignment.explanation
    costs = [(int(each["person_id"]), float(each["cost"])) for each in told.get("candidates") or []]
    best = min((cost for _, cost in costs), default=0.0)

    def ref(person_id: int) -> PersonRef:
        return PersonRef(id=person_id, name=names.get(person_id, f"#{person_id}"))

    return AskedView(
        id=assignment.id,
        person=ref(assignment.person_id),
        state=assignment.state,
        by=None if assignment.assigned_by_id is None else ref(assignment.assigned_by_id),
        routed=bool(costs),
        offered_at=assignment.offered_at,
        ended_at=assignment.ended_at,
        reason=assignment.reason,
        urgency=told.get("urgency"),
        waited_minutes=told.get("waited_minutes"),
        target_minutes=told.get("target_minutes"),
        could=[
            Candidate(person=ref(id_), behind=round(cost - best, 2))
            for id_, cost in sorted(costs, key=lambda each: (each[1], each[0]))
        ],
        could_not=[
            Refused(rule=rule, people=[ref(int(id_)) for id_ in people])
            for rule, people in (told.get("rejected") or {}).items()
            if people
        ],
        explanation=told,
        sentences=[],
    )


async def _names(session: AsyncSession, assignments: Iterable[Assignment]) -> dict[int, str]:
    ids: set[int] = set()
    for assignment in assignments:
        told = assignment.explanation
        ids |= {assignment.person_id, *([assignment.assigned_by_id] if assignment.assigned_by_id else [])}
        ids |= {int(each["person_id"]) for each in told.get("candidates") or []}
        for people in (told.get("rejected") or {}).values():
            ids |= {int(id_) for id_ in people}
    rows = await session.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
    return {row.id: row.name for row in rows}
