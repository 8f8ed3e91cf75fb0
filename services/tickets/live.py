"""One SSE connection per page: tells a screen what changed, so that it asks again for what it shows."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from shared.events import Event, Hearing
from shared.people import Actor, Permission
from shared.web import auth
from shared.web.depends import Me

router = APIRouter(include_in_schema=False)
HEARTBEAT_S = 15
CHECK_S = 60.0  # how long an ended session may go on hearing that something changed (never what)
Since = Annotated[str, Query(max_length=40)]
NEEDS = {
    "ticket": Permission.TICKET_READ,
    "alert": Permission.BOARD_READ,
    "greeting": Permission.GREETING_READ,
    "problem": Permission.HEALTH_READ,
    "mailbox": Permission.HEALTH_READ,
}


def concerns(me: Actor, event: Event) -> bool:
    """Whether this person's screens may know. Offers are between the desk and the one who is asked."""
    mine = me.id in event.people
    if event.kind == "offer":
        return mine or me.may(Permission.BOARD_READ)
    if event.kind == "presence":
        return mine or event.id == me.id or me.may(Permission.BOARD_READ)
    if event.kind == "returned":
        return mine
    if event.kind in NEEDS:
        return me.may(NEEDS[event.kind])
    return event.kind == "resync"


def change(me: Actor, event: Event) -> dict[str, str | int | bool]:
    return {"kind": event.kind, "id": event.id, "what": event.what, "mine": me.id in event.people}


def message(me: Actor, event: Event) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(change(me, event)), event="change")


async def _events(request: Request, me: Actor, since: str) -> AsyncIterator[ServerSentEvent]:
    hearing: Hearing = request.app.state.hearing
    state = request.app.state
    checked = time.monotonic()
    async with hearing.subscribe() as queue:
        for event in _missed(hearing, me, since):  # between the page and this connection
            yield message(me, event)
        while True:
            heard: Event | None = None
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_S):
                    heard = await queue.get()
            if time.monotonic() - checked >= CHECK_S:
                checked = time.monotonic()
                now = await auth.identify(request, state.database, state.settings)
                if now is None:
                    return
                me = now  # a role may have changed meanwhile
            if heard is not None and concerns(me, heard):
                yield message(me, heard)


def _missed(hearing: Hearing, me: Actor, since: str) -> list[Event]:
    """What the screens of this person did not hear, each once."""
    return [event for event in dict.fromkeys(hearing.since(since)) if concerns(me, event)]


@router.get("/live")
async def live(request: Request, me: Me, since: Since = "") -> EventSourceResponse:
    """All news, beginning with what a page that was made at `since` (Hearing.position) does not show yet."""
    return EventSourceResponse(_events(request, me, since), ping=HEARTBEAT_S, headers={"Cache-Control": "no-store"})


@router.get("/live/missed")
async def missed(request: Request, me: Me, since: Since = "") -> list[dict[str, str | int | bool]]:
    """The same beginning by itself, for a tab that hears the rest from another one."""
    return [change(me, event) for event in _missed(request.app.state.hearing, me, since)]
