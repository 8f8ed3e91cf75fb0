"""Mail from phone systems: the audio attachment becomes a recording, with who called read from what they write."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services.voicemail import attachments
from services.voicemail.notices import mailbox_of, who_called
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Attachment, Mailbox, Message, Problem, Recording, RecordingSource, RecordingState
from shared.settings import Settings
from tests.voicemail.conftest import ENGLISH, wav

AT = datetime(2026, 11, 16, 16, 5, tzinfo=UTC)


async def mailed(
    database: Database, blob: str, *, voicemail: bool = True, filename: str = "msg0001.wav", **message: Any
) -> int:
    async with database.transaction() as session:
        mailbox = await session.scalar(select(Mailbox))
        if mailbox is None:
            mailbox = Mailbox(name="main", address="help@center.example")
            session.add(mailbox)
            await session.flush()
        count = len((await session.scalars(select(Message.id))).all())
        given = {"subject": "[PBX]: New message 1 in mailbox 1000", "from_address": "pbx@center.example"} | message
        row = Message(
            mailbox_id=mailbox.id, blob=f"{count:064d}", received_at=AT, sent_at=AT - timedelta(seconds=20), **given
        )
        session.add(row)
        await session.flush()
        attachment = Attachment(
            message_id=row.id, position=1, filename=filename, content_type="audio/x-wav", size=1, blob=blob,
            voicemail=voicemail,
        )  # fmt: skip
        session.add(attachment)
        await session.flush()
        return attachment.id


async def test_an_attachment_becomes_a_recording_once(database: Database, blobs: Blobs, settings: Settings) -> None:
    blob = await blobs.put(wav("en", ENGLISH))
    headers = {"X-Asterisk-CallerID": "4155550123", "X-Asterisk-CallerIDName": "JANE DOE"}
    attachment_id = await mailed(database, blob, headers=headers)
    taken = await asyncio.gather(*(attachments.take_in(database, blobs, settings, attachment_id) for _ in range(5)))
    assert len({recording.id for recording in taken if recording is not None}) == 1
    recording = taken[0]
    assert recording is not None
    assert recording.source is RecordingSource.EMAIL
    assert recording.attachment_id == attachment_id
    assert (recording.caller_id, recording.caller_name, recording.mailbox) == ("+14155550123", "JANE DOE", "1000")
    assert recording.called_at == AT - timedelta(seconds=20)
    assert recording.blob == blob


async def test_a_link_alone_is_a_ticket_that_says_so_and_a_look_alike_is_none(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    async with database.transaction() as session:
        mailbox = Mailbox(name="main", address="help@center.example")
        session.add(mailbox)
        await session.flush()
        for number, accepted in enumerate((True, False)):
            session.add(
                Message(
                    mailbox_id=mailbox.id, blob=f"{number:064d}", received_at=AT,
                    from_address="service@ringcentral.com", subject="New Voicemail from (415) 555-0123", text_full="https://x.example/voicemail/1",
                    voicemail={"system": "ringcentral", "accepted": accepted, "why": "authenticated"},
                )
            )  # fmt: skip
    assert await attachments.sweep(database, blobs, settings) == 1
    assert await attachments.sweep(database, blobs, settings) == 0
    async with database.transaction() as session:
        recording = (await session.scalars(select(Recording))).one()
    assert (recording.state, recording.error) == (RecordingState.MISSING, attachments.ONLY_A_LINK)
    assert recording.caller_id == "+14155550123"
    assert recording.vendor == {"by": "RingCentral", "link": "https://x.example/voicemail/1"}


async def test_the_sweep_takes_what_no_ring_announced_and_nothing_else(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    first = await mailed(database, await blobs.put(wav("en", ENGLISH)))
    second = await mailed(database, await blobs.put(wav("en", ENGLISH[:2])))
    await mailed(database, await blobs.put(wav("en", ENGLISH[:1])), voicemail=False)
    assert await attachments.sweep(database, blobs, settings) == 2
    assert await attachments.sweep(database, blobs, settings) == 0
    async with database.transaction() as session:
        assert list(await session.scalars(select(Recording.attachment_id).order_by(Recording.id))) == [first, second]


async def test_bytes_that_are_gone_are_a_problem_and_hold_up_nobody(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    gone = await blobs.put(wav("en", ENGLISH[:1]))
    data = blobs.path(gone).read_bytes()
    blobs.path(gone).unlink()
    await mailed(database, gone)
    await mailed(database, await blobs.put(wav("en", ENGLISH)))

    async def problems() -> int:
        async with database.transaction() as session:
            return len((await session.scalars(select(Problem.id).where(Problem.resolved_at.is_(None)))).all())

    assert await attachments.sweep(database, blobs, settings) == 1
    assert await problems() == 1
    await blobs.put(data)
    assert await attachments.sweep(database, blobs, settings) == 1
    assert await problems() == 0


@pytest.mark.parametrize(
    ("headers", "subject", "text", "name", "number"),
    [
        ({"x-asterisk-callerid": "4155550123"}, "", "", "", "+14155550123"),
        ({"x-asterisk-callerid": "Unknown"}, "Voicemail from 4155550123", "", "", None),
        ({}, "Voicemail from JANE DOE <4155550123> 0:12", "", "JANE DOE", "+14155550123"),
        ({}, "New Voicemail from (415) 555-0123", "", "", "+14155550123"),
        ({}, "Voice Mail from 4155550123 (3 seconds)", "", "", "+14155550123"),
        ({}, "Mensaje de voz de +1 415 555 0123", "", "", "+14155550123"),
        ({}, "[PBX]: New message 3 in mailbox 1000",
         'You were just left a 0:07 long message (number 3)\nin mailbox 1000 from "JANE" <4155550123>, on Monday',
         "JANE", "+14155550123"),
        ({}, "Voice message", "from somebody", "", None),
    ],
)  # fmt: skip
def test_who_called(headers: dict[str, Any], subject: str, text: str, name: str, number: str | None) -> None:
    assert who_called(headers, subject, text) == (name, number)


def test_which_mailbox() -> None:
    assert mailbox_of({}, None, "[PBX]: New message 1 in mailbox 1000", "") == "1000"
    assert mailbox_of({}, None, "Correo de voz", "en el buzón 2000 de hoy") == "2000"
    assert mailbox_of({"x-asterisk-vm-extension": "3000"}, None, "", "") == "3000"
    assert mailbox_of({}, None, "Hello", "") == ""
