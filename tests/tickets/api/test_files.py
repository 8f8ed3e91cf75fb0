"""Audio, attachments and raw mail: by range, never run by a browser, and every look in the log."""

import re

import pytest
from sqlalchemy import select

from services.tickets.files import plain_name
from shared import clock
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Attachment, AuditEvent, EntryKind, Recording, RecordingSource, RecordingState, Role
from tests.factories import make_entry, make_message, make_ticket
from tests.tickets.api.conftest import Users


async def store_recording(database: Database, blobs: Blobs, playback: bytes | None = b"RIFF0123456789") -> str:
    """Where its audio is."""
    async with database.transaction() as session:
        recording = Recording(
            source=RecordingSource.UPLOAD, source_id="1", called_at=clock.now(), blob=await blobs.put(b"as it came"),
            content_type="audio/ogg", playback_blob=await blobs.put(playback) if playback else None,
            state=RecordingState.TRANSCRIBED,
        )  # fmt: skip
        session.add(recording)
        await session.flush()
        ticket = await make_ticket(session, channel="voicemail")
        await make_entry(session, ticket, EntryKind.VOICEMAIL, recording_id=recording.id)
        return f"/api/v1/tickets/{ticket.id}/recordings/{recording.id}/audio"


async def store_attachment(database: Database, blobs: Blobs, filename: str, content_type: str) -> int:
    async with database.transaction() as session:
        message = await make_message(session, blob=await blobs.put(b"From: a@b\n\nHello"))
        attachment = Attachment(
            message_id=message.id, position=0, filename=filename, content_type=content_type, size=9,
            blob=await blobs.put(b"<script>x"),
        )  # fmt: skip
        session.add(attachment)
        ticket = await make_ticket(session)
        await make_entry(session, ticket, EntryKind.MAIL_IN, message_id=message.id)
        await session.flush()
        return attachment.id


async def test_audio_is_served_by_range_and_one_listening_is_one_entry(
    user: Users, database: Database, blobs: Blobs
) -> None:
    me = await user()
    url = await store_recording(database, blobs)
    whole = await me.http.get(url)
    assert whole.content == b"RIFF0123456789"
    assert whole.headers["content-type"] == "audio/wav"
    part = await me.http.get(url, headers={"Range": "bytes=4-7"})
    assert part.status_code == 206
    assert part.content == b"0123"
    assert part.headers["content-range"] == "bytes 4-7/14"
    beyond = await me.http.get(url, headers={"Range": "bytes=99-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */14")
    for header, status, content in (
        ({"Range": "bytes=-3"}, 206, b"789"),
        ({"Range": "bytes=4-7", "If-Range": whole.headers["etag"]}, 206, b"0123"),
        ({"Range": "bytes=4-7", "If-Range": '"another file"'}, 200, whole.content),
        ({"Range": "seconds=1-2"}, 200, whole.content),
    ):
        answer = await me.http.get(url, headers=header)
        assert (answer.status_code, answer.content) == (status, content), header
    async with database.transaction() as session:
        events = list(await session.scalars(select(AuditEvent).where(AuditEvent.action == "recording.listen")))
    assert len(events) == 1
    assert events[0].ticket_id is not None
    colleague = await user()
    await colleague.http.get(url, headers={"Range": "bytes=10-"})  # no part is heard without an entry
    async with database.transaction() as session:
        listened = select(AuditEvent.id).where(AuditEvent.actor_id == colleague.id)
        assert len(list(await session.scalars(listened))) == 1
    async with database.transaction() as session:
        other = await make_ticket(session)
    assert (await me.http.get(re.sub(r"tickets/\d+", f"tickets/{other.id}", url))).status_code == 404
    original = await me.http.get(url + "?original=true")
    assert original.content == b"as it came"
    assert original.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/pdf", "text/javascript"])
async def test_nothing_that_could_run_is_shown(
    user: Users, database: Database, blobs: Blobs, content_type: str
) -> None:
    me = await user()
    id_ = await store_attachment(database, blobs, "../../evil\r\nX: y.html", content_type)
    answer = await me.http.get(f"/api/v1/attachments/{id_}?inline=true")
    assert answer.content == b"<script>x"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "/" not in answer.headers["content-disposition"].split("filename")[1].replace("''", "")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_picture_may_be_shown(user: Users, database: Database, blobs: Blobs) -> None:
    me = await user()
    id_ = await store_attachment(database, blobs, "meter.png", "image/png")
    answer = await me.http.get(f"/api/v1/attachments/{id_}?inline=true")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("inline")


async def test_raw_mail_and_missing_bytes(user: Users, database: Database, blobs: Blobs) -> None:
    me = await user(Role.CSR1)
    async with database.transaction() as session:
        there = await make_message(session, blob=await blobs.put(b"From: a@b\n\nHello"))
        gone = await make_message(session)
    answer = await me.http.get(f"/api/v1/messages/{there.id}/raw")
    assert answer.content == b"From: a@b\n\nHello"
    assert f'filename="message-{there.id}.eml"' in answer.headers["content-disposition"]
    answer = await me.http.get(f"/api/v1/messages/{gone.id}/raw")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("given", "kept"), [("C:\\a\\b.pdf", "b.pdf"), ("..", "file"), ("", "file"), ("ñandú\x00.txt", "ñandú.txt")]
)
def test_names_lose_what_is_not_a_name(given: str, kept: str) -> None:
    assert plain_name(given) == kept
