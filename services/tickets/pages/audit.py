"""Who looked at or changed what."""

from datetime import datetime, time
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from sqlalchemy import select
from starlette.responses import Response

from services.tickets import audit_log
from services.tickets.pages.common import Page
from shared.errors import Invalid
from shared.models import Person
from shared.people import Permission
from shared.web.depends import Cfg

router = APIRouter(include_in_schema=False)


def _moment(text: str, timezone: str, at: time, field: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        day = datetime.fromisoformat(text.strip()).date()
    except ValueError:
        raise Invalid("A date is needed.", field=field) from None
    return datetime.combine(day, at, ZoneInfo(timezone))


@router.get("/audit")
async def show(
    screen: Page,
    settings: Cfg,
    actor: str = "",
    ticket: Annotated[str, Query(max_length=18)] = "",
    action: Annotated[str, Query(max_length=100)] = "",
    since: str = "",
    until: str = "",
    cursor: str | None = None,
) -> Response:
    screen.me.require(Permission.AUDIT_READ)
    number = ticket.strip().lstrip("#")
    wanted = audit_log.AuditFilter(
        actor_id=int(actor) if actor.isdecimal() and len(actor) < 19 else None,
        ticket_id=int(number) if number.isdecimal() else None,
        action=action.strip(),
        since=_moment(since, settings.timezone, time.min, "since"),
        until=_moment(until, settings.timezone, time.max, "until"),
    )
    found = await audit_log.read(screen.session, screen.me, wanted, cursor)
    chosen = {"actor": actor, "ticket": ticket, "action": action, "since": since, "until": until}
    query = [(name, value) for name, value in chosen.items() if value]
    people = [
        (str(id_), name)
        for id_, name in await screen.session.execute(select(Person.id, Person.name).order_by(Person.name))
    ]
    return await screen.render(
        "audit.html",
        page=found,
        chosen=chosen,
        people=people,
        next_url="/audit?" + urlencode([*query, ("cursor", found.next)]) if found.next else "",
        first_url="/audit?" + urlencode(query) if cursor else "",
        section="audit",
    )
