"""Transcription can never lose a voicemail: its engine stopped, away or raising, the ticket stands with its audio."""

import pytest
from sqlalchemy import select

from services.tickets import intake as tickets
from services.voicemail import audio, intake
from services.voicemail.engine import Model, NoWeights
from services.voicemail.transcribe import Transcription
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Entry, EntryKind, Intake, Recording, RecordingState
from shared.settings import Settings
from tests.voicemail.conftest import ENGLISH, SlowEngine, new_recording, wav


async def test_statement_1_a_voicemail_is_a_ticket_whatever_becomes_of_its_words(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    recording = await intake.take_in(database, blobs, settings, new_recording("1", wav("en", ENGLISH)))
    await tickets.take_in_recording(database, settings, recording.id)  # nobody transcribes
    assert await _state(database, blobs, recording.id) == (RecordingState.RECEIVED, [])

    without = SlowEngine()
    without.ready = _no_weights  # type: ignore[method-assign]
    await Transcription(database, blobs, settings, without).work_off()
    await tickets.take_in_recording(database, settings, recording.id)
    assert await _state(database, blobs, recording.id) == (RecordingState.NO_ENGINE, ["no_engine"])

    raising = SlowEngine()
    raising.failure = "The speech process crashed."
    await Transcription(database, blobs, settings, raising).work_off()
    await tickets.take_in_recording(database, settings, recording.id)
    assert await _state(database, blobs, recording.id) == (RecordingState.FAILED, ["no_engine", "failed"])


async def _state(database: Database, blobs: Blobs, recording_id: int) -> tuple[RecordingState, list[str]]:
    """With its ticket standing and its audio playable: what became of the words, and what the timeline says."""
    async with database.transaction() as session:
        row = await session.get_one(Recording, recording_id)
        taken = (await session.scalars(select(Intake).where(Intake.recording_id == recording_id))).one()
        told = await session.scalars(select(Entry).where(Entry.kind == EntryKind.TRANSCRIPT).order_by(Entry.id))
        said = [each.detail["state"] for each in told]
    assert taken.ticket_id is not None
    seconds = audio.probe(await blobs.get(row.playback_blob or "")).duration_s
    assert seconds == pytest.approx(row.duration_s or 0, abs=0.1)
    return row.state, said


async def _no_weights() -> Model:
    raise NoWeights("No speech model is set up.")
