"""A voicemail is a ticket at once; its words arrive later and change what they must."""

import asyncio
from datetime import timedelta

import pytest

from services.tickets import corrections, intake
from shared import clock
from shared.models import (
    AssignmentState,
    Channel,
    EntryKind,
    LanguageSource,
    Level,
    Priority,
    Recording,
    RecordingSource,
    RecordingState,
    Role,
    TicketState,
)
from shared.settings import AsteriskSpool
from tests.tickets.intake.conftest import Center

SPANISH = (
    "Buenos días, habla Leticia Bustamante. Me cambiaron a una tarifa por horario y la luz me sale carísima. "
    "Mi teléfono es siete cero siete, cinco cinco cinco, cero uno cuatro dos. Gracias."
)
ENGLISH = "Hello, this is Curtis Blandford. My bill doubled and nobody was home. Please call me back."


async def test_a_ticket_at_once_in_the_language_of_the_menu(center: Center) -> None:
    seen = await center.call(menu_language="es", caller_name="LETICIA B")
    ticket = seen.ticket
    assert (ticket.channel, ticket.state) == (Channel.VOICEMAIL, TicketState.QUEUED)
    assert (ticket.language, ticket.language_source) == ("es", LanguageSource.MENU)
    assert ticket.callback_number == "+17075550142"
    assert ticket.subject == "LETICIA B"
    async with center.database.transaction() as session:
        recording = await session.get_one(Recording, seen.row.recording_id)
    assert ticket.queued_at == recording.called_at, "a late voicemail counts from the call"
    assert ticket.due_at is not None
    (entry,) = await center.entries(ticket.id, EntryKind.VOICEMAIL)
    assert entry.recording_id == recording.id
    assert not await center.deliveries()


async def test_words_bring_language_topic_facts_and_search(center: Center) -> None:
    seen = await center.call(SPANISH, "es", menu_language="en", caller_id="+17075550199")
    ticket = seen.ticket
    assert (ticket.language, ticket.language_source) == ("es", LanguageSource.AUDIO)
    assert ticket.language_evidence["menu"] == "en"
    assert (ticket.topic, ticket.level) == ("rate_plan", Level.CSR2)
    assert ticket.callback_number == "+17075550199", "the number that called, until a person confirms the other one"
    assert ticket.subject == "Leticia Bustamante"
    (language,) = await center.entries(ticket.id, EntryKind.LANGUAGE)
    assert (language.detail["from"], language.detail["to"]) == ("en", "es")
    (transcript,) = await center.entries(ticket.id, EntryKind.TRANSCRIPT)
    assert transcript.transcript_id == seen.row.transcript_id


async def test_the_same_caller_is_the_same_customer(center: Center) -> None:
    first = await center.call(caller_id="+17075550142")
    second = await center.call(caller_id="+17075550142")
    hidden = await center.call(caller_id=None)
    assert first.ticket.id != second.ticket.id
    assert first.ticket.customer_id == second.ticket.customer_id
    assert hidden.ticket.customer_id is None


async def test_exactly_once_with_and_without_words(center: Center) -> None:
    recording_id = await center.record()

    async def many() -> None:
        await asyncio.gather(
            *(intake.take_in_recording(center.database, center.settings, recording_id) for _ in range(20))
        )

    await many()
    await center.transcribe(recording_id, ENGLISH)
    await many()
    (ticket,) = await center.tickets()
    assert len(await center.entries(ticket.id, EntryKind.VOICEMAIL)) == 1
    assert len(await center.entries(ticket.id, EntryKind.TRANSCRIPT)) == 1
    await center.transcribe(recording_id, ENGLISH + " Again.")
    await many()
    assert len(await center.entries(ticket.id, EntryKind.TRANSCRIPT)) == 2


async def test_an_offer_goes_back_when_the_words_are_in_another_language(center: Center) -> None:
    recording_id = await center.record(menu_language="en")
    await intake.take_in_recording(center.database, center.settings, recording_id)
    ticket = (await center.seen(recording_id=recording_id)).ticket
    english_only = await center.person(Role.CSR2)
    offer = await center.give(ticket.id, english_only, offered=True)
    await center.transcribe(recording_id, SPANISH, "es")
    await intake.take_in_recording(center.database, center.settings, recording_id)
    after = await center.ticket(ticket.id)
    assert (after.state, after.assignee_id) == (TicketState.QUEUED, None)
    assert after.rev > ticket.rev
    assert (await center.assignment(offer)).state is AssignmentState.WITHDRAWN
    (released,) = await center.entries(ticket.id, EntryKind.RELEASED)
    assert (released.detail["person_id"], released.detail["cause"]) == (english_only.id, "language")


async def test_who_may_take_it_keeps_it(center: Center) -> None:
    for pinned, bilingual in ((False, True), (True, False)):
        recording_id = await center.record(menu_language="en", caller_id=None)
        await intake.take_in_recording(center.database, center.settings, recording_id)
        ticket = (await center.seen(recording_id=recording_id)).ticket
        person = await center.person(Role.CSR2, spanish=bilingual)
        assignment = await center.give(ticket.id, person, pinned=pinned)
        await center.transcribe(recording_id, SPANISH, "es")
        await intake.take_in_recording(center.database, center.settings, recording_id)
        after = await center.ticket(ticket.id)
        assert (after.state, after.assignee_id, after.language) == (TicketState.ASSIGNED, person.id, "es")
        assert (await center.assignment(assignment)).state is AssignmentState.ACCEPTED


async def test_a_harder_topic_leaves_a_lower_level(center: Center) -> None:
    recording_id = await center.record(menu_language="en")
    await intake.take_in_recording(center.database, center.settings, recording_id)
    ticket = (await center.seen(recording_id=recording_id)).ticket
    await center.give(ticket.id, await center.person(Role.CSR1), offered=True)
    await center.transcribe(recording_id, ENGLISH)
    await intake.take_in_recording(center.database, center.settings, recording_id)
    after = await center.ticket(ticket.id)
    assert (after.topic, after.level, after.state) == ("billing_dispute", Level.CSR2, TicketState.QUEUED)


async def test_no_words_is_told_once_and_the_ticket_stands(center: Center) -> None:
    seen = await center.call(menu_language="es")
    for state in (RecordingState.NO_ENGINE, RecordingState.FAILED):
        async with center.database.transaction() as session:
            recording = await session.get_one(Recording, seen.row.recording_id)
            recording.state = state
            recording.error = "Traceback\nRuntimeError: no weights"
        assert await intake.Doors(center.database, center.settings).sweep() == 1
        assert await intake.Doors(center.database, center.settings).sweep() == 0
    entries = await center.entries(seen.ticket.id, EntryKind.TRANSCRIPT)
    assert [entry.detail["state"] for entry in entries] == ["no_engine", "failed"]
    ticket = await center.ticket(seen.ticket.id)
    assert (ticket.state, ticket.language) == (TicketState.QUEUED, "es")
    # And when it can be heard after all, the sweep finds the words without a ring.
    assert seen.row.recording_id is not None
    await center.transcribe(seen.row.recording_id, SPANISH, "es")
    assert await intake.Doors(center.database, center.settings).sweep() == 1
    assert (await center.ticket(seen.ticket.id)).topic == "rate_plan"


async def test_a_call_whose_audio_is_still_elsewhere_is_a_ticket_that_says_what_becomes_of_it(center: Center) -> None:
    seen = await center.call(blob=None, state=RecordingState.FETCHING, source=RecordingSource.CALLBACK)
    assert seen.ticket.callback_number == "+17075550142"
    assert not await center.entries(seen.ticket.id, EntryKind.TRANSCRIPT)
    async with center.database.transaction() as session:
        recording = await session.get_one(Recording, seen.row.recording_id)
        recording.state, recording.error = RecordingState.MISSING, "It is gone."
    assert await intake.Doors(center.database, center.settings).sweep() == 1
    assert await intake.Doors(center.database, center.settings).sweep() == 0
    (entry,) = await center.entries(seen.ticket.id, EntryKind.TRANSCRIPT)
    assert entry.detail == {"state": "missing", "error": ["It is gone."]}


async def test_a_call_that_came_through_another_door_too_is_no_second_ticket(center: Center) -> None:
    """While it is being compared there is none; when nobody finished comparing, there is one."""
    first = await center.call()
    soon = clock.now() + timedelta(seconds=30)
    same = await center.record(same_as=first.row.recording_id)
    comparing = await center.record(compare_until=soon)
    await intake.Doors(center.database, center.settings).sweep()
    for recording_id in (same, comparing):
        await intake.take_in_recording(center.database, center.settings, recording_id)
    assert len(await center.tickets()) == 1
    async with center.database.transaction() as session:
        (await session.get_one(Recording, comparing)).compare_until = clock.now() - timedelta(seconds=1)
    await intake.Doors(center.database, center.settings).sweep()
    assert len(await center.tickets()) == 2


async def test_mail_that_a_phone_system_sent_is_its_recordings_ticket_and_a_look_alike_its_own(center: Center) -> None:
    """Also when it has no audio: then the recording says so."""
    for accepted in (True, False):
        message_id = await center.store(voicemail={"system": "zoom", "accepted": accepted, "why": "unauthenticated"})
        await intake.take_in_message(center.database, center.settings, message_id)
        assert len(await center.tickets()) == (0 if accepted else 1)


async def test_silence_keeps_what_was_known(center: Center) -> None:
    seen = await center.call("", "unknown", menu_language="es")
    assert (seen.ticket.language, seen.ticket.language_source) == ("es", LanguageSource.MENU)
    assert seen.ticket.topic == "other"


async def test_the_line_speaks_where_there_is_one_mailbox_per_language(center: Center) -> None:
    spool = AsteriskSpool.model_validate({"name": "pbx", "path": "/spool", "languages": {"2000": "es"}})
    center.settings.spools = [spool]
    seen = await center.call(source_id="pbx/default/2000/1", mailbox="2000", menu_language="es")
    assert (seen.ticket.language, seen.ticket.language_source) == ("es", LanguageSource.LINE)
    chosen = await center.call(source_id="pbx/default/2000/2", mailbox="2000", menu_language="en")
    assert (chosen.ticket.language, chosen.ticket.language_source) == ("en", LanguageSource.MENU)


@pytest.mark.parametrize(
    ("source", "source_id"),
    [
        (RecordingSource.SPOOL, "branch/default/2000/1"),
        (RecordingSource.UPLOAD, "pbx/1"),
        (RecordingSource.EMAIL, "17"),
    ],
)
async def test_the_same_mailbox_number_elsewhere_implies_no_language(
    center: Center, source: RecordingSource, source_id: str
) -> None:
    spool = AsteriskSpool.model_validate({"name": "pbx", "path": "/spool", "languages": {"2000": "es"}})
    center.settings.spools = [spool]
    seen = await center.call(source=source, source_id=source_id, mailbox="2000", menu_language=None)
    assert seen.ticket.language == "unknown"


async def test_a_correction_is_not_undone_and_is_remembered(center: Center) -> None:
    recording_id = await center.record(menu_language="en")
    await intake.take_in_recording(center.database, center.settings, recording_id)
    ticket = (await center.seen(recording_id=recording_id)).ticket
    person = await center.person(Role.CSR2, spanish=True)
    async with center.database.transaction() as session:
        await corrections.set_language(session, center.settings, person, ticket.id, "es")
    await center.transcribe(recording_id, ENGLISH)
    await intake.take_in_recording(center.database, center.settings, recording_id)
    assert (await center.ticket(ticket.id)).language == "es"
    later = await center.call(menu_language="en")
    assert (later.ticket.language, later.ticket.language_source) == ("es", LanguageSource.HISTORY)


async def test_an_emergency_on_the_phone(center: Center) -> None:
    seen = await center.call("¡Oiga! Se cayó un cable de la luz y está echando chispas.", "es", menu_language="es")
    assert (seen.ticket.topic, seen.ticket.priority) == ("emergency_safety", Priority.EMERGENCY)
    assert len(await center.alerts()) == 1
