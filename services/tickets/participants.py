"""Who may speak on a ticket by mail: seen, let in with a reason, shown out. Copies are proposed, never just trusted."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.addresses import addresses_in, without_tag
from services.tickets.locks import lock_ticket
from services.tickets.new_ticket import clean_line
from services.tickets.rights import require_mine, require_not_merged
from services.tickets.thread_repository import family
from shared import audit, clock
from shared.errors import Invalid, NotFound
from shared.events import Event, publish
from shared.models import (
    CustomerIdentity,
    Entry,
    EntryKind,
    IdentityKind,
    Intake,
    Mailbox,
    Message,
    NoAcknowledgement,
    Participant,
    ParticipantHow,
    Person,
    Ticket,
)
from shared.people import Actor, Permission

MAX_REASON = 500
MAX_PROPOSED = 20
MAILS_LOOKED_AT = 50  # the newest


class ParticipantView(BaseModel):
    """Somebody who may speak on the ticket: what they write joins it."""

    model_config = ConfigDict(frozen=True)

    address: str
    how: ParticipantHow = Field(description="How they came there.")
    customer: bool = Field(description="Whether this is an address of the ticket's customer.")
    reason: str = Field(description="Why a representative let them in; may be empty.")
    added_by: str | None
    added_at: datetime
    from_ticket_id: int | None = Field(description="The merged ticket that they came with.")
    quiet: bool = Field(description="They asked for no automatic mail, or complained about it.")


class ProposedView(BaseModel):
    """Somebody whom a participant's mail has in copy, and about whom nobody has decided."""

    model_config = ConfigDict(frozen=True)

    address: str
    copied_by: str
    at: datetime


class RemovedView(BaseModel):
    """Somebody who may not speak here: their next mail opens a ticket of its own, linked to this one."""

    model_config = ConfigDict(frozen=True)

    address: str
    removed_by: str | None
    removed_at: datetime


class PeopleOnTicket(BaseModel):
    participants: list[ParticipantView]
    proposed: list[ProposedView]
    removed: list[RemovedView]


async def people_on(session: AsyncSession, ticket: Ticket) -> PeopleOnTicket:
    adder, remover = Person.__table__.alias("adder"), Person.__table__.alias("remover")
    rows = list(
        await session.execute(
            select(
                Participant,
                adder.c.name,
                remover.c.name,
                select(NoAcknowledgement.address).where(NoAcknowledgement.address == Participant.address).exists(),
            )
            .outerjoin(adder, adder.c.id == Participant.added_by_id)
            .outerjoin(remover, remover.c.id == Participant.removed_by_id)
            .where(Participant.ticket_id == ticket.id)
            .order_by(Participant.added_at, Participant.address)
            .execution_options(populate_existing=True)
        )
    )
    customers = await identities(session, ticket.customer_id)
    here = {row.address for row, *_ in rows if row.removed_at is None}
    return PeopleOnTicket(
        participants=[
            ParticipantView(
                address=row.address,
                how=row.how,
                customer=row.address in customers,
                reason=row.reason,
                added_by=added_by,
                added_at=row.added_at,
                from_ticket_id=row.from_ticket_id,
                quiet=quiet,
            )
            for row, added_by, _, quiet in rows
            if row.removed_at is None
        ],
        proposed=await _proposed(session, ticket.id, here, {row.address for row, *_ in rows}),
        removed=[
            RemovedView(address=row.address, removed_by=removed_by, removed_at=row.removed_at)
            for row, _, removed_by, _ in rows
            if row.removed_at is not None
        ],
    )


async def identities(session: AsyncSession, customer_id: int | None) -> set[str]:
    """The customer's addresses."""
    if customer_id is None:
        return set()
    return set(
        await session.scalars(
            select(CustomerIdentity.value).where(
                CustomerIdentity.customer_id == customer_id, CustomerIdentity.kind == IdentityKind.EMAIL
            )
        )
    )


async def addresses_on(session: AsyncSession, ticket_id: int) -> set[str]:
    """Who may speak there now."""
    return set(
        await session.scalars(
            select(Participant.address).where(Participant.ticket_id == ticket_id, Participant.removed_at.is_(None))
        )
    )


async def let_in(session: AsyncSession, me: Actor, ticket_id: int, address: str, reason: str = "") -> Participant:
    """From now on what they write joins the ticket, and they may be answered there.

    A reason is needed where it opens the matter to somebody whom neither the customer's record nor a participant's
    copy names.
    """
    me.require(Permission.TICKET_WORK)
    address, reason = _one(address), clean_line(reason)[:MAX_REASON]
    ticket = await lock_ticket(session, ticket_id)
    require_mine(me, ticket)
    require_not_merged(ticket)
    if without_tag(address) in await _ours(session):
        raise Invalid("This is our own address. It takes part in every ticket.", field="address")
    people = await people_on(session, ticket)
    if any(each.address == address for each in people.participants):
        return await session.get_one(Participant, (ticket_id, address))
    copied = next((each.copied_by for each in people.proposed if each.address == address), None)
    known = address in await identities(session, ticket.customer_id)
    if not reason and copied is None and not known:
        raise Invalid("Say why they may see this customer’s matter.", field="reason")
    how = ParticipantHow.COPIED if copied is not None else ParticipantHow.ADDED
    await _put(session, ticket_id, [address], how=how, added_by_id=me.id, reason=reason, again=True)
    await _tell(session, me, ticket, address, "added", how=how.value, reason=reason)
    return await session.get_one(Participant, (ticket_id, address), populate_existing=True)


async def show_out(session: AsyncSession, me: Actor, ticket_id: int, address: str, reason: str = "") -> None:
    """Their next mail opens a ticket of its own, linked to this one. A proposal that is declined is not made again."""
    me.require(Permission.TICKET_WORK)
    address, reason = _one(address), clean_line(reason)[:MAX_REASON]
    ticket = await lock_ticket(session, ticket_id)
    require_mine(me, ticket)
    require_not_merged(ticket)
    row = await session.get(Participant, (ticket_id, address), populate_existing=True)
    if row is not None and row.removed_at is not None:
        return
    what = "removed"
    if row is None:
        if not any(each.address == address for each in (await people_on(session, ticket)).proposed):
            raise NotFound("{address} does not take part in this ticket.", address=address)
        row = Participant(ticket_id=ticket_id, address=address, how=ParticipantHow.COPIED)
        session.add(row)
        what = "declined"
    row.removed_at, row.removed_by_id = clock.now(), me.id
    await session.flush()
    await _tell(session, me, ticket, address, what, reason=reason)


async def written_to(session: AsyncSession, ticket_id: int, addresses: Sequence[str], person_id: int) -> list[str]:
    """Whom a CSR writes to may write back, also after they were shown out. Returns who may only since now."""
    before = await addresses_on(session, ticket_id)
    await _put(session, ticket_id, addresses, how=ParticipantHow.WRITTEN_TO, added_by_id=person_id, again=True)
    return [address for address in dict.fromkeys(addresses) if address not in before]


async def bring(session: AsyncSession, from_id: int, to_id: int) -> list[str]:
    """Who takes part in one ticket takes part in the other too. Returns whom the other did not have.

    Whoever was shown out there stays out.
    """
    there = set(await session.scalars(select(Participant.address).where(Participant.ticket_id == to_id)))
    new = sorted(await addresses_on(session, from_id) - there)
    await _put(session, to_id, new, how=ParticipantHow.MERGED, from_ticket_id=from_id)
    return new


async def copy(session: AsyncSession, from_id: int, to_id: int, addresses: Iterable[str]) -> None:
    """Those of these who may speak on one ticket may speak on the other, for the same reasons."""
    columns = ("address", "how", "reason", "added_by_id", "from_ticket_id", "added_at")
    rows = select(literal(to_id), *(getattr(Participant, name) for name in columns)).where(
        Participant.ticket_id == from_id, Participant.address.in_(set(addresses)), Participant.removed_at.is_(None)
    )
    await session.execute(insert(Participant).from_select(["ticket_id", *columns], rows).on_conflict_do_nothing())


async def _put(
    session: AsyncSession,
    ticket_id: int,
    addresses: Iterable[str],
    *,
    how: ParticipantHow,
    added_by_id: int | None = None,
    reason: str = "",
    from_ticket_id: int | None = None,
    again: bool = False,
) -> None:
    """`again`: also those who were shown out, and those who only came with a merged ticket, are here in their own
    right from now on."""
    rows = [
        {
            "ticket_id": ticket_id, "address": address, "how": how, "added_by_id": added_by_id, "reason": reason,
            "from_ticket_id": from_ticket_id, "added_at": clock.now(),
        }
        for address in dict.fromkeys(addresses)
        if address
    ]  # fmt: skip
    if not rows:
        return
    statement = insert(Participant).values(rows)
    if not again:
        await session.execute(statement.on_conflict_do_nothing())
        return
    given = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["ticket_id", "address"],
            set_={
                "how": given.how, "added_by_id": given.added_by_id, "reason": given.reason,
                "added_at": given.added_at, "from_ticket_id": None, "removed_at": None, "removed_by_id": None,
            },
            where=or_(Participant.removed_at.is_not(None), Participant.how == ParticipantHow.MERGED),
        )
    )  # fmt: skip


async def _proposed(session: AsyncSession, ticket_id: int, here: set[str], decided: set[str]) -> list[ProposedView]:
    """Who stands in To or Cc of a participant's mail and was neither let in nor turned away. Newest mail first."""
    own = await _ours(session)
    mails = await session.execute(
        select(Message.from_address, Message.to_addresses, Message.cc_addresses, Message.received_at)
        .join(Intake, Intake.message_id == Message.id)
        .where(Intake.ticket_id.in_(family(ticket_id)), Message.machine.is_(None), Message.from_address.in_(here))
        .order_by(Message.id.desc())
        .limit(MAILS_LOOKED_AT)
    )
    found: dict[str, ProposedView] = {}
    for sender, to, cc, at in mails:
        for address in (each.lower() for each in [*to, *cc]):
            if address not in decided and address not in found and without_tag(address) not in own and "@" in address:
                found[address] = ProposedView(address=address, copied_by=sender, at=at)
    return list(found.values())[:MAX_PROPOSED]


async def _ours(session: AsyncSession) -> set[str]:
    """Of every mailbox that we have or had: nobody proposes them, nobody lets them in."""
    return set(await session.scalars(select(func.lower(Mailbox.address))))


async def _tell(session: AsyncSession, me: Actor, ticket: Ticket, address: str, what: str, **more: str) -> None:
    """On the timeline, in the audit log, and to the screens."""
    detail: dict[str, object] = {
        "address": address,
        "what": what,
        **{key: value for key, value in more.items() if value},
    }
    session.add(Entry(ticket_id=ticket.id, kind=EntryKind.PARTICIPANT, actor_id=me.id, detail=detail))
    audit.record(
        session, me.id, f"participant.{what}", object_type="ticket", object_id=ticket.id, ticket_id=ticket.id,
        detail=detail, ip=me.ip,
    )  # fmt: skip
    ticket.updated_at = clock.now()
    people = (ticket.assignee_id,) if ticket.assignee_id is not None else ()
    await publish(session, Event("ticket", ticket.id, people=people, what="participant"))


def _one(address: str) -> str:
    found = addresses_in([address], "address")
    if not found:
        raise Invalid("Give an email address.", field="address")
    return found[0]
