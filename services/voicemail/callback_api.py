"""The address that telephone providers call. A request that is not signed rightly gets 403 and makes nothing."""

import json
from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import select

from services.voicemail import callbacks, doors, intake, signatures
from shared import clock
from shared.blobs import Blobs
from shared.database import Database
from shared.errors import Forbidden, Invalid, NotFound, TooLarge
from shared.models import Recording, RecordingSource
from shared.settings import RecordingCallback, Settings
from shared.web.depends import BlobStore, Cfg, Db

log = structlog.get_logger(__name__)

PATH = "/api/v1/recording-callbacks"
router = APIRouter(prefix=PATH, tags=["recordings"])

MAX_BODY = 64 * 1024
NOTHING = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'  # TwiML: nothing more to do with this call

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "RecordingSid": {"type": "string", "example": "RE0123456789abcdef0123456789abcdef"},
                        "RecordingUrl": {"type": "string", "example": "https://api.twilio.com/2010-04-01/…"},
                        "RecordingStatus": {"type": "string", "example": "completed"},
                        "RecordingDuration": {"type": "string", "example": "12"},
                        "From": {"type": "string", "example": "+17075550112"},
                        "To": {"type": "string", "example": "+17075550100"},
                    },
                }
            },
            "application/json": {"schema": {"type": "object"}},
        },
    }
}


@router.post(
    "/{name}",
    openapi_extra=_BODY,
    summary="A telephone provider says that a recording is there",
    response_class=Response,
    responses={
        200: {"description": "Taken in, or known already", "content": {"application/xml": {}}},
        403: {"description": "The signature is wrong; nothing was changed"},
    },
)
async def called(
    request: Request,
    database: Db,
    blobs: BlobStore,
    settings: Cfg,
    name: Annotated[str, Path(max_length=40)],
) -> Response:
    """Signed by the provider (`X-Twilio-Signature`, or `telnyx-signature-ed25519`), not by an access token.

    The ticket stands when this returns; the audio is fetched afterwards. In the query of the address, which is signed
    with the rest, `mailbox`, `line`, `language` (`en`, `es`), `from` and `to` may say what the provider does not.
    """
    callback = next((each for each in settings.recording_callbacks if each.name == name), None)
    if callback is None:
        raise NotFound("There is no such callback.")
    body = await _body(request)
    if not _is_signed(callback, settings, request, body):
        refusals: doors.Refusals = request.app.state.refusals
        await refusals.note(database, f"callback:{name}")
        raise Forbidden("The signature is not right.")
    query = dict(parse_qsl(request.url.query, keep_blank_values=True))
    told = callbacks.read(_parameters(request, body), query)
    if told.language and told.language not in settings.languages:
        raise Invalid("The language must be one of {languages}.", field="language",
                      languages=", ".join(settings.languages))  # fmt: skip
    if told.is_complete:
        await _take_in(database, blobs, settings, callback, told)
    elif told.text:
        await _take_words(database, callback, told)
    return Response(NOTHING, media_type="application/xml")


async def _take_in(
    database: Database, blobs: Blobs, settings: Settings, callback: RecordingCallback, told: callbacks.Told
) -> None:
    now = clock.now()
    caller_name, number = intake.caller(f'"{told.caller_name}" <{told.caller}>') if told.caller else ("", None)
    await intake.deliver(
        database,
        blobs,
        settings,
        intake.NewRecording(
            source=RecordingSource.CALLBACK,
            door=f"callback:{callback.name}",
            source_id=_source_id(callback, told),
            data=None,
            content_type="audio/wav",
            line=told.line or told.called,
            mailbox=told.mailbox,
            caller_id=number,
            caller_name=caller_name,
            menu_language=told.language or None,
            called_at=min(told.started_at or now - timedelta(seconds=told.seconds or 0), now),
            vendor=_vendor(callback, told),
            wanted=intake.Wanted(
                callback.name, callbacks.audio_url(told.url), now + timedelta(seconds=callback.keeps_s)
            ),
        ),
    )


async def _take_words(database: Database, callback: RecordingCallback, told: callbacks.Told) -> None:
    """The provider's own transcript, which comes after the recording. Without that it says nothing."""
    async with database.transaction() as session:
        recording = await session.scalar(
            select(Recording)
            .where(
                Recording.source == RecordingSource.CALLBACK,
                Recording.source_id == _source_id(callback, told),
            )
            .with_for_update()
        )
        if recording is not None:
            recording.vendor = {**(recording.vendor or {}), **(_vendor(callback, told) or {})}


def _source_id(callback: RecordingCallback, told: callbacks.Told) -> str:
    return f"{callback.name}/{told.recording_id}"


def _vendor(callback: RecordingCallback, told: callbacks.Told) -> dict[str, object]:
    said: dict[str, object] = {"by": callback.name.capitalize()}
    if told.seconds is not None:
        said["duration_s"] = told.seconds
    if told.text:
        said["text"] = told.text
    return said


def _is_signed(callback: RecordingCallback, settings: Settings, request: Request, body: bytes) -> bool:
    if callback.signed_by == "telnyx":
        return signatures.is_of_telnyx(
            callback.public_key or "",
            body,
            request.headers.get("telnyx-timestamp", ""),
            request.headers.get("telnyx-signature-ed25519", ""),
            clock.now().timestamp(),
        )
    return signatures.is_of_twilio(
        [token.get_secret_value() for token in callback.tokens],
        _as_called(callback, settings, request),
        request.headers.get("content-type", ""),
        body,
        request.headers.get("x-twilio-signature", ""),
    )


def _as_called(callback: RecordingCallback, settings: Settings, request: Request) -> str:
    """The address as the provider called it: what a proxy made of scheme, host, port and path does not count."""
    base = callback.url or f"{settings.voicemail_url.rstrip('/')}{PATH}/{callback.name}"
    query = request.scope.get("query_string", b"").decode("latin-1")
    return f"{base}?{query}" if query else base


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise TooLarge("The request is too large.")
    return body


def _parameters(request: Request, body: bytes) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        try:
            return dict(signatures.form(body))
        except ValueError:
            raise Invalid("This is not a form.") from None
    try:
        found = json.loads(body)
    except ValueError:
        raise Invalid("This is not JSON.") from None
    if not isinstance(found, dict):
        raise Invalid("An object is needed.")
    return {str(key): str(value) for key, value in found.items() if isinstance(value, str | int | float)}
