"""Somebody made sure who a customer is, by telephone or at the counter: noted on the ticket, and taken back."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.addresses import addresses_in
from services.tickets.locks import lock_ticket
from services.tickets.new_ticket import storable
from services.tickets.recipients import propose
from shared import audit, clock
from shared.errors import Conflict, Invalid, NotFound
from shared.events import Event, publish
from shared.models import Entry, EntryKind, IdentityCheck, IdentityMethod
from shared.people import Actor, Permission

MAX_NOTE = 500


async def note_check(
    session: AsyncSession, me: Actor, ticket_id: int, *, address: str = "", method: IdentityMethod, note: str = ""
) -> IdentityCheck:
    """`address`: whose mail is meant; none: whoever wrote last. It ends by itself: see trust.ended_by."""
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id)
    note = storable(note).strip()
    if len(note) > MAX_NOTE:
        raise Invalid("Please keep the text under {limit} characters.", field="note", limit=MAX_NOTE)
    if method is IdentityMethod.OTHER and not note:
        raise Invalid("Say how the identity was checked.", field="note")
    given = addresses_in([address or (await propose(session, ticket)).to or ""], "address")
    if not given:
        raise Invalid("Say which address is the customer’s.", field="address")
    entry = Entry(
        ticket_id=ticket.id,
        kind=EntryKind.IDENTITY,
        actor_id=me.id,
        detail={"address": given[0], "method": method.value, "note": note},
    )
    session.add(entry)
    await session.flush()
    check = IdentityCheck(
        ticket_id=ticket.id, entry_id=entry.id, address=given[0], method=method, note=note, checked_by_id=me.id
    )
    session.add(check)
    await session.flush()
    audit.record(
        session, me.id, "identity.check", object_type="identity_check", object_id=check.id, ticket_id=ticket.id,
        detail={"address": given[0], "method": method.value, "note": note}, ip=me.ip,
    )  # fmt: skip
    await publish(session, Event("ticket", ticket.id, what="identity"))
    return check


async def take_back(session: AsyncSession, me: Actor, ticket_id: int, check_id: int) -> IdentityCheck:
    """It was a mistake, or no longer holds."""
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id)
    check = await session.scalar(
        select(IdentityCheck).where(IdentityCheck.id == check_id, IdentityCheck.ticket_id == ticket_id)
    )
    if check is None:
        raise NotFound("There is no such check.")
    if check.ended_at is not None:
        raise Conflict("This was taken back already.")
    check.ended_at, check.ended_by_id = clock.now(), me.id
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.IDENTITY,
            actor_id=me.id,
            detail={"address": check.address, "method": check.method.value, "taken_back": True},
        )
    )
    await session.flush()
    audit.record(
        session, me.id, "identity.take_back", object_type="identity_check", object_id=check.id, ticket_id=ticket.id,
        detail={"address": check.address}, ip=me.ip,
    )  # fmt: skip
    await publish(session, Event("ticket", ticket.id, what="identity"))
    return check
