"""What a representative does with a ticket at the desk: answer it, note something, let it wait, close it, reopen it."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import (
    acknowledged_repository,
    letter,
    outgoing,
    release,
    reply_files,
    reply_templates,
    search,
    signatures,
)
from services.tickets.addresses import addresses_in, without_tag
from services.tickets.calls import schedule
from services.tickets.clocks import moves as clocks
from services.tickets.corrections import set_language, set_priority, set_topic
from services.tickets.locks import lock_ticket, open_assignment
from services.tickets.new_ticket import storable
from services.tickets.participants import written_to
from services.tickets.recipients import propose
from services.tickets.rights import require_mine, require_not_merged
from services.tickets.routing.handover import end
from shared import audit, clock
from shared.database import ring
from shared.errors import Conflict, Invalid, NotFound
from shared.events import Event, publish
from shared.jobs import Job
from shared.language import CLEAR, read_text
from shared.mailboxes import own_addresses
from shared.models import (
    Assignment,
    AssignmentState,
    Delivery,
    DeliveryFile,
    DeliveryKind,
    Entry,
    EntryKind,
    ScheduledEnd,
    Ticket,
    TicketState,
)
from shared.people import Actor, Permission
from shared.settings import Settings

__all__ = ["move", "note", "reply", "set_language", "set_priority", "set_state", "set_topic"]

MAX_TEXT = 100_000
MAX_RECIPIENTS = 20
_FROM_CUSTOMER = (EntryKind.MAIL_IN, EntryKind.VOICEMAIL, EntryKind.CONTACT)


async def reply(
    session: AsyncSession,
    settings: Settings,
    me: Actor,
    ticket_id: int,
    *,
    text: str,
    to: Sequence[str] | None = None,
    cc: Sequence[str] = (),
    then: TicketState | None = None,
    seen_entry_id: int | None = None,
    file_ids: Sequence[int] = (),
    release_reason: str | None = None,
) -> Delivery:
    """Answer the customer by mail; `then` lets the ticket wait or closes it.

    `to` defaults to whoever wrote last (recipients.py). `seen_entry_id`: the newest entry the writer had on the screen;
    what the customer said after it makes this a Conflict. `file_ids`: uploaded files that go with it (reply_files.py).
    It is held for `undo_s` seconds, in which deliveries.take_back can undo all of this. `release_reason`: why facts of
    the account may go to somebody whom nobody has verified; without it such a reply raises ConfirmRelease.
    """
    me.require(Permission.TICKET_WORK)
    text = _text(text)
    ticket = await lock_ticket(session, ticket_id)
    require_mine(me, ticket)
    if ticket.state is TicketState.CLOSED:
        raise Conflict("Ticket {number} is closed. Reopen it to answer.", number=ticket_id)
    if seen_entry_id is not None:
        await _nothing_newer(session, ticket_id, seen_entry_id)
    last = await acknowledged_repository.last_mail_of(session, ticket_id)
    if to is None:
        proposed = (await propose(session, ticket)).to
        to = [proposed] if proposed else []
    recipients, copies = await whom(session, settings, to, cc)
    files = await reply_files.check(session, settings, ticket_id, file_ids, text)
    released = await release.look(
        session, settings, ticket, text, [*recipients, *copies], reason=release_reason,
        files=[file.filename for file in files],
    )  # fmt: skip
    found = read_text(text)
    language = found.language if found.confidence >= CLEAR else ticket.language
    signed_in = next((each for each in (language, ticket.language) if each in reply_templates.LANGUAGES), "en")
    delivery = await outgoing.delivery_row(
        session,
        settings,
        ticket,
        kind=DeliveryKind.REPLY,
        to=recipients,
        cc=copies,
        subject=outgoing.reply_subject(last.subject if last is not None else ticket.subject, ticket.id),
        language=language,
        letter=letter.write(
            text,
            language=signed_in,
            signature=await signatures.under_a_reply(session, settings, me.id, signed_in),
            answers=last,
            settings=settings,
            images=[file.content_id for file in files if file.inline],
        ),
        answers=last,
        created_by_id=me.id,
    )
    before = ticket.state, ticket.assignee_id, await open_assignment(session, ticket_id)
    detail: dict[str, object] = {"released": released.detail()} if released else {}
    await record_sent(session, settings, me, ticket, delivery, text=text, files=files, detail=detail)
    if released:
        release.record(session, me, ticket, delivery.id, released)
    if then is not None:
        await move(session, settings, me, ticket, then)
        remember_state(delivery, ticket, *before)
    audit.record(
        session, me.id, "ticket.reply", object_type="delivery", object_id=delivery.id, ticket_id=ticket.id,
        detail={"to": recipients, "cc": copies, "files": [file.filename for file in files]}, ip=me.ip,
    )  # fmt: skip
    await publish(session, Event("ticket", ticket.id, concerned(ticket, me), "reply"))
    return delivery


async def record_sent(
    session: AsyncSession, settings: Settings, me: Actor, ticket: Ticket, delivery: Delivery, *,
    text: str, files: Sequence[DeliveryFile], detail: dict[str, object] | None = None,
) -> None:  # fmt: skip
    """What a person's mail brings with it: its row, its files, its place on the timeline, and who may answer."""
    outgoing.hold(settings, delivery)
    await outgoing.send_all(session, [delivery])
    reply_files.send_with(delivery, files)
    everybody = [*delivery.to_addresses, *delivery.cc_addresses]
    delivery.undo = {"participants": await written_to(session, ticket.id, everybody, me.id)}
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.MAIL_OUT,
            actor_id=me.id,
            delivery_id=delivery.id,
            text=text,
            detail={"to": delivery.to_addresses, "cc": delivery.cc_addresses, **(detail or {})},
        )
    )
    await session.flush()
    await _index(session, ticket, "delivery", delivery.id, text)
    ticket.updated_at = clock.now()


def remember_state(
    delivery: Delivery, ticket: Ticket, state: TicketState, assignee_id: int | None, assignment: Assignment | None
) -> None:
    """What the ticket was before the reply let it wait or closed it, for taking the reply back."""
    delivery.undo = {
        **(delivery.undo or {}),
        "then": ticket.state.value,
        "rev": ticket.rev,
        "state": state.value,
        "assignee_id": assignee_id,
        "assignment_id": assignment.id if assignment is not None else None,
    }


async def note(session: AsyncSession, me: Actor, ticket_id: int, text: str) -> Entry:
    """Something for colleagues; the customer never sees it."""
    me.require(Permission.TICKET_WORK)
    text = _text(text)
    ticket = await session.get(Ticket, ticket_id)
    if ticket is None:
        raise NotFound("There is no ticket {number}.", number=ticket_id)
    entry = Entry(ticket_id=ticket_id, kind=EntryKind.NOTE, actor_id=me.id, text=text)
    session.add(entry)
    await session.flush()
    await _index(session, ticket, "entry", entry.id, text)
    audit.record(session, me.id, "ticket.note", object_type="entry", object_id=entry.id, ticket_id=ticket_id, ip=me.ip)
    await publish(session, Event("ticket", ticket_id, concerned(ticket, me), "note"))
    return entry


async def set_state(session: AsyncSession, settings: Settings, me: Actor, ticket_id: int, state: TicketState) -> Ticket:
    """Let it wait for the customer, work on it again, close it; or reopen it into the queue."""
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id)
    require_not_merged(ticket)
    before = ticket.state
    if ticket.state is not TicketState.CLOSED:
        require_mine(me, ticket)
    await move(session, settings, me, ticket, state)
    if ticket.state is not before:
        audit.record(
            session, me.id, "ticket.set_state", ticket_id=ticket.id,
            detail={"from": before.value, "to": ticket.state.value}, ip=me.ip,
        )  # fmt: skip
        await publish(session, Event("ticket", ticket.id, concerned(ticket, me), ticket.state.value))
    return ticket


async def move(session: AsyncSession, settings: Settings, me: Actor, ticket: Ticket, state: TicketState) -> None:
    """Change the state of a locked ticket, with its assignment and its clock."""
    before, now = ticket.state, clock.now()
    if state is before or (before is TicketState.QUEUED and state is TicketState.QUEUED):
        return
    if before is TicketState.CLOSED:
        if state not in (TicketState.QUEUED, TicketState.ASSIGNED):
            raise Conflict("Ticket {number} is closed. Reopen it first.", number=ticket.id)
        ticket.state, ticket.closed_at = TicketState.QUEUED, None
        ticket.queued_at = now
        await clocks.reopened(session, settings, ticket, now)
        ring(session, Job.ROUTE, ticket.id)
    elif state is TicketState.CLOSED:
        assignment = await open_assignment(session, ticket.id)
        if assignment is not None:
            offered = assignment.state is AssignmentState.OFFERED
            end(assignment, AssignmentState.WITHDRAWN if offered else AssignmentState.DONE, cause="closed")
            if offered:
                await publish(session, Event("offer", assignment.id, (assignment.person_id,), "withdrawn"))
        ticket.state, ticket.assignee_id, ticket.closed_at = TicketState.CLOSED, None, now
        await schedule.end(session, ticket, ScheduledEnd.MOVED_ON)
        ring(session, Job.ROUTE, 0)  # somebody has room again
    elif state is TicketState.WAITING and before is TicketState.ASSIGNED:
        ticket.state = TicketState.WAITING
        ring(session, Job.ROUTE, 0)
    elif state is TicketState.ASSIGNED and before is TicketState.WAITING:
        ticket.state = TicketState.ASSIGNED
        await schedule.end(session, ticket, ScheduledEnd.MOVED_ON)
    else:
        raise Conflict("Ticket {number} cannot be changed like this from where it is now.", number=ticket.id)
    ticket.rev += 1
    ticket.updated_at = now
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.STATE,
            actor_id=me.id,
            detail={"from": before.value, "to": ticket.state.value},
        )
    )
    await clocks.follow(session, settings, ticket, now)
    await session.flush()


async def whom(
    session: AsyncSession, settings: Settings, to: Sequence[str], cc: Sequence[str]
) -> tuple[list[str], list[str]]:
    """To whom a mail goes, and copies of it. Raises Invalid."""
    recipients = addresses_in(to, "to")
    copies = [address for address in addresses_in(cc, "cc") if address not in recipients]
    if not recipients:
        raise Invalid("Say whom the answer goes to.", field="to")
    if len(recipients) + len(copies) > MAX_RECIPIENTS:
        raise Invalid("That is too many recipients; at most {limit}.", field="to", limit=MAX_RECIPIENTS)
    own = await own_addresses(session, settings)
    if own & {without_tag(address) for address in (*recipients, *copies)}:
        raise Invalid("This is our own address. Say whom the answer goes to.", field="to")
    return recipients, copies


async def _nothing_newer(session: AsyncSession, ticket_id: int, seen_entry_id: int) -> None:
    newer = await session.scalar(
        select(Entry.id)
        .where(Entry.ticket_id == ticket_id, Entry.id > seen_entry_id, Entry.kind.in_(_FROM_CUSTOMER))
        .limit(1)
    )
    if newer is not None:
        raise Conflict("The customer has written again since you opened this ticket. Please read it first.")


def _text(text: str) -> str:
    text = storable(text).strip()
    if not text:
        raise Invalid("Please write something.", field="text")
    if len(text) > MAX_TEXT:
        raise Invalid("Please keep the text under {limit} characters.", field="text", limit=MAX_TEXT)
    return text


async def _index(session: AsyncSession, ticket: Ticket, source: str, source_id: int, text: str) -> None:
    await search.index(
        session, ticket_id=ticket.id, source=source, source_id=source_id, language=ticket.language, body=text
    )


def concerned(ticket: Ticket, me: Actor) -> tuple[int, ...]:
    return tuple(sorted({me.id, *([ticket.assignee_id] if ticket.assignee_id is not None else [])}))
