"""Greetings for programs: the same actions as on the page, under /api/v1/greetings."""

import mimetypes
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Path, Query, Request, Response, UploadFile, status
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import FileResponse

from services.voicemail.greetings import actions, drift, repository, scripts, versions, views
from services.voicemail.greetings.access import Reader, Writer
from services.voicemail.greetings.actions import Order
from services.voicemail.greetings.rules import Obstacle
from services.voicemail.greetings.schemas import (
    ActivationView,
    AiringView,
    DriftView,
    LineView,
    SlotView,
    UpcomingView,
    VersionView,
)
from services.voicemail.greetings.studio import Format, Treatment
from services.voicemail.greetings.tts import voice_of
from shared import clock
from shared.errors import NotFound
from shared.models import ApprovalDecision, GreetingVersion
from shared.web.context import language_of
from shared.web.depends import BlobStore, Cfg, Db, Tx
from shared.web.idempotency import Idempotent

router = APIRouter(prefix="/api/v1/greetings", tags=["greetings"])

BIGGEST = 2**63 - 1
Identifier = Annotated[int, Path(ge=1, le=BIGGEST)]
Responses = dict[int | str, dict[str, Any]]
WAV: Responses = {
    200: {"content": {"audio/wav": {}}},
    206: {"description": "The range asked for"},
}
NOT_PUBLISHABLE: Responses = {409: {"description": "Something stands between it and its callers: see `obstacle`"}}
KEPT = {"Cache-Control": "private, max-age=86400, immutable"}


class Activate(BaseModel):
    """Without `starts_at`, now; without `ends_at`, until another is published (an emergency ends by itself)."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {"pair_version_id": 8},
                {
                    "starts_at": "2026-12-24T17:00:00-08:00",
                    "ends_at": "2026-12-26T08:00:00-08:00",
                    "alone_because": "The Spanish one for the holidays is recorded tomorrow",
                },
            ]
        }
    }

    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    pair_version_id: int | None = Field(None, ge=1, le=BIGGEST, description="The other language's, published with it")
    alone_because: str = Field("", max_length=2 * actions.MAX_REASON, description="Or why there is no pair")
    confirm: list[Obstacle] = Field([], max_length=10, description="What you answer for: `draft`, `unchecked`")


class Draft(BaseModel):
    script: str = Field(max_length=versions.MAX_SCRIPT * 2, description="What is read aloud")


class Retreat(BaseModel):
    trim: bool = Field(True, description="Cut long silence at both ends")
    normalise: bool = Field(True, description="Bring it to the loudness of the others")


class Decide(BaseModel):
    decision: ApprovalDecision
    note: str = Field("", max_length=2 * actions.MAX_REASON, description="Needed to reject")


class Adopted(BaseModel):
    drift: DriftView
    version: VersionView


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


@router.get("/history", summary="What callers could hear when")
async def history(
    session: Tx,
    me: Reader,
    line: Annotated[str | None, Query(max_length=100)] = None,
    at: Annotated[AwareDatetime | None, Query(description="At one instant, e.g. when a voicemail was left")] = None,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
) -> list[AiringView]:
    """The newest first, at most 500; without any time, of the last 30 days."""
    last: datetime = at or until or clock.now()
    first: datetime = at or since or last - timedelta(days=30)
    return await views.history(session, first, last, line)


@router.get("/drifts", summary="What somebody changed on a phone system")
async def drifts(session: Tx, me: Reader) -> list[DriftView]:
    """Those that are not settled."""
    return await views.drift_views(session)


@router.get("/drifts/{drift_id}", summary="One change")
async def get_drift(session: Tx, me: Reader, drift_id: Identifier) -> DriftView:
    return (await views.drift_views(session, [await drift.drift_or_error(session, drift_id)]))[0]


@router.get("/drifts/{drift_id}/audio", response_class=Response, summary="What was found there", responses=WAV)
async def listen_to_drift(session: Tx, blobs: BlobStore, me: Reader, drift_id: Identifier) -> Response:
    """As every browser plays it."""
    found = await drift.drift_or_error(session, drift_id)
    if found.blob is None:
        raise NotFound("There is no such file.")
    return _wav(await drift.playable(blobs, found), f"found-{found.id}.wav")


@router.post("/drifts/{drift_id}/put-back", summary="Put ours back")
async def put_back(session: Tx, me: Writer, drift_id: Identifier) -> DriftView:
    """The phone system plays ours again within seconds; what was found is kept."""
    return (await views.drift_views(session, [await drift.put_back(session, me, drift_id)]))[0]


@router.post("/drifts/{drift_id}/adopt", status_code=status.HTTP_201_CREATED, summary="Take theirs in, as a version")
async def adopt(
    request: Request, database: Db, settings: Cfg, blobs: BlobStore, me: Writer, drift_id: Identifier
) -> Adopted:
    """It is checked, approved and published like any other, and plays on until then."""
    found, version = await drift.adopt(database, settings, blobs, me, drift_id)
    async with database.transaction() as session:
        return Adopted(
            drift=(await views.drift_views(session, [found]))[0],
            version=await views.version_view(session, settings, version, language_of(request, me)),
        )


@router.get("/slots/{slot_id}", summary="One slot")
async def get_slot(request: Request, session: Tx, settings: Cfg, me: Reader, slot_id: Identifier) -> SlotView:
    return await views.slot_view(session, settings, language_of(request, me), slot_id)


@router.get("/slots/{slot_id}/suggestion", summary="Wording to start from")
async def suggest(session: Tx, settings: Cfg, me: Reader, slot_id: Identifier) -> Suggestion:
    slot = await repository.slot_or_error(session, slot_id)
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
    script: Annotated[str, Form(max_length=versions.MAX_SCRIPT * 2, description="What is said")] = "",
    trim_silence: Annotated[bool, Form(description="Cut long silence at both ends")] = True,
    normalise: Annotated[bool, Form(description="Bring it to the loudness of the others")] = True,
) -> VersionView:
    """Checked, and kept as a version that nobody hears until it is published."""
    treatment = Treatment(trim_silence, normalise)
    new = versions.Upload(await audio.read(), audio.filename or "", script, treatment)
    version, is_new = await versions.upload(database, settings, blobs, me, slot_id, new)
    return await _made(request, response, database, settings, me, version, is_new)


@router.post(
    "/slots/{slot_id}/drafts",
    status_code=status.HTTP_201_CREATED,
    summary="Have a script read aloud, as a draft",
    responses={
        200: {"description": "The very same draft is there already", "model": VersionView},
        503: {"description": "There is no voice here"},
    },
)
async def draft(
    request: Request,
    response: Response,
    database: Db,
    settings: Cfg,
    blobs: BlobStore,
    me: Writer,
    slot_id: Identifier,
    body: Draft,
) -> VersionView:
    """A version with `source` `tts`. To publish it, `confirm` must name `draft`."""
    voice = voice_of(settings)
    version, is_new = await versions.draft(database, settings, blobs, voice, me, slot_id, body.script)
    return await _made(request, response, database, settings, me, version, is_new)


@router.get("/versions/{version_id}", summary="One version")
async def get_version(request: Request, session: Tx, settings: Cfg, me: Reader, version_id: Identifier) -> VersionView:
    """With what a machine heard in it, who approved it, and what stands between it and its callers."""
    version = await repository.version_or_error(session, version_id)
    return await views.version_view(session, settings, version, language_of(request, me))


@router.post(
    "/versions/{version_id}/treatments",
    status_code=status.HTTP_201_CREATED,
    summary="The same recording, treated otherwise",
    responses={200: {"description": "That version is there already", "model": VersionView}},
)
async def treat(
    request: Request,
    response: Response,
    database: Db,
    settings: Cfg,
    blobs: BlobStore,
    me: Writer,
    version_id: Identifier,
    body: Retreat,
) -> VersionView:
    """Another version: this one stays as it is."""
    treatment = Treatment(body.trim, body.normalise)
    version, is_new = await versions.treat(database, settings, blobs, me, version_id, treatment)
    return await _made(request, response, database, settings, me, version, is_new)


@router.post(
    "/versions/{version_id}/approvals",
    status_code=status.HTTP_201_CREATED,
    summary="Approve or reject somebody else's version",
    responses={403: {"description": "It is your own"}},
)
async def decide(
    request: Request, session: Tx, settings: Cfg, me: Writer, version_id: Identifier, body: Decide
) -> VersionView:
    """Needed where CENTRALITA_GREETING_APPROVAL is set; an emergency does without."""
    await actions.decide(session, settings, me, version_id, body.decision, body.note)
    version = await repository.version_or_error(session, version_id)
    return await views.version_view(session, settings, version, language_of(request, me))


@router.get("/versions/{version_id}/audio", response_class=Response, summary="Listen", responses=WAV)
async def listen(
    session: Tx,
    settings: Cfg,
    blobs: BlobStore,
    me: Reader,
    version_id: Identifier,
    rendition: Annotated[
        str,
        Query(
            max_length=100,
            description="`master`; `before`: as it was recorded; `phone`: as callers hear it; `mulaw`: the µ-law WAV "
            "file that cloud systems ask for; `original`: the file that was sent; or a target's name",
        ),
    ] = "master",
) -> Response:
    version = await repository.version_or_error(session, version_id)
    name = f"greeting-{version.id}-{rendition}.wav"
    if rendition == "before":
        return _wav(await versions.original(blobs, version), name)
    if rendition == "phone":
        return _wav(await versions.telephone(blobs, version), name)
    if rendition == "mulaw":
        made = await versions.in_format(settings, blobs, version, Format(8_000, "mulaw"))
        return _wav(made, name, disposition="attachment")
    if rendition == "original":
        path = blobs.path(version.original_blob)
        # Whatever was uploaded is only ever handed out as a file.
        kind = mimetypes.guess_type(version.original_name)[0] or "application/octet-stream"
        kind = kind if kind.startswith("audio/") else "application/octet-stream"
        if not path.is_file():
            raise NotFound("There is no such file.")
        return FileResponse(path, media_type=kind, filename=version.original_name, headers=KEPT)
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
    return FileResponse(path, media_type="audio/wav", filename=name, content_disposition_type="inline", headers=KEPT)


@router.post(
    "/versions/{version_id}/activations",
    status_code=status.HTTP_201_CREATED,
    response_model=ActivationView,
    summary="Publish, now or at a time",
    responses=NOT_PUBLISHABLE,
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
    """The phone system plays it within seconds of the instant at which it begins.

    English and Spanish go together (`pair_version_id`), or `alone_because` says why not.
    """
    order = Order(
        body.starts_at, body.ends_at, body.pair_version_id, body.alone_because, confirmed=frozenset(body.confirm)
    )

    async def work() -> ActivationView:
        made = await actions.publish(session, settings, me, version_id, order)
        return await views.activation_view(session, settings, made, language_of(request, me))

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
        return await views.activation_view(session, settings, made, language_of(request, me))

    return await once.run(work)


@router.post("/activations/{activation_id}/cancel", summary="End an activation now, or keep it from beginning")
async def cancel(request: Request, session: Tx, settings: Cfg, me: Writer, activation_id: Identifier) -> ActivationView:
    """With its pair. What stood before stands again."""
    found = await actions.cancel(session, settings, me, activation_id)
    return await views.activation_view(session, settings, found, language_of(request, me))


async def _made(
    request: Request,
    response: Response,
    database: Db,
    settings: Cfg,
    me: Writer,
    version: GreetingVersion,
    is_new: bool,
) -> VersionView:
    if not is_new:
        response.status_code = status.HTTP_200_OK
    response.headers["Location"] = f"/api/v1/greetings/versions/{version.id}"
    async with database.transaction() as session:
        return await views.version_view(session, settings, version, language_of(request, me))


def _wav(content: bytes, name: str, disposition: str = "inline") -> Response:
    headers = {**KEPT, "Content-Disposition": f'{disposition}; filename="{name}"'}
    return Response(content, media_type="audio/wav", headers=headers)
