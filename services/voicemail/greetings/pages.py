"""The page /greetings: what callers hear, and the forms to change it; every form works without JavaScript."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, File, Form, Path, Request, UploadFile
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import HTMLResponse, Response

from services.voicemail.greetings import actions, scripts, views
from services.voicemail.greetings.access import Reader, Writer
from shared.errors import Conflict, Invalid, TooLarge, UnsupportedMedia
from shared.models import Situation
from shared.people import Actor
from shared.settings import Settings
from shared.web.context import language_of
from shared.web.depends import BlobStore, Cfg, Db, Tx
from shared.web.i18n import N_, translate
from shared.web.pages import flash, render, see_other

router = APIRouter(prefix="/greetings", include_in_schema=False)

Identifier = Annotated[int, Path(ge=1, le=2**63 - 1)]
SHOWN_DAYS = 14
# What people can put right themselves is said where they were; all else is the error page's.
USERS_OWN = (Invalid, Conflict, TooLarge, UnsupportedMedia)


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
) -> Response:
    language = language_of(request, me)
    try:
        if audio is None or isinstance(audio, str) or not audio.filename:
            raise Invalid("Choose a file or record a greeting first.", field="audio")
        new = actions.Upload(await audio.read(), audio.filename, script, trim_silence)
        version, is_new = await actions.upload(database, settings, blobs, me, slot_id, new)
    except USERS_OWN as error:
        field = getattr(error, "field", None) or "audio"
        errors = {field: translate(language, error.message, **error.values)}
        async with database.transaction() as session:
            return await _slot_page(
                request, session, settings, me, slot_id, errors=errors, script=script, status_code=error.status
            )
    message = (
        N_("Version {number} is here. Listen to it, then activate it.")
        if is_new
        else N_("This greeting is here already: it is version {number}.")
    )
    response = see_other(f"/greetings/slots/{slot_id}#version-{version.id}")
    flash(response, "success" if is_new else "info", translate(language, message, number=version.number))
    return response


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
) -> Response:

    async def act() -> str:
        begins = local_time(starts_at, settings, "starts_at")
        ends = local_time(ends_at, settings, "ends_at")
        async with database.transaction() as session:
            made = await actions.activate(session, settings, me, version_id, starts_at=begins, ends_at=ends)
        return N_("Scheduled.") if begins and begins >= made.starts_at else N_("Activated. It is live within seconds.")

    return await _act(request, me, slot_id, act)


@router.post("/slots/{slot_id}/roll-back")
async def roll_back(request: Request, database: Db, settings: Cfg, me: Writer, slot_id: Identifier) -> Response:

    async def act() -> str:
        async with database.transaction() as session:
            await actions.roll_back(session, settings, me, slot_id)
        return N_("The earlier greeting is active again.")

    return await _act(request, me, slot_id, act)


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

    return await _act(request, me, slot_id, act)


async def _act(request: Request, me: Actor, slot_id: int, act: Callable[[], Awaitable[str]]) -> Response:
    """Do it, then look at the slot again, which says what came of it."""
    language = language_of(request, me)
    response = see_other(f"/greetings/slots/{slot_id}")
    try:
        flash(response, "success", translate(language, await act()))
    except USERS_OWN as error:
        flash(response, "error", translate(language, error.message, **error.values))
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
    status_code: int = 200,
) -> HTMLResponse:
    shown = await views.slot_view(session, language_of(request, me), slot_id)
    return render(
        request,
        "greetings/slot.html",
        me=me,
        status_code=status_code,
        section="greetings",
        slot=shown,
        suggestion=scripts.suggestion(shown.language, shown.situation, settings),
        errors=errors or {},
        script=script,
        max_megabytes=settings.max_upload_bytes // (1024 * 1024),
    )


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
