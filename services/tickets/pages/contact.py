"""A phone call or a visit, entered by hand as a ticket."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets import contacts
from services.tickets.pages.common import Page, Screen
from shared.errors import Conflict, Invalid
from shared.models import Channel
from shared.people import Permission
from shared.web.depends import Cfg

router = APIRouter(include_in_schema=False)


async def _show(screen: Screen, values: dict[str, str], errors: dict[str, str], status_code: int = 200) -> Response:
    return await screen.render(
        "contact.html", status_code=status_code, values=values, errors=errors, topics=screen.topics(), section="contact"
    )


@router.get("/contacts/new")
async def new(screen: Page) -> Response:
    screen.me.require(Permission.TICKET_CREATE)
    return await _show(screen, {"channel": "phone", "language": screen.language, "take": "1"}, {})


@router.post("/contacts/new")
async def create(
    screen: Page,
    settings: Cfg,
    channel: Annotated[str, Form()] = "phone",
    language: Annotated[str, Form()] = "",
    subject: Annotated[str, Form()] = "",
    text: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    phone: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
    topic: Annotated[str, Form()] = "",
    take: Annotated[str, Form()] = "",
) -> Response:
    screen.me.require(Permission.TICKET_CREATE)
    values = {
        "channel": channel, "language": language, "subject": subject, "text": text, "name": name, "phone": phone,
        "email": email, "topic": topic, "take": take,
    }  # fmt: skip
    if channel not in (Channel.PHONE, Channel.WALK_IN):
        return await _show(screen, values, {"channel": screen.say("Choose how the customer came.")}, 400)
    try:
        ticket = await screen.attempt(
            contacts.create_contact(
                screen.session, settings, screen.me,
                channel=Channel(channel), language=language, subject=subject, text=text, name=name, phone=phone,
                email=email, topic=topic or None, take=bool(take),
            )
        )  # fmt: skip
    except (Invalid, Conflict) as error:
        field = error.field if isinstance(error, Invalid) and error.field else "text"
        return await _show(screen, values, {field: screen.say(error.message, **error.values)}, error.status)
    return screen.see_other(f"/tickets/{ticket.id}", "success", screen.say("The contact is written down."))
