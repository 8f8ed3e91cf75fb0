"""The HTTP door: a phone system, a script or a browser uploads a recording, and asks what became of it."""

import hashlib
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response, status
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from sqlalchemy import select
from starlette.datastructures import FormData, UploadFile
from starlette.types import Message

from services.voicemail import audio, intake
from shared import audit, clock
from shared.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge, UnsupportedMedia
from shared.models import Recording, RecordingSource, RecordingState, Transcript
from shared.people import Actor, Permission
from shared.settings import Settings
from shared.web.depends import BlobStore, Cfg, Db, Me, Tx

router = APIRouter(prefix="/api/v1/recordings", tags=["recordings"])

BIGGEST = 2**63 - 1
_YES = {"true", "1", "yes", "on"}
_NO = {"", "false", "0", "no", "off"}
_AUDIO_SUFFIXES = (".wav", ".mp3", ".ogg", ".oga", ".opus", ".webm", ".m4a", ".mp4", ".aac", ".flac", ".amr", ".wma",
                   ".aiff", ".au", ".3gp")  # fmt: skip


class TranscriptView(BaseModel):
    text: str
    language: str = Field(description="`en`, `es`, `mixed` or `unknown`")
    language_confidence: float
    flags: list[str] = Field(description="What in it should not be trusted: `no_speech`, `doubtful`, `loop`…")
    segments: list[dict[str, Any]]
    model: str
    created_at: datetime


class RecordingView(BaseModel):
    """A recording and what became of it."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "id": 17,
                    "state": "received",
                    "source": "upload",
                    "source_id": "PBX-1730000000.42",
                    "caller_id": "+17075550112",
                    "mailbox": "1000",
                    "line": "main",
                    "menu_language": "es",
                    "urgent": False,
                    "called_at": "2026-11-16T16:05:00Z",
                    "received_at": "2026-11-16T16:05:31Z",
                    "duration_s": 12.4,
                    "error": None,
                    "transcript": None,
                }
            ]
        }
    }

    id: int
    state: RecordingState
    source: RecordingSource
    source_id: str
    caller_id: str | None
    mailbox: str
    line: str
    menu_language: str | None
    urgent: bool
    called_at: datetime
    received_at: datetime
    duration_s: float | None
    error: str | None = Field(description="Why it cannot be heard or was not transcribed")
    transcript: TranscriptView | None = Field(description="The newest one; needs the permission ticket.read")


_PROPERTIES: dict[str, object] = {
    "file": {"type": "string", "format": "binary", "description": "Any format; raw G.711 as .ulaw or .alaw"},
    "caller_id": {"type": "string", "example": '"JANE DOE" <7075550112>'},
    "menu_language": {"type": "string", "enum": ["en", "es"], "description": "What the caller chose in the menu"},
    "mailbox": {"type": "string", "example": "1000"},
    "line": {"type": "string", "description": "Number or name that was called"},
    "called_at": {"type": "string", "format": "date-time", "description": "With its time zone; else: now"},
    "urgent": {"type": "boolean"},
    "source_id": {"type": "string", "description": "Your own id of the message: sending it again changes nothing"},
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "required": ["file"], "properties": _PROPERTIES}}
        },
    }
}


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=_BODY,
    summary="Upload a recording",
    responses={200: {"model": RecordingView, "description": "It was uploaded before; nothing changed"}},
)
async def upload(
    request: Request,
    response: Response,
    database: Db,
    blobs: BlobStore,
    settings: Cfg,
    me: Me,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> RecordingView:
    """The recording becomes a ticket at once, with its audio; the transcript follows.

    `source_id` (or the header `Idempotency-Key`) makes a repeated upload harmless; without one, the same bytes from
    the same caller are taken for a repetition.
    """
    me.require(Permission.RECORDING_UPLOAD)
    form = await _form(request, settings)
    try:
        new, data = await _new_recording(form, settings, me, idempotency_key)
    finally:
        await form.close()
    recording, is_new = await intake.deliver(database, blobs, settings, new)
    if recording.source_id == new.source_id and recording.blob != hashlib.sha256(data).hexdigest():
        raise Conflict("Another recording was already sent with this source_id.")
    async with database.transaction() as session:
        audit.record(
            session, me.id, "recording.upload", object_type="recording", object_id=recording.id,
            detail={"repeated": not is_new, "bytes": len(data), "file": new.filename[:200]}, ip=me.ip,
        )  # fmt: skip
    if not is_new:
        response.status_code = status.HTTP_200_OK
    response.headers["Location"] = f"{router.prefix}/{recording.id}"
    return _view(recording, None)


@router.get("/{recording_id}", summary="One recording, its state and its transcript")
async def get_recording(session: Tx, me: Me, recording_id: Annotated[int, Path(ge=1, le=BIGGEST)]) -> RecordingView:
    reads = me.may(Permission.TICKET_READ)
    if not reads and not me.may(Permission.RECORDING_UPLOAD):
        me.require(Permission.TICKET_READ)
    recording = await session.get(Recording, recording_id)
    if recording is None:
        raise NotFound("There is no such recording.")
    if not reads and not recording.source_id.startswith(_own(me)):
        raise Forbidden("You may only ask about recordings that you uploaded.")
    transcript = None
    if reads:
        transcript = await session.scalar(
            select(Transcript).where(Transcript.recording_id == recording_id).order_by(Transcript.id.desc()).limit(1)
        )
    audit.record(
        session, me.id, "recording.view", object_type="recording", object_id=recording_id,
        detail={"transcript": transcript is not None}, ip=me.ip,
    )  # fmt: skip
    return _view(recording, transcript)


def _own(me: Actor) -> str:
    """What one uploader's ids begin with: two phone systems may count their messages alike."""
    return f"{me.id}:"


async def _form(request: Request, settings: Settings) -> FormData:
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise UnsupportedMedia("Send the recording as multipart/form-data with the field file.")
    if getattr(request, "_form", None) is not None:  # read already, for its CSRF token
        return await request.form()
    limited = Request(request.scope, _limited(request.receive, settings.max_upload_bytes))
    return await limited.form(max_files=1, max_fields=20, max_part_size=64 * 1024)


def _limited(receive: Callable[[], Awaitable[Message]], most: int) -> Callable[[], Awaitable[Message]]:
    """Counts a body as it streams in: a length that is not declared, or is wrong, fills no disk."""
    seen = 0

    async def receive_counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most + 64 * 1024:  # the other fields and the boundaries
            raise TooLarge("The recording is too large: at most {megabytes} MB.", megabytes=most // (1024 * 1024))
        return message

    return receive_counted


async def _new_recording(
    form: FormData, settings: Settings, me: Actor, idempotency_key: str | None
) -> tuple[intake.NewRecording, bytes]:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Invalid("Choose a recording to send.", field="file")
    if (file.size or 0) > settings.max_upload_bytes:
        megabytes = settings.max_upload_bytes // (1024 * 1024)
        raise TooLarge("The recording is too large: at most {megabytes} MB.", megabytes=megabytes)
    data = await file.read()
    content_type, filename = file.content_type or "", file.filename or ""
    if _is_wrong_kind(data, content_type, filename):
        raise UnsupportedMedia("This is not a recording. Send a sound file, for example WAV, MP3, Ogg or M4A.")
    name, number = intake.caller(_text(form, "caller_id"))
    menu_language = _text(form, "menu_language").lower() or None
    if menu_language is not None and menu_language not in settings.languages:
        raise Invalid("The language must be one of {languages}.", field="menu_language",
                      languages=", ".join(settings.languages))  # fmt: skip
    source_id = _text(form, "source_id")
    if source_id and idempotency_key and source_id != idempotency_key:
        raise Invalid("The source_id and the Idempotency-Key differ: send one of them.", field="source_id")
    called_at = _instant(_text(form, "called_at"))
    new = intake.NewRecording(
        source=RecordingSource.UPLOAD,
        door="upload",
        source_id=_own(me) + (source_id or idempotency_key or _derived_id(data, form)),
        data=data,
        content_type=content_type,
        filename=filename,
        line=_text(form, "line", 100),
        mailbox=_text(form, "mailbox", 100),
        caller_id=number,
        caller_name=name,
        menu_language=menu_language,
        urgent=_truth(_text(form, "urgent")),
        called_at=called_at or clock.now(),
    )
    return new, data


def _derived_id(data: bytes, form: FormData) -> str:
    facts = [_text(form, field) for field in ("caller_id", "mailbox", "line", "called_at")]
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "\n".join([hashlib.sha256(data).hexdigest(), *facts])))


def _is_wrong_kind(data: bytes, content_type: str, filename: str) -> bool:
    """Surely something else than sound. What claims to be sound is kept, even if nobody will be able to hear it."""
    if audio.looks_like_audio(data[:64]) or audio.is_raw(content_type) or audio.is_raw(filename):
        return False
    kind = content_type.lower().partition(";")[0].strip()
    if kind.startswith("audio/") or kind in ("video/webm", "video/mp4", "video/ogg", "application/ogg"):
        return False
    return kind not in ("", "application/octet-stream") or not filename.lower().endswith(_AUDIO_SUFFIXES)


def _text(form: FormData, field: str, longest: int = 200) -> str:
    value = form.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid("This field takes text, not a file.", field=field)
    value = value.strip()
    if len(value) > longest or "\x00" in value:
        raise Invalid("At most {longest} characters fit.", field=field, longest=longest)
    return value


def _truth(value: str) -> bool:
    if value.lower() not in _YES | _NO:
        raise Invalid("Yes or no is needed.", field="urgent")
    return value.lower() in _YES


def _instant(value: str) -> datetime | None:
    if not value:
        return None
    try:
        at = TypeAdapter(datetime).validate_python(value)
    except ValidationError:
        raise Invalid("A date and time is needed, for example 2026-11-16T08:05:00-08:00.", field="called_at") from None
    if at.tzinfo is None:
        raise Invalid("The time must say its time zone, for example 2026-11-16T08:05:00-08:00.", field="called_at")
    if not clock.now() - timedelta(days=3660) < at < clock.now() + timedelta(days=1):
        raise Invalid("The time of the call must lie in the past.", field="called_at")
    return at


def _view(recording: Recording, transcript: Transcript | None) -> RecordingView:
    source_id = recording.source_id
    return RecordingView(
        id=recording.id,
        state=recording.state,
        source=recording.source,
        source_id=source_id.partition(":")[2] if recording.source is RecordingSource.UPLOAD else source_id,
        caller_id=recording.caller_id,
        mailbox=recording.mailbox,
        line=recording.line,
        menu_language=recording.menu_language,
        urgent=recording.urgent,
        called_at=recording.called_at,
        received_at=recording.received_at,
        duration_s=recording.duration_s,
        error=recording.error,
        transcript=None
        if transcript is None
        else TranscriptView(
            text=transcript.text,
            language=transcript.language,
            language_confidence=transcript.language_confidence,
            flags=transcript.flags,
            segments=transcript.segments,
            model=transcript.model,
            created_at=transcript.created_at,
        ),
    )
