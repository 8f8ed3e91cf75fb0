"""One call through several doors at once, in several codecs, is one recording; two calls that are alike stay two."""

import asyncio
import dataclasses
import subprocess
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import func, select

from services.voicemail import audio, intake, same_call
from services.voicemail.intake import NewRecording
from shared import clock
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Recording, RecordingSource
from shared.settings import Settings
from tests.voicemail.conftest import CALLED_AT, ENGLISH, SPANISH, new_recording, speak, wav


def sox(data: bytes, *to: str) -> bytes:
    """The same sound by another program, as a phone system would write it."""
    done = subprocess.run(["sox", "-t", "wav", "-", *to, "-"], input=data, capture_output=True, check=True)
    return done.stdout


def loudness(data: bytes, hint: str = "") -> NDArray[np.float32]:
    return same_call.loudness(audio.decode(data, hint=hint, rate=same_call.RATE))


@pytest.mark.parametrize(
    ("to", "hint"),
    [
        (("-r", "8000", "-t", "wav"), ""),
        (("-r", "8000", "-t", "wav", "-e", "gsm-full-rate"), ""),
        (("-r", "8000", "-t", "gsm"), "x.gsm"),
        (("-r", "8000", "-t", "ul"), "x.ulaw"),
        (("-r", "8000", "-t", "al"), "x.alaw"),
        (("-r", "8000", "-t", "ogg", "-C", "0"), ""),
    ],
    ids=["wav", "WAV", "gsm", "ulaw", "alaw", "ogg"],
)
def test_statement_4_every_codec_of_one_message_is_that_message(to: tuple[str, ...], hint: str) -> None:
    """Also in length: within a tenth of a second."""
    original = wav("en", ENGLISH)
    other = sox(original, *to)
    assert same_call.alike(loudness(original), loudness(other, hint)) is True
    assert audio.probe(other, hint).duration_s == pytest.approx(audio.probe(original).duration_s, abs=0.1)


def test_other_messages_are_other_messages() -> None:
    one = same_call.loudness(speak("en", ENGLISH), 16_000)
    other = same_call.loudness(speak("es", SPANISH), 16_000)
    length = min(len(one), len(other))
    assert same_call.alike(one[:length], other[:length]) is False
    assert same_call.alike(one, one[: len(one) // 2]) is False
    silence = np.full(100, same_call.FLOOR_DB, np.float32)
    assert same_call.alike(silence, silence) is None


def through_all_doors() -> list[NewRecording]:
    """A message in the spool as PCM, mailed as GSM, fetched for a callback as µ-law; the spool's key three times."""
    pcm = sox(wav("en", ENGLISH), "-r", "8000", "-t", "wav")
    spooled = new_recording(
        "pbx/default/1000/1-1", pcm, source=RecordingSource.SPOOL, door="spool:pbx", mailbox="1000",
        caller_id="4155550123",
    )  # fmt: skip
    mailed = dataclasses.replace(
        spooled, source=RecordingSource.EMAIL, source_id="message:7", door="email", mailbox="",
        data=sox(pcm, "-t", "wav", "-e", "gsm-full-rate"), called_at=CALLED_AT + timedelta(seconds=20),
        vendor={"by": "Asterisk", "text": "hello"},
    )  # fmt: skip
    called = dataclasses.replace(
        spooled, source=RecordingSource.CALLBACK, source_id="twilio/RE1", door="callback:twilio", mailbox="",
        data=sox(pcm, "-t", "wav", "-e", "u-law"), called_at=CALLED_AT + timedelta(seconds=40),
    )  # fmt: skip
    return [spooled, mailed, called]


async def tickets_to_make(database: Database) -> list[Recording]:
    async with database.transaction() as session:
        return list(
            await session.scalars(
                select(Recording).where(Recording.same_as.is_(None), Recording.compare_until.is_(None))
            )
        )


async def test_statement_2_twenty_deliveries_through_three_doors_at_once_are_one_ticket(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    doors = through_all_doors()
    delivered = await asyncio.gather(*(intake.deliver(database, blobs, settings, doors[i % 3]) for i in range(20)))
    assert sum(is_new for _, is_new in delivered) == 1
    await same_call.sweep(database, blobs)
    [ticket] = await tickets_to_make(database)
    assert (ticket.caller_id, ticket.mailbox) == ("+14155550123", "1000")
    assert ticket.vendor == {"by": "Asterisk", "text": "hello"}
    async with database.transaction() as session:
        rows = await session.scalar(select(func.count()).select_from(Recording))
    assert rows == 3  # what came through each door is kept
    for new in doors:  # and each of them is known again
        known, is_new = await intake.deliver(database, blobs, settings, new)
        assert (known.id, is_new) == (ticket.id, False)


async def test_a_second_message_of_the_same_caller_is_a_second_ticket(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    spooled, mailed, _ = through_all_doors()
    other = dataclasses.replace(mailed, data=wav("es", SPANISH), source_id="message:8")
    await intake.deliver(database, blobs, settings, spooled)
    _, is_new = await intake.deliver(database, blobs, settings, other)
    assert is_new
    assert len(await tickets_to_make(database)) == 2


async def test_a_process_that_dies_while_it_compares_delays_the_ticket_and_no_more(
    database: Database, blobs: Blobs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    spooled, mailed, _ = through_all_doors()

    async def dies(*_: object) -> None:
        raise ConnectionError

    await intake.deliver(database, blobs, settings, spooled)
    with monkeypatch.context() as patch:
        patch.setattr(same_call, "settle", dies)
        await intake.deliver(database, blobs, settings, mailed)
    assert len(await tickets_to_make(database)) == 1
    monkeypatch.setattr(clock, "now", lambda now=clock.now: now() + same_call.WITHIN)
    await same_call.sweep(database, blobs)
    # Its time was over: a ticket too many is better than none, and it may have been made already.
    assert len(await tickets_to_make(database)) == 2
