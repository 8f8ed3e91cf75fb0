"""A mail becomes a ticket, joins one, or is held: everything that happens in the one transaction that decides it."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import acknowledge, intake_machines, left_held, presence, reroute, spam, way_out
from services.tickets import intake_repository as repository
from services.tickets.calls import schedule
from services.tickets.clocks import moves as clocks
from services.tickets.intake_learn import learn
from services.tickets.intake_open import Opened, Opening, alarm, open_tickets, record
from services.tickets.intake_reading import Reading, read
from services.tickets.locks import ChangedHands, lock_together, open_assignment
from services.tickets.new_ticket import link_entries
from services.tickets.thread import Candidate, Placement, evidence, place, quoted_ids, subject_number
from services.tickets.thread_repository import answered_by, participation, quoted, unrelated
from services.tickets.topics import EMERGENCY
from services.tickets.urgency.answers import AT_ONCE, text_for
from services.tickets.urgent_alerts import warn
from shared import clock
from shared.database import ring
from shared.events import Event, publish
from shared.jobs import Job
from shared.mailboxes import own_addresses
from shared.models import (
    Customer,
    Entry,
    EntryKind,
    IntakeOutcome,
    Machine,
    Message,
    Person,
    ScheduledEnd,
    Ticket,
    TicketState,
)
from shared.settings import Settings

ACTIVE = (TicketState.QUEUED, TicketState.OFFERED, TicketState.ASSIGNED)


async def take_in(session: AsyncSession, settings: Settings, message: Message, known: repository.Beforehand) -> None:
    """Decide what becomes of the mail and write it down. The caller holds the locks on its thread and sender."""
    if known.voicemail:
        await repository.put_intake(session, message_id=message.id, outcome=IntakeOutcome.HELD, policy="voicemail")
        return
    if message.machine is Machine.BOUNCE:
        await intake_machines.take_in_bounce(session, message)
        return
    if known.probe:
        await repository.put_intake(session, message_id=message.id, outcome=IntakeOutcome.HELD, policy="mailbox_check")
        return
    if message.machine is Machine.LOOP or known.own:
        await intake_machines.take_in_loop(session, message)
        return
    if await way_out.asked_by_mail(session, settings, message):
        await repository.put_intake(session, message_id=message.id, outcome=IntakeOutcome.HELD, policy=way_out.POLICY)
        return
    placement = await _place(session, settings, message)
    if message.machine is not None:
        await intake_machines.take_in_machine(session, message, placement)
        return
    if await spam.holds(session, message, placement.ticket_id, known.judged_spam):
        await left_held.hold(session, message, spam.POLICY)
        return
    reading = read(settings, message)
    if placement.ticket_id is not None:
        await _join(session, settings, message, reading, placement)
    else:
        await open_tickets(session, settings, [Opening(message, reading, placement)])


def is_plain(message: Message) -> bool:
    """From a customer, and saying nothing of any ticket or other mail: it can only open a ticket of its own."""
    return (
        message.machine is None
        and message.spam is None
        and bool(message.from_address)
        and not quoted_ids(message.in_reply_to, message.references)
        and not message.reply_token
        and subject_number(message.subject) is None
    )


async def open_plain(session: AsyncSession, settings: Settings, mails: Sequence[tuple[Message, Reading]]) -> None:
    """Tickets of plain mails that are neither ours, nor voicemails, nor taken in. The caller holds their locks."""
    await open_tickets(session, settings, [Opening(*each, Placement(None)) for each in mails])


async def take_in_held(session: AsyncSession, settings: Settings, message: Message) -> int:
    """A person says that a mail which was held is a customer's: its ticket. The caller holds the locks on it."""
    placement = await _place(session, settings, message)
    if placement.ticket_id is not None:
        await _join(session, settings, message, read(settings, message), placement)
        return placement.ticket_id
    own = await own_addresses(session, settings)
    customer: str | None = None
    if message.from_address in own:  # our website's form: who wrote stands in Reply-To
        customer = next((each.lower() for each in message.reply_to if each and each.lower() not in own), "")
    [ticket] = await open_tickets(session, settings, [Opening(message, read(settings, message), placement, customer)])
    return ticket.id


async def _place(session: AsyncSession, settings: Settings, message: Message) -> Placement:
    number = subject_number(message.subject)
    known = await quoted(
        session,
        token=message.reply_token,
        rfc_ids=quoted_ids(message.in_reply_to, message.references),
        number=number,
        address=message.from_address,
    )
    if known is not None:
        candidates = evidence(known, in_reply_to=message.in_reply_to, references=message.references, number=number)
    elif message.rfc_message_id:
        answers = await answered_by(session, [message.rfc_message_id])
        candidates = [Candidate(ticket_id, "answered") for ticket_id in answers.get(message.rfc_message_id, [])]
    else:
        candidates = []
    if not candidates:
        return Placement(None)
    participates, closed = await participation(
        session, [candidate.ticket_id for candidate in candidates], message.from_address
    )
    return place(
        candidates,
        participates if message.from_address else set(),
        closed,
        at=message.received_at,
        reopen_days=settings.reopen_days,
    )


async def _join(
    session: AsyncSession, settings: Settings, message: Message, reading: Reading, placement: Placement
) -> None:
    assert placement.ticket_id is not None
    ticket = (await lock_together(session, [placement.ticket_id, *placement.also]))[placement.ticket_id]
    if ticket.merged_into_id is not None:  # while we waited for the lock: who may speak there must be asked anew
        raise ChangedHands
    before = ticket.state
    customer = await session.get(Customer, ticket.customer_id) if ticket.customer_id else None
    await _wake(session, settings, ticket, message)
    await clocks.customer_wrote(session, settings, ticket, message.received_at)
    said, changed = await learn(session, settings, ticket, message, reading, customer)
    ticket.updated_at = clock.now()
    await record(session, [Opened(ticket, message, reading, placement.by)])
    for other_id in await unrelated(session, ticket.id, placement.also) if placement.also else ():
        session.add_all(link_entries(ticket, other_id, "answers_both"))
        await publish(session, Event("ticket", other_id, what="linked"))
    await repository.put_intake(
        session,
        message_id=message.id,
        outcome=IntakeOutcome.ATTACHED,
        ticket_id=ticket.id,
        said=said.as_json(),
    )
    holder = ticket.assignee_id
    if changed:
        await reroute.rerouted(session, settings, ticket)
    elif ticket.state is not before:
        ticket.rev += 1
    text = text_for(reading.triage, reading.words)
    if text in AT_ONCE:
        await acknowledge.acknowledge(session, settings, ticket, message=message, text=text)
    if reading.triage.topic == EMERGENCY:
        await alarm(session, settings, ticket, message, reading)
    await warn(session, settings, ticket, reading.triage.findings, excerpt=reading.words, said_at=message.received_at)
    concerned = tuple({person for person in (holder, ticket.assignee_id) if person is not None})
    await publish(session, Event("ticket", ticket.id, people=concerned, what="message"))


async def _wake(session: AsyncSession, settings: Settings, ticket: Ticket, message: Message) -> None:
    """A customer's mail ends waiting and reopens what was closed lately.

    It comes back to its person if they are there, else to the queue with a hand-over note.
    """
    if ticket.state in ACTIVE:
        return
    before = ticket.state
    await schedule.end(session, ticket, ScheduledEnd.MOVED_ON)
    if before is TicketState.WAITING:
        person = await session.get_one(Person, ticket.assignee_id)
        assignment = await open_assignment(session, ticket.id)
        pinned = person.active and assignment is not None and assignment.pinned
        if pinned or await presence.keeps_work(session, settings, person.id):
            ticket.state = TicketState.ASSIGNED
        else:
            if assignment is not None:
                await reroute.withdraw(session, ticket, assignment, "away" if person.active else "deactivated")
            ticket.state, ticket.assignee_id = TicketState.QUEUED, None
    else:
        ticket.state, ticket.closed_at, ticket.assignee_id = TicketState.QUEUED, None, None
    if ticket.state is TicketState.QUEUED:
        ticket.queued_at = message.received_at
        ring(session, Job.ROUTE, ticket.id)
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.STATE,
            detail={"from": before.value, "to": ticket.state.value, "reason": "customer_wrote"},
        )
    )
