"""What customers are promised in time: the targets, and which of them counts."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from services.tickets.api.common import Body, Id
from services.tickets.clocks import edit
from services.tickets.clocks.targets import MAX_MINUTES, Key
from services.tickets.views.clock_models import ChosenTarget, TargetView
from services.tickets.views.clocks import chosen_targets, target_view
from shared.models import Channel, ClockKind, Priority
from shared.web.depends import Me, Tx

router = APIRouter(prefix="/api/v1", tags=["center"])
Language = Annotated[str, Field(pattern=r"^([a-z]{2}|mixed|unknown)$", examples=["es"])]


class TargetBody(Body):
    """Who is not named by channel, priority or language is meant by all of them."""

    kind: ClockKind
    channel: Channel | None = None
    priority: Priority | None = None
    language: Language | None = None
    minutes: Annotated[int, Field(ge=1, le=MAX_MINUTES, examples=[60])] | None = Field(
        description="Of open time; null: nothing is promised."
    )
    around_clock: bool = Field(default=False, description="Nights and holidays count, too.")


@router.get("/targets", summary="What customers are promised in time")
async def list_targets(session: Tx, me: Me) -> list[TargetView]:
    """The most specific of each kind first. Those that nobody set are marked as the product's own."""
    return [target_view(each) for each in await edit.targets(session)]


@router.get("/targets/chosen", summary="Which target counts for a ticket")
async def get_chosen(
    session: Tx,
    me: Me,
    channel: Channel = Channel.EMAIL,
    priority: Priority = Priority.NORMAL,
    language: Annotated[str, Query(pattern=r"^([a-z]{2}|mixed|unknown)$")] = "en",
) -> list[ChosenTarget]:
    """A row for a priority counts before any other, then one for a channel, then one for a language."""
    return await chosen_targets(session, channel, priority, language)


@router.put("/targets", summary="Set a target")
async def set_target(session: Tx, me: Me, body: TargetBody) -> TargetView:
    """Open tickets follow at once, with an entry on their timeline."""
    key = Key(body.kind, body.channel, body.priority, body.language)
    return target_view(await edit.set_target(session, me, key, body.minutes, around_clock=body.around_clock))


@router.delete("/targets/{target_id}", status_code=204, summary="Take a target away")
async def remove_target(session: Tx, me: Me, target_id: Id) -> None:
    """Where the product has one of its own for the same tickets, that counts again."""
    await edit.remove_target(session, me, target_id)
