"""What callers want reaches their ticket, is used when a person says so, and outlives every new transcript."""

from typing import Any

import pytest
from sqlalchemy import func, select

from services.tickets import caller_actions, caller_facts, corrections, intake
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.models import (
    AuditEvent,
    CallerFact,
    CallerFactKind,
    CallerFactState,
    EntryKind,
    Priority,
    Recording,
    RecordingState,
    Role,
    Transcript,
    TranscriptCorrection,
)
from tests.tickets.intake.conftest import Center, Seen

SAID = "Hello, this is Ana Ruiz. My number is seven oh seven, five five five, oh one five zero. Thank you."
CALLER_ID = "+17075550142"


def segment(text: str, start: float = 0.0, probability: float = 0.9, **values: Any) -> dict[str, Any]:
    """A segment with a word every half second."""
    words = text.split()
    return {
        "start": start, "end": start + len(words) / 2, "text": text, "in_text": True, "flags": [],
        "words": [
            {"word": word, "start": start + i / 2, "end": start + i / 2 + 0.4, "probability": probability}
            for i, word in enumerate(words)
        ],
    } | values  # fmt: skip


async def facts(center: Center, recording_id: int | None) -> dict[str, CallerFact]:
    assert recording_id is not None
    async with center.database.transaction() as session:
        return {row.value: row for row in await caller_facts.of_recordings(session, [recording_id])}


async def heard(center: Center, said: str = SAID, **values: Any) -> Seen:
    recording_id = await center.record(**({"caller_id": CALLER_ID} | values))
    await intake.take_in_recording(center.database, center.settings, recording_id)
    await again(center, recording_id, said)
    return await center.seen(recording_id=recording_id)


async def again(center: Center, recording_id: int | None, said: str, **values: Any) -> None:
    """A (new) transcript."""
    assert recording_id is not None
    await center.transcribe(recording_id, said, segments=[segment(said, **values)])
    await intake.take_in_recording(center.database, center.settings, recording_id)


async def test_a_number_that_was_said_waits_for_a_person_and_the_caller_id_stays(center: Center) -> None:
    seen = await heard(center)
    assert seen.ticket.callback_number == CALLER_ID
    found = await facts(center, seen.row.recording_id)
    number = found["+17075550150"]
    assert (number.kind, number.state, number.agrees_with_caller_id) == (
        CallerFactKind.CALLBACK, CallerFactState.HEARD, False,
    )  # fmt: skip
    assert number.places[0]["from_s"] == 4.0
    assert number.confidence == pytest.approx(0.9)
    assert found["Ana Ruiz"].kind is CallerFactKind.NAME
    person = await center.person()
    async with center.database.transaction() as session:
        await caller_actions.confirm(session, person, seen.ticket.id, number.id)
        await caller_actions.confirm(session, person, seen.ticket.id, number.id)
    assert (await center.ticket(seen.ticket.id)).callback_number == "+17075550150"
    async with center.database.transaction() as session:
        recording = await session.get_one(Recording, seen.row.recording_id)
        assert recording.caller_id == CALLER_ID
        audited = await session.scalar(select(func.count()).where(AuditEvent.action == "caller.confirmed"))
    assert audited == 1, "twice is once"
    (entry,) = await center.entries(seen.ticket.id, EntryKind.CALLER)
    assert (entry.actor_id, entry.detail["value"]) == (person.id, "+17075550150")


async def test_a_name_is_the_customers_when_a_person_says_so(center: Center) -> None:
    seen = await heard(center)
    assert (await center.customer(seen.ticket.customer_id)).name == ""
    name = (await facts(center, seen.row.recording_id))["Ana Ruiz"]
    async with center.database.transaction() as session:
        await caller_actions.confirm(session, await center.person(), seen.ticket.id, name.id)
    assert (await center.customer(seen.ticket.customer_id)).name == "Ana Ruiz"


async def test_a_new_transcript_says_it_anew_and_leaves_what_people_decided(center: Center) -> None:
    seen = await heard(center)
    ticket, recording_id = seen.ticket.id, seen.row.recording_id
    before = await facts(center, recording_id)
    person = await center.person()
    async with center.database.transaction() as session:
        await caller_actions.confirm(session, person, ticket, before["+17075550150"].id)
        await caller_actions.reject(session, person, ticket, before["Ana Ruiz"].id)
        await caller_actions.add(session, person, ticket, CallerFactKind.ACCOUNT, "1020304050 - 6")
    await again(center, recording_id, "This is Ana Ruiz. Call 415-555-0160, extension 12.", start=3.0)
    after = await facts(center, recording_id)
    states = {value: row.state for value, row in after.items()}
    assert states == {
        "+17075550150": CallerFactState.CONFIRMED,
        "Ana Ruiz": CallerFactState.REJECTED,
        "1020304050-6": CallerFactState.CONFIRMED,
        "+14155550160": CallerFactState.HEARD,
    }
    assert (after["+14155550160"].extension, after["+14155550160"].places[0]["from_s"]) == ("12", 5.5)
    assert (await center.ticket(ticket)).callback_number == "+17075550150"
    await again(center, recording_id, "Nothing of the kind.")
    assert (await facts(center, recording_id))["+14155550160"].state is CallerFactState.GONE
    with pytest.raises(NotFound):
        async with center.database.transaction() as session:
            await caller_actions.confirm(session, person, ticket, after["+14155550160"].id)


async def test_a_corrected_text_is_read_anew_with_the_times_of_the_words_it_replaces(center: Center) -> None:
    seen = await heard(center, "My number is seven oh seven, five five five, oh one one nine. Bye.")
    recording_id = seen.row.recording_id
    person = await center.person()
    async with center.database.transaction() as session:
        transcript = (await session.scalars(select(Transcript))).one()
        session.add(
            TranscriptCorrection(
                recording_id=recording_id, transcript_id=transcript.id, version=1, person_id=person.id,
                text="My number is seven oh seven, five five five, oh one one two. Bye.",
            )
        )  # fmt: skip
    assert await intake.Doors(center.database, center.settings).sweep() == 1, "found without a ring"
    assert await intake.Doors(center.database, center.settings).sweep() == 0
    found = await facts(center, recording_id)
    assert found["+17075550119"].state is CallerFactState.GONE
    number = found["+17075550112"]
    assert (number.state, number.places[0]["from_s"], number.confidence) == (CallerFactState.HEARD, 1.5, 1.0)
    assert len(await center.entries(seen.ticket.id, EntryKind.TRANSCRIPT)) == 1


async def test_a_person_corrects_adds_and_refuses(center: Center) -> None:
    seen = await heard(center, "Call seven oh seven, five five five, oh one one.")
    ticket, recording_id = seen.ticket.id, seen.row.recording_id
    heard_ = (await facts(center, recording_id))["707555011"]
    person = await center.person()

    async def act(action: Any) -> Any:
        async with center.database.transaction() as session:
            return await action(session)

    with pytest.raises(Conflict, match="not whole"):
        await act(lambda session: caller_actions.confirm(session, person, ticket, heard_.id))
    with pytest.raises(Invalid, match="no telephone number"):
        await act(lambda session: caller_actions.correct(session, person, ticket, heard_.id, "707555011"))
    fact = await act(lambda s: caller_actions.correct(s, person, ticket, heard_.id, "(707) 555-0112 ext. 3"))
    assert (fact.value, fact.extension, fact.replaces_id) == ("+17075550112", "3", heard_.id)
    assert fact.places == heard_.places
    assert (await center.ticket(ticket)).callback_number == "+17075550112;ext=3"
    assert (await facts(center, recording_id))["707555011"].state is CallerFactState.REJECTED
    await act(lambda session: caller_actions.reject(session, person, ticket, fact.id))
    assert (await center.ticket(ticket)).callback_number == CALLER_ID, "back to the number that called"
    name = await act(lambda session: caller_actions.add(session, person, ticket, CallerFactKind.NAME, " Eva  Paz "))
    assert (name.value, name.by_hand_id, name.state) == ("Eva Paz", person.id, CallerFactState.CONFIRMED)
    with pytest.raises(Invalid, match="ten digits"):
        await act(lambda s: caller_actions.add(s, person, ticket, CallerFactKind.ACCOUNT, "12345"))
    nobody = await center.person(Role.SERVICE)
    with pytest.raises(Forbidden):
        await act(lambda session: caller_actions.confirm(session, nobody, ticket, name.id))
    other = await heard(center, caller_id="+17075550199")
    with pytest.raises(NotFound):
        await act(lambda session: caller_actions.confirm(session, person, other.ticket.id, name.id))
    kinds = [entry.detail["what"] for entry in await center.entries(ticket, EntryKind.CALLER)]
    assert kinds == ["corrected", "rejected", "added"]


async def test_numbers_that_everybody_has_are_nobodys_to_be_called_back_at(center: Center) -> None:
    seen = await heard(center, "They gave me 1-800-743-5000. It's 707-555-0150.")
    assert set(await facts(center, seen.row.recording_id)) == {"+17075550150"}


# Words that cannot wait for the last

GAS = "Hello? There is a gas smell in my garage."


async def so_far(center: Center, recording_id: int, *said: str) -> None:
    async with center.database.transaction() as session:
        recording = await session.get_one(Recording, recording_id)
        recording.partial_segments = [segment(text) for text in said]


async def test_an_emergency_in_the_first_segment_does_not_wait_for_the_last(center: Center) -> None:
    center.settings.shift_lead_address = "lead@center.example.org"
    recording_id = await center.record()
    await intake.take_in_recording(center.database, center.settings, recording_id)
    await so_far(center, recording_id, "Hello?")
    assert await intake.Doors(center.database, center.settings).sweep() == 1
    assert await intake.Doors(center.database, center.settings).sweep() == 0
    ticket = (await center.seen(recording_id=recording_id)).ticket
    assert ticket.priority is Priority.NORMAL
    await so_far(center, recording_id, "Hello?", GAS)
    assert await intake.Doors(center.database, center.settings).sweep() == 1, "found without a ring"
    ticket = await center.ticket(ticket.id)
    assert (ticket.topic, ticket.priority) == ("emergency_safety", Priority.EMERGENCY)
    assert (len(await center.alerts()), len(await center.deliveries(ticket.id))) == (1, 1)
    async with center.database.transaction() as session:
        assert (await session.get_one(Recording, recording_id)).state is RecordingState.RECEIVED
    # More of it, and then all of it, alarms nobody a second time.
    await so_far(center, recording_id, "Hello?", GAS, "I smell gas.")
    await intake.take_in_recording(center.database, center.settings, recording_id)
    await center.transcribe(recording_id, f"Hello? {GAS} I smell gas.")
    await intake.take_in_recording(center.database, center.settings, recording_id)
    assert (len(await center.alerts()), len(await center.deliveries(ticket.id))) == (1, 1)
    assert len(await center.entries(ticket.id, EntryKind.PRIORITY)) == 1


async def test_the_whole_transcript_lowers_nothing_and_a_person_may(center: Center) -> None:
    recording_id = await center.record()
    await intake.take_in_recording(center.database, center.settings, recording_id)
    await so_far(center, recording_id, GAS)
    await intake.take_in_recording(center.database, center.settings, recording_id)
    await center.transcribe(recording_id, "Hello? There is a gash in my garage. It's about my bill, it is too high.")
    await intake.take_in_recording(center.database, center.settings, recording_id)
    ticket = (await center.seen(recording_id=recording_id)).ticket
    assert (ticket.topic, ticket.priority) == ("emergency_safety", Priority.EMERGENCY)
    person = await center.person(Role.CSR2)
    async with center.database.transaction() as session:
        await corrections.set_topic(session, center.settings, person, ticket.id, "billing_dispute")
        await corrections.set_priority(session, center.settings, person, ticket.id, Priority.NORMAL)
    await again(center, recording_id, GAS)
    ticket = await center.ticket(ticket.id)
    assert (ticket.topic, ticket.priority) == ("billing_dispute", Priority.NORMAL), "the same words change no mind"
    assert len(await center.alerts()) == 1
