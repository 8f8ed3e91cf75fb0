"""What customers are promised in time: targets that supervisors set, and which of them counts for a ticket."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets.clocks import edit
from services.tickets.clocks.targets import Key
from services.tickets.pages.common import Page, Screen
from services.tickets.views.clocks import chosen_targets, target_view
from shared.errors import Conflict, Invalid
from shared.models import Channel, ClockKind, Priority
from shared.people import Permission
from shared.web.i18n import N_, language_name

router = APIRouter(include_in_schema=False)
LANGUAGES = ("en", "es", "mixed", "unknown")
Text = Annotated[str, Form()]


async def _show(
    screen: Screen,
    *,
    asked: tuple[Channel, Priority, str] | None = None,
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    screen.me.require(Permission.TARGET_WRITE)
    targets = [target_view(each) for each in await edit.targets(screen.session)]
    return await screen.render(
        "targets.html",
        status_code=status_code,
        groups=[(kind, [each for each in targets if each.kind is kind]) for kind in ClockKind],
        language_choices=[(each, language_name(screen.language, each)) for each in LANGUAGES],
        asked=asked,
        chosen=await chosen_targets(screen.session, *asked) if asked else [],
        errors=errors or {},
        section="targets",
    )


@router.get("/targets")
async def show(screen: Page, channel: str = "", priority: str = "", language: str = "") -> Response:
    try:
        asked = (Channel(channel), Priority(priority), language) if language in LANGUAGES else None
    except ValueError:
        asked = None
    return await _show(screen, asked=asked)


def _key(kind: str, channel: str, priority: str, language: str) -> Key:
    try:
        return Key(
            ClockKind(kind),
            Channel(channel) if channel else None,
            Priority(priority) if priority else None,
            language.strip().lower() or None,
        )
    except ValueError:
        raise Invalid("Choose what is promised, and to whom.", field="kind") from None


def _minutes(text: str) -> int | None:
    """Nothing written: nothing is promised."""
    if not text.strip():
        return None
    if not text.strip().isdecimal():
        raise Invalid("Give a whole number of minutes, or nothing.", field="minutes")
    return int(text)


@router.post("/targets")
async def set_target(
    screen: Page,
    kind: Text = "",
    channel: Text = "",
    priority: Text = "",
    language: Text = "",
    minutes: Text = "",
    around_clock: Annotated[bool, Form()] = False,
) -> Response:
    screen.me.require(Permission.TARGET_WRITE)
    try:
        key, length = _key(kind, channel, priority, language), _minutes(minutes)
        await screen.attempt(edit.set_target(screen.session, screen.me, key, length, around_clock=around_clock))
    except (Invalid, Conflict) as error:
        field = (error.field if isinstance(error, Invalid) else None) or "kind"
        return await _show(screen, errors={field: screen.say(error.message, **error.values)}, status_code=error.status)
    return screen.see_other("/targets", "success", screen.say("The target is saved. Open tickets follow it now."))


@router.post("/targets/{target_id}/remove")
async def remove_target(screen: Page, target_id: int) -> Response:
    return await screen.act(
        edit.remove_target(screen.session, screen.me, target_id),
        N_("The target is removed. Open tickets follow what counts instead."),
        "/targets",
    )
