"""What a ticket carries besides words: formatted mail in its sandbox, attachments, recordings, raw mail."""

import base64
import hashlib
import html
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import FileResponse, HTMLResponse, Response

from services.tickets.pages.common import Page, Screen
from services.tickets.sanitise import safe_html
from shared import audit
from shared.blobs import Blobs
from shared.errors import NotFound
from shared.models import Attachment, Entry, Message, Recording
from shared.people import Permission
from shared.web.depends import BlobStore
from shared.web.i18n import translate

router = APIRouter(include_in_schema=False)
INLINE_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
INLINE_LIMIT = 2_000_000  # bytes of one image; larger ones are in the list of attachments
INLINE_TOTAL = 8_000_000
MAIL_STYLE = """
:root{color-scheme:light}
body{margin:0;padding:.75rem 1rem;background:#fff;color:#17211f;font:15px/1.5 system-ui,"Liberation Sans",sans-serif;
overflow-wrap:anywhere}
img{max-width:100%;height:auto}table{max-width:100%}
blockquote{margin:.5rem 0;padding-left:.75rem;border-left:3px solid #dedacd;color:#4a5653}pre{white-space:pre-wrap}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(MAIL_STYLE.encode()).digest()).decode()
# Opened by itself it is as harmless as in its frame: no origin, no scripts, no forms, nothing from elsewhere.
MAIL_POLICY = (
    f"default-src 'none'; img-src data:; style-src 'sha256-{_STYLE_HASH}'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox; frame-ancestors 'self'; form-action 'none'; base-uri 'none'"
)
FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


async def _belongs(screen: Screen, ticket_id: int, column: Any, value: int) -> None:
    screen.me.require(Permission.TICKET_READ)
    found = await screen.session.scalar(select(Entry.id).where(Entry.ticket_id == ticket_id, column == value).limit(1))
    if found is None:
        raise NotFound("There is nothing here.")


def _record(screen: Screen, action: str, ticket_id: int, kind: str, id_: int) -> None:
    audit.record(
        screen.session, screen.me.id, action,
        object_type=kind, object_id=id_, ticket_id=ticket_id, ip=screen.me.ip,
    )  # fmt: skip


@router.get("/tickets/{ticket_id}/messages/{message_id}/html")
async def message_html(screen: Page, blobs: BlobStore, ticket_id: int, message_id: int) -> Response:
    await _belongs(screen, ticket_id, Entry.message_id, message_id)
    message = await screen.session.get(Message, message_id)
    if message is None or message.html is None:
        raise NotFound("There is nothing here.")
    _record(screen, "message.html", ticket_id, "message", message_id)
    body = safe_html(message.html, await _inline_images(screen, blobs, message_id))
    title = html.escape(message.subject or translate(screen.language, "No subject"))
    page = (
        f'<!doctype html><html lang="und"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{MAIL_STYLE}</style></head><body><main>{body}</main></body></html>"
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": MAIL_POLICY})


async def _inline_images(screen: Screen, blobs: Blobs, message_id: int) -> dict[str, str]:
    """Content id → the image itself: a sandboxed frame has no cookie to fetch it with."""
    images: dict[str, str] = {}
    total = 0
    for attachment in await screen.session.scalars(
        select(Attachment).where(
            Attachment.message_id == message_id,
            Attachment.content_id.is_not(None),
            Attachment.content_type.in_(INLINE_IMAGES),
            Attachment.size <= INLINE_LIMIT,
        )
    ):
        total += attachment.size
        if total > INLINE_TOTAL or attachment.content_id is None:
            break
        data = base64.b64encode(await blobs.get(attachment.blob)).decode()
        images[attachment.content_id] = f"data:{attachment.content_type};base64,{data}"
    return images


@router.get("/tickets/{ticket_id}/attachments/{attachment_id}")
async def attachment(screen: Page, blobs: BlobStore, ticket_id: int, attachment_id: int) -> Response:
    found = await screen.session.get(Attachment, attachment_id)
    if found is None:
        raise NotFound("There is no such file.")
    await _belongs(screen, ticket_id, Entry.message_id, found.message_id)
    _record(screen, "attachment.download", ticket_id, "attachment", attachment_id)
    name = found.filename or f"attachment-{attachment_id}"
    return _download(blobs, found.blob, name)


@router.get("/tickets/{ticket_id}/messages/{message_id}/raw")
async def raw_message(screen: Page, blobs: BlobStore, ticket_id: int, message_id: int) -> Response:
    """The mail exactly as it came, for whoever must prove what was received."""
    await _belongs(screen, ticket_id, Entry.message_id, message_id)
    message = await screen.session.get_one(Message, message_id)
    _record(screen, "message.raw", ticket_id, "message", message_id)
    return _download(blobs, message.blob, f"ticket-{ticket_id}-message-{message_id}.eml")


@router.get("/tickets/{ticket_id}/recordings/{recording_id}/audio")
async def audio(screen: Page, blobs: BlobStore, ticket_id: int, recording_id: int) -> Response:
    await _belongs(screen, ticket_id, Entry.recording_id, recording_id)
    recording = await screen.session.get_one(Recording, recording_id)
    if recording.playback_blob is None:
        raise NotFound("This recording cannot be played.")
    if screen.request.headers.get("range", "bytes=0-").startswith("bytes=0-"):  # seeking is the same listening
        _record(screen, "recording.listen", ticket_id, "recording", recording_id)
    path = blobs.path(recording.playback_blob)
    if not path.exists():
        raise NotFound("There is no such file.")
    return FileResponse(path, media_type="audio/wav", headers={"Content-Security-Policy": FILE_POLICY})


def _download(blobs: Blobs, blob: str, name: str) -> Response:
    path = blobs.path(blob)
    if not path.exists():
        raise NotFound("There is no such file.")
    safe = "".join(c if c.isprintable() and c not in '/\\"' else "_" for c in name)[:180]
    return FileResponse(
        path,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(safe, safe='')}",
            "Content-Security-Policy": FILE_POLICY,
        },
    )
