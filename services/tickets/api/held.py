"""Mail that a policy held: looking through it, making tickets of it, leaving it, and what was said about senders."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.tickets import held, left_held, spam_corrections
from services.tickets.api.common import Body, Id, Number, link_next
from services.tickets.held import MadeTicket, Outcome
from services.tickets.views.held import HeldFilter, HeldMails, JudgementView, held_mail, judgements
from shared.errors import NotFound
from shared.web.depends import Cfg, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["operations"])


class HeldQuery(HeldFilter):
    cursor: Annotated[str | None, Query(max_length=300, description="`next` of the page before.")] = None
    limit: Annotated[int, Query(ge=1, le=200)] = 50


class Chosen(Body):
    ids: Annotated[list[Number], Field(min_length=1, max_length=held.BULK_LIMIT, examples=[[17, 18]])]


class Outcomes(BaseModel):
    results: list[Outcome] = Field(description="One for each mail.")


class Left(BaseModel):
    ids: list[int] = Field(description="Those that were waiting until now.")


@router.get("/held", summary="Mail that a policy kept from becoming a ticket")
async def list_held(
    request: Request, response: Response, session: Tx, me: Me, wanted: Annotated[HeldQuery, Query()]
) -> HeldMails:
    page = await held_mail(session, me, wanted, wanted.cursor, wanted.limit)
    link_next(request, response, page.next)
    return page


@router.post("/held/{intake_id}/ticket", status_code=201, summary="Make it a ticket all the same")
async def make_ticket(session: Tx, me: Me, settings: Cfg, intake_id: Id) -> MadeTicket:
    """Of what looked like spam the sender is remembered: the next mail from there becomes a ticket."""
    return await held.make_ticket(session, settings, me, intake_id)


@router.post("/held/tickets", summary="Make tickets of several")
async def make_tickets(session: Tx, me: Me, settings: Cfg, body: Chosen) -> Outcomes:
    """Doing it twice does it once: a mail that is not held any more is left alone, and says so."""
    return Outcomes(results=await held.make_tickets(session, settings, me, body.ids))


@router.post("/held/leave", summary="Somebody looked: they stay held")
async def leave(session: Tx, me: Me, body: Chosen) -> Left:
    """Their senders are remembered: what the same policy holds of them next is left without a look. Bounces,
    complaints and challenges are each about another matter and are not remembered."""
    return Left(ids=await held.leave(session, me, body.ids))


@router.get("/held/senders", summary="What people said about senders")
async def list_judgements(session: Tx, me: Me) -> list[JudgementView]:
    """The next mail from such an address is held, or becomes a ticket, by what was said; an emergency always does."""
    return await judgements(session, me)


@router.delete("/held/senders/{judgement_id}", status_code=204, summary="Forget what was said about a sender")
async def forget(session: Tx, me: Me, judgement_id: Id) -> None:
    if await spam_corrections.forget(session, me, judgement_id) is None:
        raise NotFound("Nothing is remembered about this sender.")


@router.get("/held/left-senders", summary="Senders whose mail stays held without a look")
async def list_left_senders(session: Tx, me: Me) -> list[left_held.LeftSenderView]:
    """By the policy that holds it: somebody looked at one of their mails and left it held."""
    return await left_held.remembered(session, me)


@router.delete("/held/left-senders/{left_id}", status_code=204, summary="Look at a sender's held mail again")
async def look_again(session: Tx, me: Me, left_id: Id) -> None:
    """From the next mail on; what was left so far stays left."""
    if await left_held.forget(session, me, left_id) is None:
        raise NotFound("Nothing is remembered about this sender.")
