"""Greetings for programs: the same actions as on the page, under /api/v1/greetings."""

import mimetypes
from typing import Annotated

from fastapi import APIRouter, File, Form, Path, Query, Request, Response, UploadFile, status
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import FileResponse

from services.voicemail.greetings import actions, repository, scripts, views
from services.voicemail.greetings.access import Reader, Writer
from services.voicemail.greetings.views import ActivationView, LineView, SlotView, UpcomingView, VersionView
from shared.errors import NotFound
from shared.web.context import language_of
from shared.web.depends import BlobStore, Cfg, Db, Tx
from shared.web.idempotency import Idempotent

router = APIRouter(prefix="/api/v1/greetings", tags=["greetings"])

BIGGEST = 2**63 - 1
Identifier = Annotated[int, Path(ge=1, le=BIGGEST)]


class Activate(BaseModel):
    """Without `starts_at`, now; without `ends_at`, until another is activated."""

    model_config = {
        "json_schema_extra": {
            "examples": [{}, {"starts_at": "2026-12-24T17:00:00-08:00", "ends_at": "2026-12-26T08:00:00-08:00"}]
        }
    }

    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None


class Suggestion(BaseModel):
    slot_id: int
    language: str
    script: str = Field(description="Proposed wording, to be read aloud")


@router.get("", summary="Lines with their slots, versions, activations and what is live")
async def list_greetings(
    request: Request, session: Tx, settings: Cfg, me: Reader, line: Annotated[str | None, Query(max_length=100)] = None
) -> list[LineView]:
    return await views.overview(session, settings, language_of(request, me), line)


@router.get("/schedule", summary="What callers will hear next")
async def upcoming(
    session: Tx, settings: Cfg, me: Reader, days: Annotated[int, Query(ge=1, le=60)] = 14
) -> list[UpcomingView]:
    return await views.schedule(session, settings, days)


@router.get("/slots/{slot_id}", summary="One slot")
async def get_slot(request: Request, session: Tx, me: Reader, slot_id: Identifier) -> SlotView:
    return await views.slot_view(session, language_of(request, me), slot_id)


@router.get("/slots/{slot_id}/suggestion", summary="Wording to start from")
async def suggest(session: Tx, settings: Cfg, me: Reader, slot_id: Identifier) -> Suggestion:
    slot = await repository.slot(session, slot_id)
    if slot is None:
        raise NotFound("There is no such greeting slot.")
    return Suggestion(
        slot_id=slot.id, language=slot.language, script=scripts.suggestion(slot.language, slot.situation, settings)
    )


@router.post(
    "/slots/{slot_id}/versions",
    status_code=status.HTTP_201_CREATED,
    summary="Upload a greeting",
    responses={
        200: {"description": "The very same greeting is there already", "model": VersionView},
        400: {"description": "It cannot be used: too short, too long, silent or distorted"},
        413: {"description": "The file is too large"},
        415: {"description": "It is no recording"},
    },
)
async def upload(
    request: Request,
    response: Response,
    database: Db,
    settings: Cfg,
    blobs: BlobStore,
    me: Writer,
    slot_id: Identifier,
    audio: Annotated[UploadFile, File(description="Any usual audio format")],
    script: Annotated[str, Form(max_length=actions.MAX_SCRIPT * 2, description="What is said")] = "",
    trim_silence: Annotated[bool, Form(description="Cut long silence at both ends")] = True,
) -> VersionView:
    """Checked, brought to one loudness and kept as a version that nobody hears until it is activated."""
    new = actions.Upload(await audio.read(), audio.filename or "", script, trim_silence)
    version, is_new = await actions.upload(database, settings, blobs, me, slot_id, new)
    if not is_new:
        response.status_code = status.HTTP_200_OK
    response.headers["Location"] = views.audio_url(version.id)
    async with database.transaction() as session:
        return await views.version_view(session, version, language_of(request, me))


@router.get(
    "/versions/{version_id}/audio",
    response_class=FileResponse,
    summary="Listen",
    responses={200: {"content": {"audio/wav": {}}}, 206: {"description": "The range asked for"}},
)
async def listen(
    session: Tx,
    blobs: BlobStore,
    me: Reader,
    version_id: Identifier,
    rendition: Annotated[
        str, Query(max_length=100, description="`master`, `original`, or a target's name: as callers hear it")
    ] = "master",
) -> FileResponse:
    version = await repository.version(session, version_id)
    if version is None:
        raise NotFound("There is no such greeting.")
    name = f"greeting-{version.id}-{rendition}.wav"
    headers = {"Cache-Control": "private, max-age=86400, immutable"}
    if rendition == "original":
        path = blobs.path(version.original_blob)
        # Whatever was uploaded is only ever handed out as a file.
        kind = mimetypes.guess_type(version.original_name)[0] or "application/octet-stream"
        kind = kind if kind.startswith("audio/") else "application/octet-stream"
        if not path.is_file():
            raise NotFound("There is no such file.")
        return FileResponse(path, media_type=kind, filename=version.original_name, headers=headers)
    if rendition == "master":
        blob = version.master_blob
    else:
        found = await repository.rendition(session, version.id, rendition)
        if found is None:
            raise NotFound("There is no such file.")
        blob = found.blob
    path = blobs.path(blob)
    if not path.is_file():
        raise NotFound("There is no such file.")
    return FileResponse(path, media_type="audio/wav", filename=name, content_disposition_type="inline", headers=headers)


@router.post(
    "/versions/{version_id}/activations",
    status_code=status.HTTP_201_CREATED,
    response_model=ActivationView,
    summary="Activate or schedule",
)
async def activate(
    request: Request,
    session: Tx,
    settings: Cfg,
    me: Writer,
    once: Idempotent,
    version_id: Identifier,
    body: Activate,
) -> Response:
    """The phone system plays it within seconds of the instant at which it begins."""

    async def work() -> ActivationView:
        made = await actions.activate(session, settings, me, version_id, starts_at=body.starts_at, ends_at=body.ends_at)
        return await views.activation_view(session, made, language_of(request, me))

    return await once.run(work)


@router.post(
    "/slots/{slot_id}/roll-back",
    status_code=status.HTTP_201_CREATED,
    response_model=ActivationView,
    summary="Go back to the one before",
)
async def roll_back(
    request: Request, session: Tx, settings: Cfg, me: Writer, once: Idempotent, slot_id: Identifier
) -> Response:
    """Send an `Idempotency-Key`: a repeated request would go back and forth."""

    async def work() -> ActivationView:
        made = await actions.roll_back(session, settings, me, slot_id)
        return await views.activation_view(session, made, language_of(request, me))

    return await once.run(work)


@router.post("/activations/{activation_id}/cancel", summary="End an activation now, or keep it from beginning")
async def cancel(request: Request, session: Tx, settings: Cfg, me: Writer, activation_id: Identifier) -> ActivationView:
    """What stood before it stands again."""
    found = await actions.cancel(session, settings, me, activation_id)
    return await views.activation_view(session, found, language_of(request, me))
