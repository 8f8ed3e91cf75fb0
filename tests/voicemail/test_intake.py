"""One call is one recording and one ticket's ring, however often and through however many doors it is delivered."""

import asyncio
import dataclasses
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from local.speech import synthesis
from services.voicemail import audio, intake
from services.voicemail.repository import lease_next
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Recording, RecordingSource, RecordingState
from shared.settings import Settings
from tests.voicemail.conftest import CALLED_AT, ENGLISH, new_recording, wav


async def count(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(Recording)) or 0


async def test_a_recording_is_kept_playable_and_waiting(database: Database, blobs: Blobs, settings: Settings) -> None:
    data = wav("en", ENGLISH)
    new = new_recording("42", data, caller_id="(415) 555-0123", mailbox="1000", menu_language="en", urgent=True)
    recording = await intake.take_in(database, blobs, settings, new)
    assert recording.state is RecordingState.RECEIVED
    assert recording.caller_id == "+14155550123"
    assert (recording.mailbox, recording.menu_language, recording.urgent) == ("1000", "en", True)
    assert recording.called_at == CALLED_AT
    assert await blobs.get(recording.blob or "") == data
    assert recording.playback_blob is not None
    facts = audio.probe(await blobs.get(recording.playback_blob))
    assert (facts.codec, facts.channels, facts.rate) == ("pcm_s16le", 1, 16_000)
    assert recording.duration_s == pytest.approx(facts.duration_s)


async def test_statement_2_twenty_deliveries_at_once_are_one_recording(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    delivered = await asyncio.gather(
        *(intake.deliver(database, blobs, settings, new_recording("same")) for _ in range(20))
    )
    assert len({recording.id for recording, _ in delivered}) == 1
    assert sum(is_new for _, is_new in delivered) == 1
    assert await count(database) == 1


async def test_one_id_with_different_bytes_at_once_is_one_recording(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    news = [new_recording("same", synthesis.wav(np.full(1600, i / 100, np.float32))) for i in range(8)]
    recordings = await asyncio.gather(*(intake.take_in(database, blobs, settings, new) for new in news))
    assert len({recording.id for recording in recordings}) == 1
    assert await count(database) == 1


async def test_the_spool_and_the_mail_of_one_call_are_one_recording(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    data = wav("en", ENGLISH)
    spooled = new_recording("pbx/default/1000/1-1", data, source=RecordingSource.SPOOL, mailbox="1000",
                            caller_id="4155550123")  # fmt: skip
    mailed = dataclasses.replace(
        spooled, source=RecordingSource.EMAIL, source_id="7", called_at=CALLED_AT + timedelta(minutes=3), mailbox=""
    )
    first, second = await asyncio.gather(
        intake.take_in(database, blobs, settings, spooled), intake.take_in(database, blobs, settings, mailed)
    )
    assert first.id == second.id
    # The same bytes from somebody else, or on another day, are another call: two callers who said nothing.
    other = dataclasses.replace(mailed, source_id="8", caller_id="4155550199")
    later = dataclasses.replace(mailed, source_id="9", called_at=CALLED_AT + timedelta(days=1))
    for new in (other, later):
        assert (await intake.take_in(database, blobs, settings, new)).id != first.id
    assert await count(database) == 3


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "The file is empty."),
        (b"RIFF\x00\x00\x00\x00WAVEnonsense", "This is not a recording that can be decoded."),
        (synthesis.wav(np.zeros(0, np.float32)), "The recording holds no sound."),
    ],
    ids=["empty", "corrupt", "zero-samples"],
)
async def test_statement_4_what_cannot_be_heard_is_kept_and_says_why(
    data: bytes, reason: str, database: Database, blobs: Blobs, settings: Settings
) -> None:
    recording = await intake.take_in(database, blobs, settings, new_recording(data=data))
    assert recording.state is RecordingState.UNREADABLE
    assert recording.error == reason
    assert recording.playback_blob is None
    assert await blobs.get(recording.blob or "") == data
    async with database.transaction() as session:  # nobody tries it again and again
        assert await lease_next(session, timedelta(seconds=60)) is None


async def test_raw_telephone_audio_is_known_by_its_name(database: Database, blobs: Blobs, settings: Settings) -> None:
    new = new_recording(data=bytes([255, 127] * 8000), content_type="application/octet-stream", filename="msg0001.ulaw")
    recording = await intake.take_in(database, blobs, settings, new)
    assert recording.state is RecordingState.RECEIVED
    assert recording.duration_s == 2.0


async def test_the_ticket_stands_before_anything_looks_into_the_bytes(
    database: Database, blobs: Blobs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the decoder does, the row and the bytes are committed; a later look makes it playable."""

    def crash(*_: object, **__: object) -> None:
        raise MemoryError

    data = wav("en", ENGLISH)
    with monkeypatch.context() as patch:
        patch.setattr(audio, "read", crash)
        recording = await intake.take_in(database, blobs, settings, new_recording(data=data))
    assert recording.state is RecordingState.RECEIVED
    assert recording.playback_blob is None
    assert await blobs.get(recording.blob or "") == data
    assert (await intake.make_playable(database, blobs, recording.id)).playback_blob is not None


async def test_a_full_disk_takes_nothing_in_and_says_so(database: Database, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        await intake.take_in(database, Blobs(tmp_path / "file"), settings, new_recording())
    assert await count(database) == 0


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("4155550123", "+14155550123"),
        ("+1 (415) 555-0123", "+14155550123"),
        ("1-415-555-0123", "+14155550123"),
        ("+52 55 1234 5678", "+525512345678"),
        ("sip:+14155550123@pbx.example", "+14155550123"),
        ("1001", "1001"),
        ("reception", "reception"),
        ("Unknown", None),
        ("ANONYMOUS", None),
        ("", None),
        (None, None),
    ],
)
def test_numbers_become_e164_where_they_are_numbers(raw: str | None, number: str | None) -> None:
    assert intake.phone_number(raw) == number


@pytest.mark.parametrize(
    ("raw", "name", "number"),
    [
        ('"JANE DOE" <4155550123>', "JANE DOE", "+14155550123"),
        ("JANE DOE <4155550123>", "JANE DOE", "+14155550123"),
        ('"4155550123" <4155550123>', "", "+14155550123"),
        ('"Unknown" <anonymous>', "", None),
        ("<4155550123>", "", "+14155550123"),
        ("4155550123", "", "+14155550123"),
        ("Unknown", "", None),
        ('"" <>', "", None),
    ],
)
def test_caller_ids_as_phone_systems_write_them(raw: str, name: str, number: str | None) -> None:
    assert intake.caller(raw) == (name, number)
