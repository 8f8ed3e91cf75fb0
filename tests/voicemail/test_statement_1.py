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


@pytest.mark.parametrize("engine", ["stopped", "raising", "none"])
async def test_statement_1_a_voicemail_is_a_ticket_whatever_becomes_of_its_words(
    engine: str, database: Database, blobs: Blobs, settings: Settings
) -> None:
    recording = await intake.take_in(database, blobs, settings, new_recording("1", wav("en", ENGLISH)))
    await tickets.take_in_recording(database, settings, recording.id)
    if engine != "stopped":
        failing = SlowEngine()
        failing.failure = "The speech process crashed."
        if engine == "none":
            failing.ready = _no_weights  # type: ignore[method-assign]
        await Transcription(database, blobs, settings, failing).work_off()
        await tickets.take_in_recording(database, settings, recording.id)
    async with database.transaction() as session:
        row = await session.get_one(Recording, recording.id)
        taken = (await session.scalars(select(Intake).where(Intake.recording_id == recording.id))).one()
        told = [
            each.detail["state"]
            for each in await session.scalars(select(Entry).where(Entry.kind == EntryKind.TRANSCRIPT))
        ]
    assert taken.ticket_id is not None
    assert audio.probe(await blobs.get(row.playback_blob or "")).duration_s == pytest.approx(
        row.duration_s or 0, abs=0.1
    )
    expected = {
        "stopped": (RecordingState.RECEIVED, []),
        "raising": (RecordingState.FAILED, ["failed"]),
        "none": (RecordingState.NO_ENGINE, ["no_engine"]),
    }
    assert (row.state, told) == expected[engine]


async def _no_weights() -> Model:
    raise NoWeights("No speech model is set up.")
