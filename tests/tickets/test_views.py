"""What pages and API show: the right rows, in the right order, whatever the page."""

from datetime import UTC, datetime, timedelta

import pytest

from services.tickets.views.board import board
from services.tickets.views.my_work import my_work
from services.tickets.views.queue import QueueFilter, queue
from services.tickets.views.ticket import ticket_view
from shared import clock
from shared.database import Database
from shared.errors import Invalid, NotFound
from shared.models import (
    Assignment,
    AssignmentState,
    EntryKind,
    Priority,
    Role,
    SearchText,
    TicketState,
)
from shared.settings import Settings
from tests.factories import (
    actor,
    certify,
    make_assigned,
    make_customer,
    make_entry,
    make_message,
    make_person,
    make_present,
    make_ticket,
)


async def test_queue_shows_the_most_urgent_first_and_pages_without_gaps(database: Database) -> None:
    due = datetime(2026, 11, 23, 18, tzinfo=UTC)
    async with database.transaction() as session:
        normal_late = await make_ticket(session, due_at=due + timedelta(hours=1))
        never_due = [await make_ticket(session) for _ in range(3)]
        normal_soon = await make_ticket(session, due_at=due)
        emergency = await make_ticket(session, priority=Priority.EMERGENCY, due_at=due)
        await make_ticket(session, state=TicketState.CLOSED, closed_at=due)
        expected = [emergency.id, normal_soon.id, normal_late.id, *(ticket.id for ticket in never_due)]
    seen: list[int] = []
    cursor = None
    async with database.transaction() as session:
        for _ in range(10):
            page = await queue(session, QueueFilter(), cursor, limit=2)
            seen += [row.id for row in page.items]
            cursor = page.next
            if cursor is None:
                break
    assert seen == expected


async def test_queue_with_closed_tickets_is_newest_first(database: Database) -> None:
    async with database.transaction() as session:
        closed = await make_ticket(session, state=TicketState.CLOSED, closed_at=clock.now())
        opened = await make_ticket(session)
    wanted = QueueFilter(states=[TicketState.CLOSED, TicketState.QUEUED])
    async with database.transaction() as session:
        first = await queue(session, wanted, limit=1)
        second = await queue(session, wanted, first.next, limit=1)
    assert [first.items[0].id, second.items[0].id] == [opened.id, closed.id]
    assert second.next is None


async def test_search_finds_and_marks_the_words(database: Database) -> None:
    async with database.transaction() as session:
        found = await make_ticket(session, language="es")
        await make_ticket(session)
        session.add(
            SearchText(
                ticket_id=found.id, source="ticket", source_id=found.id, language="es",
                body="Tengo dos facturas de noviembre",
            )
        )  # fmt: skip
    async with database.transaction() as session:
        page = await queue(session, QueueFilter(q="factura"))
    assert [row.id for row in page.items] == [found.id]
    assert [piece.text for piece in page.items[0].excerpt if piece.hit] == ["facturas"]


@pytest.mark.parametrize("cursor", ["x", "bm90IGpzb24", "WzFd", "", "W10"])
async def test_a_cursor_that_is_not_ours_is_refused(database: Database, cursor: str) -> None:
    async with database.transaction() as session:
        if cursor == "":
            assert (await queue(session, QueueFilter(), cursor)).items == []
        else:
            with pytest.raises(Invalid):
                await queue(session, QueueFilter(), cursor)


async def test_my_work_holds_offers_active_and_waiting(database: Database, settings: Settings) -> None:
    async with database.transaction() as session:
        person = await make_person(session, capacity=3)
        await make_present(session, person)
        offered = await make_ticket(session, state=TicketState.OFFERED)
        session.add(
            Assignment(
                ticket_id=offered.id, person_id=person.id, state=AssignmentState.OFFERED, weight=1,
                expires_at=clock.now() + timedelta(minutes=3), explanation={"why": "idle longest"},
            )
        )  # fmt: skip
        active = await make_assigned(session, person)
        waiting = await make_assigned(session, person, state=TicketState.WAITING)
        me = actor(person)
    async with database.transaction() as session:
        view = await my_work(session, settings, me)
    assert [offer.ticket.id for offer in view.offers] == [offered.id]
    assert view.offers[0].explanation == {"why": "idle longest"}
    assert [row.id for row in view.active] == [active.id]
    assert [row.id for row in view.waiting] == [waiting.id]
    assert (view.load, view.capacity) == (2, 3)
    assert view.presence.live


async def test_ticket_view_tells_its_story_and_what_one_may_do(database: Database, settings: Settings) -> None:
    async with database.transaction() as session:
        person, other = await make_person(session), await make_person(session)
        customer = await make_customer(session)
        ticket = await make_assigned(session, person, customer_id=customer.id)
        earlier = await make_ticket(session, customer_id=customer.id, state=TicketState.CLOSED, closed_at=clock.now())
        message = await make_message(session, "My bill doubled")
        await make_entry(session, ticket, EntryKind.MAIL_IN, message_id=message.id)
        await make_entry(session, ticket, EntryKind.NOTE, actor_id=person.id, text="Asked for the account")
    async with database.transaction() as session:
        mine = await ticket_view(session, settings, actor(person), ticket.id)
        others = await ticket_view(session, settings, actor(other), ticket.id)
    assert [entry.kind for entry in mine.entries] == [EntryKind.MAIL_IN, EntryKind.NOTE]
    assert mine.entries[0].message is not None
    assert mine.entries[0].message.text_new == "My bill doubled"
    assert mine.entries[1].actor is not None
    assert mine.entries[1].actor.name == person.name
    assert [row.id for row in mine.history] == [earlier.id]
    assert mine.allowed.work
    assert mine.allowed.reply_by_mail
    assert not others.allowed.work
    assert not others.allowed.assign


async def test_an_unknown_ticket_is_not_found(database: Database, settings: Settings) -> None:
    async with database.transaction() as session:
        person = await make_person(session)
        with pytest.raises(NotFound):
            await ticket_view(session, settings, actor(person), 12345)


async def test_board_shows_people_with_their_state_and_valid_certificates(
    database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        lead = await make_person(session, Role.SUPERVISOR, name="Lead")
        bilingual = await make_person(session, name="Bilingual")
        await certify(session, bilingual, lead)
        await make_present(session, bilingual)
        held = await make_assigned(session, bilingual)
        queued = await make_ticket(session, language="es", due_at=clock.now() - timedelta(minutes=1))
    async with database.transaction() as session:
        view = await board(session, settings)
    assert [row.id for row in view.unassigned] == [queued.id]
    assert [(count.language, count.queued, count.overdue) for count in view.languages] == [("es", 1, 1)]
    shown = {person.person.name: person for person in view.people}
    assert shown["Bilingual"].languages == ["es:spoken", "es:written"]
    assert [row.id for row in shown["Bilingual"].tickets] == [held.id]
    assert shown["Bilingual"].presence.live
    assert not shown["Lead"].presence.live
