"""Dead letters: what our code failed on, why, its bytes, and trying again or setting aside."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from services.tickets import dead_letters
from services.tickets.dead_letters import DeadLetterFilter, DeadLetterKind
from services.tickets.files import download
from services.tickets.pages.common import Page
from shared.people import Permission
from shared.web.depends import BlobStore
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)
PLACE = "/dead-letters"


def _wanted(kind: str, error: str, settled: bool) -> DeadLetterFilter:
    known = DeadLetterKind(kind) if kind in set(DeadLetterKind) else None
    return DeadLetterFilter(kind=known, error=error.strip()[:300], settled=settled)


def _query(wanted: DeadLetterFilter) -> list[tuple[str, str]]:
    chosen = {"kind": wanted.kind or "", "error": wanted.error, "settled": "1" if wanted.settled else ""}
    return [(name, str(value)) for name, value in chosen.items() if value]


def _place(query: list[tuple[str, str]]) -> str:
    return f"{PLACE}?{urlencode(query)}" if query else PLACE


@router.get(PLACE)
async def show(
    screen: Page,
    kind: str = "",
    error: Annotated[str, Query(max_length=300)] = "",
    settled: bool = False,
    cursor: str | None = None,
) -> Response:
    screen.me.require(Permission.HEALTH_READ)
    wanted = _wanted(kind, error, settled)
    found = await dead_letters.dead_letters(screen.session, screen.me, wanted, cursor, 25)
    query = _query(wanted)
    return await screen.render(
        "dead_letters.html",
        page=found,
        counts=await dead_letters.counts(screen.session, screen.me),
        wanted=wanted,
        query=urlencode(query),
        group_url=lambda group: _place(_query(DeadLetterFilter(kind=group.kind, error=group.error))),
        next_url=_place([*query, ("cursor", found.next)]) if found.next else "",
        first_url=_place(query) if cursor else "",
        section="dead_letters",
    )


@router.post(f"{PLACE}/replay")
async def replay_all(
    screen: Page,
    kind: Annotated[str, Form()] = "",
    error: Annotated[str, Form(max_length=300)] = "",
    settled: Annotated[bool, Form()] = False,
) -> Response:
    screen.me.require(Permission.DEAD_LETTER_REPLAY)
    done = await screen.attempt(dead_letters.replay_all(screen.session, screen.me, _wanted(kind, error, settled)))
    if done.left:
        said = screen.say("{n} are tried again now; {left} more are left.", n=done.replayed, left=done.left)
    else:
        said = screen.say("{n} are tried again now.", n=done.replayed)
    return screen.see_other(PLACE, "success", said)


@router.post(PLACE + "/{kind}/{letter_id}/replay")
async def replay(screen: Page, kind: DeadLetterKind, letter_id: int) -> Response:
    screen.me.require(Permission.DEAD_LETTER_REPLAY)
    return await screen.act(
        dead_letters.replay(screen.session, screen.me, kind, letter_id), N_("It is tried again now."), PLACE
    )


@router.post(PLACE + "/{kind}/{letter_id}/settle")
async def settle(screen: Page, kind: DeadLetterKind, letter_id: int, reason: Annotated[str, Form()] = "") -> Response:
    screen.me.require(Permission.DEAD_LETTER_REPLAY)
    return await screen.act(
        dead_letters.settle(screen.session, screen.me, kind, letter_id, reason),
        N_("It is set aside. Its bytes stay, and it can still be tried again."),
        PLACE,
    )


@router.get(PLACE + "/{kind}/{letter_id}/raw")
async def raw(screen: Page, blobs: BlobStore, kind: DeadLetterKind, letter_id: int) -> Response:
    blob = await dead_letters.raw_blob(screen.session, screen.me, kind, letter_id)
    return download(
        blobs, blob, content_type="application/octet-stream", filename=f"dead-letter-{kind.value}-{letter_id}.bin"
    )
