"""Mail that a policy held: filtered, looked through, made tickets of or left; and what was said about senders."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from services.tickets import held, left_held, spam_corrections
from services.tickets.pages.common import Page
from services.tickets.views.held import HeldFilter, held_mail, judgements
from shared.errors import NotFound
from shared.people import Permission
from shared.web.depends import Cfg
from shared.web.i18n import N_, ntranslate

router = APIRouter(include_in_schema=False)
SHOWN = 25


class HeldQuery(HeldFilter):
    cursor: Annotated[str | None, Query(max_length=300)] = None


@router.get("/held")
async def show(screen: Page, wanted: Annotated[HeldQuery, Query()]) -> Response:
    screen.me.require(Permission.HEALTH_READ)
    page = await held_mail(screen.session, screen.me, wanted, wanted.cursor, SHOWN)
    chosen = wanted.model_dump(exclude={"cursor"}, exclude_none=True)
    query = [(key, value) for key, value in chosen.items() if value and (key, value) != ("show", "waiting")]
    here = "/held?" + urlencode(query)
    return await screen.render(
        "held.html",
        page=page,
        chosen=wanted,
        filtered=bool(query),
        here=here,
        next_url="/held?" + urlencode([*query, ("cursor", page.next)]) if page.next else "",
        first_url=here if wanted.cursor else "",
        senders=await judgements(screen.session, screen.me),
        left_senders=await left_held.remembered(screen.session, screen.me),
        section="held",
    )


@router.post("/held")
async def act(
    screen: Page,
    settings: Cfg,
    do: Annotated[Literal["tickets", "leave"], Form()],
    mail: Annotated[list[int], Form()] = [],  # noqa: B006  (FastAPI copies it)
    back: Annotated[str, Form()] = "/held",
) -> Response:
    screen.me.require(Permission.TICKET_ASSIGN)
    if not mail:
        return screen.see_other(back, "warning", screen.say("Select at least one mail."))
    chosen = mail[: held.BULK_LIMIT]
    if do == "leave":
        left = await held.leave(screen.session, screen.me, chosen)
        sentence = ntranslate(screen.language, "{n} mail stays held.", "{n} mails stay held.", len(left))
        sentence += " " + screen.say("So does what comes from the same senders for the same reason.")
        return screen.see_other(back, "success", sentence)
    outcomes = await held.make_tickets(screen.session, settings, screen.me, chosen)
    made = [outcome.ticket_id for outcome in outcomes if outcome.ticket_id is not None]
    parts = []
    if made:
        numbers = ", ".join(f"#{ticket_id}" for ticket_id in made)
        parts.append(screen.say("Now on tickets: {list}.", list=numbers))
    if len(made) < len(outcomes):
        parts.append(screen.say("Some were not held any more."))
    return screen.see_other(back, "success" if len(made) == len(outcomes) else "warning", " ".join(parts))


@router.post("/held/senders/{judgement_id}/forget")
async def forget(screen: Page, judgement_id: int) -> Response:
    screen.me.require(Permission.TICKET_ASSIGN)
    address = await spam_corrections.forget(screen.session, screen.me, judgement_id)
    if address is None:
        raise NotFound("Nothing is remembered about this sender.")
    return screen.see_other("/held#senders", "success", screen.say(N_("Forgotten: {address}."), address=address))


@router.post("/held/left-senders/{left_id}/forget")
async def look_again(screen: Page, left_id: int) -> Response:
    screen.me.require(Permission.TICKET_ASSIGN)
    address = await left_held.forget(screen.session, screen.me, left_id)
    if address is None:
        raise NotFound("Nothing is remembered about this sender.")
    done = screen.say(N_("The next held mail of {address} waits for a look again."), address=address)
    return screen.see_other("/held#left-senders", "success", done)
