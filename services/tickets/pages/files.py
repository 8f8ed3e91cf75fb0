"""What a ticket carries besides words: formatted mail in its sandbox, attachments, recordings, raw mail."""

import base64
import hashlib
import html

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import HTMLResponse, Response

from services.tickets import files
from services.tickets.pages.common import Page, Screen
from services.tickets.sanitise import safe_html
from services.tickets.waveform import WaveformView, waveform
from shared.blobs import Blobs
from shared.errors import NotFound
from shared.models import Attachment
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


@router.get("/tickets/{ticket_id}/messages/{message_id}/html")
async def message_html(screen: Page, blobs: BlobStore, ticket_id: int, message_id: int) -> Response:
    message = await files.seen_message(screen.session, screen.me, message_id, "message.html", ticket_id)
    if message.html is None:
        raise NotFound("There is nothing here.")
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
    blob, content_type, name = await files.attachment_file(screen.session, screen.me, attachment_id, ticket_id)
    return files.download(blobs, blob, content_type=content_type, filename=name)


@router.get("/tickets/{ticket_id}/messages/{message_id}/raw")
async def raw_message(screen: Page, blobs: BlobStore, ticket_id: int, message_id: int) -> Response:
    """The mail exactly as it came, for whoever must prove what was received."""
    blob = await files.raw_mail(screen.session, screen.me, message_id, ticket_id)
    name = f"ticket-{ticket_id}-message-{message_id}.eml"
    return files.download(blobs, blob, content_type="message/rfc822", filename=name)


@router.get("/tickets/{ticket_id}/recordings/{recording_id}/waveform")
async def picture(screen: Page, blobs: BlobStore, ticket_id: int, recording_id: int) -> WaveformView:
    return await waveform(screen.session, blobs, screen.me, ticket_id, recording_id)


@router.get("/tickets/{ticket_id}/recordings/{recording_id}/audio")
async def audio(screen: Page, blobs: BlobStore, ticket_id: int, recording_id: int) -> Response:
    listening = files.begins(screen.request.headers.get("range"))  # seeking is the same listening
    blob, content_type, name = await files.recording_file(
        screen.session, screen.me, ticket_id, recording_id, listening=listening
    )
    return files.download(blobs, blob, content_type=content_type, filename=name, inline=True)
