"""The reply form: its files, its questions, sending it, taking it back, and sending again what did not arrive."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile
from starlette.responses import Response

from services.tickets import deliveries, desk, reply_files
from services.tickets import files as stored
from services.tickets.pages.common import Page, Screen
from services.tickets.pages.ticket import Draft, reply_language, show_ticket
from services.tickets.release import ConfirmRelease
from services.tickets.views.deliveries import file_view
from services.tickets.views.models import FileView
from services.tickets.views.ticket import ticket_view
from shared.blobs import Blobs
from shared.errors import Conflict, Invalid, Unavailable
from shared.language import read_text
from shared.models import TicketState
from shared.people import Permission
from shared.settings import Settings
from shared.web.depends import BlobStore, Cfg
from shared.web.i18n import N_, language_name

router = APIRouter(include_in_schema=False)
SURE = 0.85  # that a draft is in another language than its reader's
THEN = {"": None, "waiting": TicketState.WAITING, "closed": TicketState.CLOSED}
Uploads = Annotated[list[UploadFile], File()]
Numbers = Annotated[list[int], Form()]


def _addresses(text: str) -> list[str]:
    return [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]


async def _question(screen: Screen, settings: Settings, ticket_id: int, text: str) -> str:
    """What to ask before this leaves; empty when nothing is odd."""
    view = await ticket_view(screen.session, settings, screen.me, ticket_id)
    wanted = reply_language(view)
    found = await asyncio.to_thread(read_text, text)
    if found.language in ("en", "es") and found.language != wanted and found.confidence >= SURE:
        return screen.say(
            "This reply looks like {found}, but the customer is answered in {wanted}. Send it anyway?",
            found=language_name(screen.language, found.language),
            wanted=language_name(screen.language, wanted),
        )
    return ""


async def _keep(
    screen: Screen, settings: Settings, blobs: Blobs, ticket_id: int, uploads: Sequence[UploadFile]
) -> tuple[list[FileView], list[str]]:
    """The files that were kept, and a sentence about each that was not."""
    kept, refused = [], []
    for each in uploads:
        if not each.filename:  # what a browser sends when nothing was chosen
            continue
        try:
            file = await screen.attempt(
                reply_files.upload(
                    screen.session, settings, blobs, screen.me, ticket_id,
                    filename=each.filename, content_type=each.content_type or "", data=await each.read(),
                )
            )  # fmt: skip
        except Invalid as error:
            refused.append(screen.say(error.message, **error.values))
        else:
            kept.append(file_view(file))
    return kept, refused


@router.post("/tickets/{ticket_id}/reply")
async def reply(
    screen: Page,
    settings: Cfg,
    blobs: BlobStore,
    ticket_id: int,
    text: Annotated[str, Form()] = "",
    to: Annotated[str, Form()] = "",
    cc: Annotated[str, Form()] = "",
    then: Annotated[str, Form()] = "",
    last_entry_id: Annotated[int, Form()] = 0,
    confirmed: Annotated[bool, Form()] = False,
    file_id: Numbers = [],  # noqa: B006  (FastAPI copies it)
    files: Uploads = [],  # noqa: B006
    confirm_release: Annotated[bool, Form()] = False,
    release_reason: Annotated[str, Form()] = "",
) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    kept, refused = await _keep(screen, settings, blobs, ticket_id, files)
    ids = [*file_id, *(file.id for file in kept)]

    async def back(status: int, **more: Any) -> Response:
        """The form again, with everything that was in it."""
        again = Draft(
            text=text, to=to, cc=cc, then=then, files=await _files(screen, ticket_id, ids), confirmed=confirmed,
            confirm_release=confirm_release, release_reason=release_reason, **more,
        )  # fmt: skip
        return await show_ticket(screen, settings, ticket_id, again, status)

    if refused:
        return await back(400, error=" ".join(refused), field="files")
    if text.strip() and not confirmed and (question := await _question(screen, settings, ticket_id, text)):
        return await back(409, question=question)
    try:
        await screen.attempt(
            desk.reply(
                screen.session, settings, screen.me, ticket_id,
                text=text, to=_addresses(to) or None, cc=_addresses(cc), then=THEN.get(then), file_ids=ids,
                seen_entry_id=last_entry_id if last_entry_id and not confirmed else None,
                release_reason=release_reason if confirm_release else None,
            )
        )  # fmt: skip
    except ConfirmRelease as error:
        why = {"error": screen.say("Say why."), "field": "release_reason"} if confirm_release else {}
        return await back(error.status, found=error.found, unverified=error.unverified, **why)
    except Conflict as error:  # the customer wrote meanwhile, or somebody closed it: read first, then send anyway
        return await back(409, question=screen.say(error.message, **error.values))
    except (Invalid, Unavailable) as error:
        field = error.field or "text" if isinstance(error, Invalid) else "text"
        return await back(error.status, error=screen.say(error.message, **error.values), field=field)
    done = {
        "closed": screen.say("Your reply is on its way, and the ticket is closed."),
        "waiting": screen.say("Your reply is on its way. The ticket waits for the customer."),
    }.get(then, screen.say("Your reply is on its way."))
    return screen.see_other("/work" if then == "closed" else f"/tickets/{ticket_id}", "success", done)


async def _files(screen: Screen, ticket_id: int, ids: Sequence[int]) -> tuple[FileView, ...]:
    return tuple(file_view(file) for file in await reply_files.unsent(screen.session, ticket_id, ids))


@router.post("/tickets/{ticket_id}/reply/files")
async def attach(
    screen: Page,
    settings: Cfg,
    blobs: BlobStore,
    ticket_id: int,
    text: Annotated[str, Form()] = "",
    to: Annotated[str, Form()] = "",
    cc: Annotated[str, Form()] = "",
    then: Annotated[str, Form()] = "",
    remove: Annotated[int, Form()] = 0,
    file_id: Numbers = [],  # noqa: B006
    files: Uploads = [],  # noqa: B006
) -> Response:
    """Add and remove files: for a script as the new lines of the list, else as the whole form again."""
    screen.me.require(Permission.TICKET_WORK)
    kept, refused = await _keep(screen, settings, blobs, ticket_id, files)
    if screen.request.headers.get("hx-request") == "true":
        return screen.fragment("reply_files.html", files=kept, refused=refused)
    ids = [each for each in [*file_id, *(file.id for file in kept)] if each != remove]
    if remove:
        await screen.attempt(reply_files.remove(screen.session, screen.me, ticket_id, remove))
    draft = Draft(
        text=text, to=to, cc=cc, then=then, files=await _files(screen, ticket_id, ids), error=" ".join(refused),
        field="files" if refused else "", focus="files",
    )  # fmt: skip
    return await show_ticket(screen, settings, ticket_id, draft, 400 if refused else 200)


@router.post("/tickets/{ticket_id}/replies/{delivery_id}/undo")
async def undo(screen: Page, settings: Cfg, ticket_id: int, delivery_id: int) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        deliveries.take_back(screen.session, settings, screen.me, ticket_id, delivery_id),
        N_("Your reply is taken back: nobody received it. It stands in the form again."),
        f"/tickets/{ticket_id}?resume={delivery_id}#reply-text",
    )


@router.post("/tickets/{ticket_id}/replies/{delivery_id}/again")
async def again(
    screen: Page,
    settings: Cfg,
    ticket_id: int,
    delivery_id: int,
    to: Annotated[str, Form()] = "",
    cc: Annotated[str, Form()] = "",
    confirm_release: Annotated[bool, Form()] = False,
    release_reason: Annotated[str, Form()] = "",
) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    corrected = bool(to.strip())
    sending = deliveries.send_again(
        screen.session, settings, screen.me, ticket_id, delivery_id,
        to=_addresses(to) if corrected else None, cc=_addresses(cc) if corrected else None,
        release_reason=release_reason if confirm_release else None,
    )  # fmt: skip
    there = f"/tickets/{ticket_id}#delivery-{delivery_id}"
    try:
        return await screen.act(sending, N_("It is on its way again."), there, asks=(ConfirmRelease,))
    except ConfirmRelease as error:
        asked = Draft(
            again=delivery_id, to=to, cc=cc, found=error.found, unverified=error.unverified,
            confirm_release=confirm_release, release_reason=release_reason,
            error=screen.say("Say why.") if confirm_release else "", field="release_reason",
        )  # fmt: skip
        return await show_ticket(screen, settings, ticket_id, asked, error.status)


@router.get("/tickets/{ticket_id}/files/{file_id}")
async def download(screen: Page, blobs: BlobStore, ticket_id: int, file_id: int, shown: bool = False) -> Response:
    """A file of a reply; `shown` as an image in the page that is being read."""
    blob, content_type, name = await stored.reply_file(screen.session, screen.me, ticket_id, file_id, seen=not shown)
    return stored.download(blobs, blob, content_type=content_type, filename=name, inline=shown)
