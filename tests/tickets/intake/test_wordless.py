"""Calls in which nobody spoke: tickets of their own kind, offered to nobody, one matter when repeated, never lost."""

from datetime import datetime, timedelta

from sqlalchemy import select

from services.tickets import intake, merge, wordless
from services.tickets.routing.router import route_once
from services.tickets.views.board import board
from services.tickets.views.queue import QueueFilter, queue
from services.tickets.views.wordless import silent_calls
from shared import clock
from shared.models import (
    AssignmentState,
    EntryKind,
    Presence,
    PresenceLease,
    Recording,
    RecordingState,
    Role,
    Ticket,
    TicketKind,
    TicketState,
    Transcript,
    TranscriptCorrection,
)
from shared.people import Actor
from tests.tickets.intake.conftest import Center, Seen


async def silent(center: Center, minutes_ago: float = 2, **values: object) -> Seen:
    called: datetime = clock.now() - timedelta(minutes=minutes_ago)
    return await center.call("", "unknown", called_at=called, **values)


async def at_work(center: Center) -> Actor:
    person = await center.person(Role.CSR2)
    async with center.database.transaction() as session:
        session.add(Presence(person_id=person.id, intent="available"))
        session.add(PresenceLease(person_id=person.id, tab_id="tab", expires_at=clock.now() + timedelta(minutes=5)))
    return person


async def test_silence_and_hang_ups_are_tickets_that_are_offered_to_nobody(center: Center) -> None:
    await at_work(center)
    quiet = await silent(center, caller_id="+17075550101", duration_s=14.0)
    short = await silent(center, caller_id="+17075550102", duration_s=1.2)
    assert (quiet.ticket.kind, short.ticket.kind) == (TicketKind.SILENCE, TicketKind.HANG_UP)
    assert quiet.ticket.due_at is None
    await route_once(center.database, center.settings, withdraw=True)
    for each in (quiet, short):
        assert (await center.ticket(each.ticket.id)).state is TicketState.QUEUED
    spoken = await center.call("Please call me, my bill is too high.", caller_id="+17075550103")
    await route_once(center.database, center.settings, withdraw=True)
    assert (await center.ticket(spoken.ticket.id)).state is TicketState.OFFERED
    async with center.database.transaction() as session:
        seen = await board(session, center.settings)
        assert (seen.wordless, [row.id for row in seen.unassigned]) == (2, [])
        assert [count.language for count in seen.languages] == [spoken.ticket.language]
        filtered = await queue(session, QueueFilter(kinds=[TicketKind.SILENCE]))
        assert [row.id for row in filtered.items] == [quiet.ticket.id]
        listed = await silent_calls(session)
    assert {call.ticket.id for call in listed} == {quiet.ticket.id, short.ticket.id}


async def test_a_voice_of_which_no_word_could_be_written_is_offered_like_any_message(center: Center) -> None:
    await at_work(center)
    recording_id = await center.record(caller_id="+17075550104", duration_s=14.0)
    await center.transcribe(recording_id, "", "unknown", flags=["unheard"])
    await intake.take_in_recording(center.database, center.settings, recording_id)
    ticket = (await center.seen(recording_id=recording_id)).ticket
    assert ticket.kind is TicketKind.CONTACT
    await route_once(center.database, center.settings, withdraw=True)
    assert (await center.ticket(ticket.id)).state is TicketState.OFFERED


async def test_an_offer_that_was_out_is_taken_back_and_work_in_hand_is_left_alone(center: Center) -> None:
    for offered in (True, False):
        recording_id = await center.record(caller_id=None)
        await intake.take_in_recording(center.database, center.settings, recording_id)
        ticket = (await center.seen(recording_id=recording_id)).ticket
        assignment = await center.give(ticket.id, await center.person(Role.CSR2), offered=offered)
        await center.transcribe(recording_id, "", "unknown")
        await intake.take_in_recording(center.database, center.settings, recording_id)
        ticket = await center.ticket(ticket.id)
        if offered:
            assert (ticket.kind, ticket.state) == (TicketKind.SILENCE, TicketState.QUEUED)
            assert (await center.assignment(assignment)).state is AssignmentState.WITHDRAWN
        else:
            assert (ticket.kind, ticket.state) == (TicketKind.CONTACT, TicketState.ASSIGNED)


async def test_three_calls_in_twenty_minutes_are_one_matter_that_is_offered(center: Center) -> None:
    person = await at_work(center)
    first = await silent(center, 18, duration_s=1.0)
    second = await silent(center, 9, duration_s=6.0)
    assert (await center.ticket(second.ticket.id)).merged_into_id == first.ticket.id
    async with center.database.transaction() as session:
        (matter,) = await silent_calls(session)
    assert (matter.ticket.id, matter.calls, round(matter.minutes)) == (first.ticket.id, 2, 9)
    await route_once(center.database, center.settings, withdraw=True)
    assert (await center.ticket(first.ticket.id)).state is TicketState.QUEUED
    third = await silent(center, 1, duration_s=6.0)
    ticket = await center.ticket(first.ticket.id)
    assert (ticket.kind, ticket.merged_into_id) == (TicketKind.REPEATED_CALLS, None)
    assert ticket.due_at is not None
    assert (await center.ticket(third.ticket.id)).merged_into_id == ticket.id
    await route_once(center.database, center.settings, withdraw=True)
    assert (await center.ticket(ticket.id)).state is TicketState.OFFERED
    assert ticket.callback_number == "+17075550142"
    # Taken apart by a person, it is a ticket of its own again.
    async with center.database.transaction() as session:
        await merge.unmerge(session, center.settings, person, second.ticket.id)
    assert (await center.ticket(second.ticket.id)).state is TicketState.QUEUED


async def test_calls_far_apart_or_from_others_are_not_one_matter(center: Center) -> None:
    await silent(center, 90)
    await silent(center, 60)
    await silent(center, 30)
    await silent(center, 5, caller_id="+17075550199")
    await silent(center, 4, caller_id=None)
    await silent(center, 3, caller_id=None)
    assert [ticket.merged_into_id for ticket in await center.tickets()] == [None] * 6


async def test_words_that_are_found_later_make_it_ordinary(center: Center) -> None:
    seen = await silent(center, caller_id="+17075550120")
    recording_id = seen.row.recording_id
    assert recording_id is not None
    await center.transcribe(recording_id, "Please call me about my bill.")
    await intake.take_in_recording(center.database, center.settings, recording_id)
    ticket = await center.ticket(seen.ticket.id)
    assert ticket.kind is TicketKind.CONTACT
    assert ticket.due_at is not None
    corrected = await silent(center, caller_id="+17075550121")
    person = await center.person()
    async with center.database.transaction() as session:
        transcript = (
            await session.scalars(select(Transcript).where(Transcript.recording_id == corrected.row.recording_id))
        ).one()
        session.add(
            TranscriptCorrection(
                recording_id=corrected.row.recording_id, transcript_id=transcript.id, version=1,
                text="Llámeme por favor.", person_id=person.id,
            )
        )  # fmt: skip
    await intake.Doors(center.database, center.settings).sweep()
    assert (await center.ticket(corrected.ticket.id)).kind is TicketKind.CONTACT


async def test_one_click_makes_it_ordinary_with_a_due_time_and_a_name_under_it(center: Center) -> None:
    seen = await silent(center)
    person = await center.person()
    async with center.database.transaction() as session:
        await wordless.make_ordinary(session, center.settings, person, seen.ticket.id)
    ticket = await center.ticket(seen.ticket.id)
    assert (ticket.kind, ticket.due_at is None) == (TicketKind.CONTACT, False)
    *_, entry = await center.entries(ticket.id, EntryKind.KIND)
    assert (entry.actor_id, entry.detail) == (person.id, {"from": "silence", "to": "contact"})


async def test_what_nobody_could_listen_to_is_no_hang_up_unless_it_is_too_short(center: Center) -> None:
    for duration, kind in ((20.0, TicketKind.CONTACT), (1.0, TicketKind.HANG_UP)):
        recording_id = await center.record(duration_s=None, caller_id=None)
        await intake.take_in_recording(center.database, center.settings, recording_id)
        async with center.database.transaction() as session:
            recording = await session.get_one(Recording, recording_id)
            recording.state, recording.duration_s = RecordingState.NO_ENGINE, duration
        await intake.take_in_recording(center.database, center.settings, recording_id)
        assert (await center.seen(recording_id=recording_id)).ticket.kind is kind


async def test_a_message_that_was_marked_urgent_is_never_a_hang_up(center: Center) -> None:
    seen = await silent(center, urgent=True)
    assert seen.ticket.kind is TicketKind.CONTACT


async def test_a_short_call_is_known_before_anything_is_transcribed(center: Center) -> None:
    recording_id = await center.record(duration_s=0.8)
    await intake.take_in_recording(center.database, center.settings, recording_id)
    ticket: Ticket = (await center.seen(recording_id=recording_id)).ticket
    assert ticket.kind is TicketKind.HANG_UP
    await center.transcribe(recording_id, "Fire!")
    await intake.take_in_recording(center.database, center.settings, recording_id)
    assert (await center.ticket(ticket.id)).kind is TicketKind.CONTACT
