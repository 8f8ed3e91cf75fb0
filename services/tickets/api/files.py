"""Audio, attachments and raw mail."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from services.tickets import files
from services.tickets.api.common import Id
from services.tickets.waveform import WaveformView, waveform
from shared.web.depends import BlobStore, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["files"])
BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}},
    206: {"description": "The range that was asked for."},
}


# Not under /recordings: behind one host that prefix belongs to the voicemail application.
@router.get("/tickets/{ticket_id}/recordings/{recording_id}/audio", summary="Listen to a voicemail",
            response_class=Response, responses={**BYTES, 200: {"content": {"audio/wav": {}}}})  # fmt: skip
async def audio(
    session: Tx,
    me: Me,
    blobs: BlobStore,
    ticket_id: Id,
    recording_id: Id,
    original: Annotated[bool, Query(description="The bytes as they came, to save.")] = False,
    asked: Annotated[str | None, Header(alias="Range", description="`bytes=0-`: part of it.")] = None,
) -> Response:
    blob, content_type, name = await files.recording_file(
        session, me, ticket_id, recording_id, original=original, listening=files.begins(asked)
    )
    return files.download(blobs, blob, content_type=content_type, filename=name, inline=not original)


@router.get("/tickets/{ticket_id}/recordings/{recording_id}/waveform", summary="See how loud a voicemail is, and where")
async def picture(session: Tx, me: Me, blobs: BlobStore, ticket_id: Id, recording_id: Id) -> WaveformView:
    return await waveform(session, blobs, me, ticket_id, recording_id)


@router.get("/attachments/{attachment_id}", summary="Download an attachment", response_class=Response, responses=BYTES)
async def attachment(
    session: Tx,
    me: Me,
    blobs: BlobStore,
    attachment_id: Id,
    inline: Annotated[bool, Query(description="Show it, when it is a picture or audio.")] = False,
) -> Response:
    blob, content_type, name = await files.attachment_file(session, me, attachment_id)
    return files.download(blobs, blob, content_type=content_type, filename=name, inline=inline)


@router.get(
    "/messages/{message_id}/raw", summary="Download a mail as it came", response_class=Response, responses=BYTES
)
async def raw_mail(session: Tx, me: Me, blobs: BlobStore, message_id: Id) -> Response:
    blob = await files.raw_mail(session, me, message_id)
    return files.download(blobs, blob, content_type="message/rfc822", filename=f"message-{message_id}.eml")
