"""The page /greetings: what callers hear, and the forms to change it; every form works without JavaScript."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, File, Form, Path, Request, UploadFile
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import HTMLResponse, Response

from services.voicemail.greetings import actions, drift, scripts, versions, views
from services.voicemail.greetings.access import Reader, Writer
from services.voicemail.greetings.actions import Order
from services.voicemail.greetings.rules import CONFIRMABLE, NotPublishable, Obstacle
from services.voicemail.greetings.studio import Treatment
from services.voicemail.greetings.tts import voice_of
from shared import clock
from shared.errors import CentralitaError, Conflict, Forbidden, Invalid, TooLarge, Unavailable, UnsupportedMedia
from shared.models import ApprovalDecision, GreetingSource, GreetingVersion, Situation
from shared.people import Actor, Permission
from shared.settings import Settings
from shared.web.context import language_of
from shared.web.depends import BlobStore, Cfg, Db, Tx
from shared.web.i18n import N_, translate
from shared.web.pages import flash, render, see_other

router = APIRouter(prefix="/greetings", include_in_schema=False)

Identifier = Annotated[int, Path(ge=1, le=2**63 - 1)]
SHOWN_DAYS = 14
# What people can put right themselves is said where they were; all else is the error page's.
USERS_OWN = (Invalid, Conflict, TooLarge, UnsupportedMedia, Unavailable)
# The microphone belongs to the page with the recorder, and to no other.
MICROPHONE = {"Permissions-Policy": "camera=(), geolocation=(), microphone=(self), payment=(), usb=()"}


@router.get("")
async def index(request: Request, session: Tx, settings: Cfg, me: Reader) -> HTMLResponse:
    return render(
        request,
        "greetings/index.html",
        me=me,
        section="greetings",
        lines=await views.overview(session, settings, language_of(request, me)),
        schedule=await views.schedule(session, settings, SHOWN_DAYS),
        situations=list(Situation),
        days=SHOWN_DAYS,
    )


@router.get("/lines/{line}/status")
async def status(request: Request, session: Tx, settings: Cfg, me: Reader, line: str) -> HTMLResponse:
    """What is live, asked for again and again by an open page."""
    shown = await views.overview(session, settings, language_of(request, me), line)
    return render(request, "greetings/status.html", me=me, line=shown[0])


@router.get("/slots/{slot_id}")
async def slot(request: Request, session: Tx, settings: Cfg, me: Reader, slot_id: Identifier) -> HTMLResponse:
    return await _slot_page(request, session, settings, me, slot_id)


@router.post("/slots/{slot_id}/versions")
async def upload(
    request: Request,
    database: Db,
    settings: Cfg,
    blobs: BlobStore,
    me: Writer,
    slot_id: Identifier,
    audio: Annotated[UploadFile | str | None, File()] = None,
    script: Annotated[str, Form()] = "",
    trim_silence: Annotated[bool, Form()] = False,
    normalise: Annotated[bool, Form()] = False,
    recorded: Annotated[bool, Form()] = False,
) -> Response:

    async def work() -> tuple[GreetingVersion, bool]:
        if audio is None or isinstance(audio, str) or not audio.filename:
            raise Invalid("Choose a file or record a greeting first.", field="audio")
        source = GreetingSource.RECORD if recorded else GreetingSource.UPLOAD
        treatment = Treatment(trim_silence, normalise)
        new = versions.Upload(await audio.read(), audio.filename, script, treatment, source)
        return await versions.upload(database, settings, blobs, me, slot_id, new)

    return await _new_version(request, database, settings, me, slot_id, work, script=script)


@router.post("/slots/{slot_id}/drafts")
async def draft(
    request: Request,
    database: Db,
    settings: Cfg,
    blobs: BlobStore,
    me: Writer,
    slot_id: Identifier,
    script: Annotated[str, Form()] = "",
) -> Response:

    async def work() -> tuple[GreetingVersion, bool]:
        return await versions.draft(database, settings, blobs, voice_of(settings), me, slot_id, script)

    return await _new_version(request, database, settings, me, slot_id, work, script=script, prefix="draft_")


@router.post("/versions/{version_id}/treat")
async def treat(
    request: Request,
    database: Db,
    settings: Cfg,
    blobs: BlobStore,
    me: Writer,
    version_id: Identifier,
    slot_id: Annotated[int, Form(ge=1)],
    trim: Annotated[bool, Form()] = False,
    normalise: Annotated[bool, Form()] = False,
) -> Response:

    async def work() -> tuple[GreetingVersion, bool]:
        return await versions.treat(database, settings, blobs, me, version_id, Treatment(trim, normalise))

    return await _new_version(request, database, settings, me, slot_id, work)


@router.post("/versions/{version_id}/decide")
async def decide(
    request: Request,
    database: Db,
    settings: Cfg,
    me: Writer,
    version_id: Identifier,
    slot_id: Annotated[int, Form(ge=1)],
    decision: Annotated[ApprovalDecision, Form()],
    note: Annotated[str, Form(max_length=2 * actions.MAX_REASON)] = "",
) -> Response:

    async def act() -> str:
        async with database.transaction() as session:
            await actions.decide(session, settings, me, version_id, decision, note)
        return N_("Approved.") if decision is ApprovalDecision.APPROVED else N_("Rejected: its author sees your note.")

    return await _act(request, me, f"/greetings/slots/{slot_id}#version-{version_id}", act)


@router.post("/versions/{version_id}/activate")
async def activate(
    request: Request,
    database: Db,
    settings: Cfg,
    me: Writer,
    version_id: Identifier,
    slot_id: Annotated[int, Form(ge=1)],
    starts_at: Annotated[str, Form(max_length=40)] = "",
    ends_at: Annotated[str, Form(max_length=40)] = "",
    pair_version_id: Annotated[str, Form(max_length=20)] = "",
    alone_because: Annotated[str, Form(max_length=2 * actions.MAX_REASON)] = "",
    confirm: Annotated[list[Obstacle] | None, Form()] = None,
) -> Response:
    """What is wrong with the order is said where it was given, with everything that was filled in."""
    language = language_of(request, me)
    given = {"starts_at": starts_at, "ends_at": ends_at, "pair_version_id": pair_version_id,
             "alone_because": alone_because}  # fmt: skip
    try:
        order = Order(
            local_time(starts_at, settings, "starts_at"),
            local_time(ends_at, settings, "ends_at"),
            int(pair_version_id) if pair_version_id.isdecimal() else None,
            alone_because,
            frozenset(confirm or ()),
        )
        async with database.transaction() as session:
            made = await actions.publish(session, settings, me, version_id, order)
            is_later = made.starts_at > clock.now()
    except USERS_OWN as error:
        errors = {getattr(error, "field", None) or "publish": translate(language, error.message, **error.values)}
        order_state = {"version_id": version_id, "errors": errors, **given, "ask": _asked(error)}
        async with database.transaction() as session:
            return await _slot_page(
                request, session, settings, me, slot_id, order=order_state, status_code=error.status
            )
    response = see_other(f"/greetings/slots/{slot_id}")
    done = N_("Scheduled.") if is_later else N_("Published. It is live within seconds.")
    flash(response, "success", translate(language, done))
    return response


@router.post("/drifts/{drift_id}/put-back")
async def put_back(request: Request, database: Db, me: Writer, drift_id: Identifier) -> Response:

    async def act() -> str:
        async with database.transaction() as session:
            await drift.put_back(session, me, drift_id)
        return N_("Ours is put back within seconds.")

    return await _act(request, me, "/greetings", act)


@router.post("/drifts/{drift_id}/adopt")
async def adopt(
    request: Request, database: Db, settings: Cfg, blobs: BlobStore, me: Writer, drift_id: Identifier
) -> Response:
    language = language_of(request, me)
    try:
        _found, version = await drift.adopt(database, settings, blobs, me, drift_id)
    except USERS_OWN as error:
        response = see_other("/greetings")
        flash(response, "error", translate(language, error.message, **error.values))
        return response
    response = see_other(f"/greetings/slots/{version.slot_id}#version-{version.id}")
    message = N_("What was found is now version {number}. It plays on until you publish it or another one.")
    flash(response, "success", translate(language, message, number=version.number))
    return response


@router.post("/slots/{slot_id}/roll-back")
async def roll_back(request: Request, database: Db, settings: Cfg, me: Writer, slot_id: Identifier) -> Response:

    async def act() -> str:
        async with database.transaction() as session:
            await actions.roll_back(session, settings, me, slot_id)
        return N_("The earlier greeting is active again.")

    return await _act(request, me, f"/greetings/slots/{slot_id}", act)


@router.post("/activations/{activation_id}/cancel")
async def cancel(
    request: Request,
    database: Db,
    settings: Cfg,
    me: Writer,
    activation_id: Identifier,
    slot_id: Annotated[int, Form(ge=1)],
) -> Response:

    async def act() -> str:
        async with database.transaction() as session:
            await actions.cancel(session, settings, me, activation_id)
        return N_("Cancelled.")

    return await _act(request, me, f"/greetings/slots/{slot_id}", act)


async def _act(request: Request, me: Actor, back: str, act: Callable[[], Awaitable[str]]) -> Response:
    """Do it, then look at the page again, which says what came of it."""
    language = language_of(request, me)
    response = see_other(back)
    try:
        flash(response, "success", translate(language, await act()))
    except (*USERS_OWN, Forbidden) as error:
        if isinstance(error, Forbidden) and not me.may(Permission.GREETING_WRITE):
            raise
        flash(response, "error", translate(language, error.message, **error.values))
    return response


async def _new_version(
    request: Request,
    database: Db,
    settings: Settings,
    me: Actor,
    slot_id: int,
    work: Callable[[], Awaitable[tuple[GreetingVersion, bool]]],
    *,
    script: str = "",
    prefix: str = "",
) -> Response:
    """Make it and look at it; what was refused is said at its field."""
    language = language_of(request, me)
    try:
        version, is_new = await work()
    except USERS_OWN as error:
        field = prefix + (getattr(error, "field", None) or "audio")
        errors = {field: translate(language, error.message, **error.values)}
        async with database.transaction() as session:
            return await _slot_page(
                request, session, settings, me, slot_id, errors=errors, script=script, status_code=error.status
            )
    message = (
        N_("Version {number} is here. Listen to it, then publish it.")
        if is_new
        else N_("This greeting is here already: it is version {number}.")
    )
    response = see_other(f"/greetings/slots/{slot_id}#version-{version.id}")
    flash(response, "success" if is_new else "info", translate(language, message, number=version.number))
    return response


async def _slot_page(
    request: Request,
    session: AsyncSession,
    settings: Settings,
    me: Actor,
    slot_id: int,
    *,
    errors: dict[str, str] | None = None,
    script: str = "",
    order: dict[str, Any] | None = None,
    status_code: int = 200,
) -> HTMLResponse:
    reader = language_of(request, me)
    shown = await views.slot_view(session, settings, reader, slot_id)
    return render(
        request,
        "greetings/slot.html",
        me=me,
        status_code=status_code,
        headers=MICROPHONE,
        section="greetings",
        slot=shown,
        other=await views.other_language(session, settings, reader, slot_id),
        suggestion=scripts.suggestion(shown.language, shown.situation, settings),
        errors=errors or {},
        script=script,
        order=order or {},
        max_megabytes=settings.max_upload_bytes // (1024 * 1024),
    )


def _asked(error: CentralitaError) -> str:
    """Which confirmation would let the order pass."""
    return error.obstacle.value if isinstance(error, NotPublishable) and error.obstacle in CONFIRMABLE else ""


def local_time(value: str, settings: Settings, field: str) -> datetime | None:
    """A `datetime-local` field is a wall clock in the center's zone; of two such instants, the first is meant."""
    if not value.strip():
        return None
    zone = ZoneInfo(settings.timezone)
    try:
        wall = datetime.fromisoformat(value.strip()).replace(tzinfo=None)
        at = wall.replace(tzinfo=zone).astimezone(UTC)
        shown = at.astimezone(zone).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise Invalid("This is not a date and a time.", field=field) from None
    if shown != wall:
        raise Invalid("The clocks skip this time on that day. Choose another.", field=field)
    return at
