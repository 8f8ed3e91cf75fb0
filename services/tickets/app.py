"""The tickets application: the workspace's pages, its live events and the API."""

import re

from fastapi import Depends, FastAPI, Request

from services.tickets import api, presence
from services.tickets.learning import installed
from services.tickets.pages import ROUTERS, TEMPLATES
from services.tickets.pages.reading import without_accounts
from shared.people import Permission
from shared.settings import Settings, get_settings
from shared.web.app import create_app
from shared.web.depends import SAFE_METHODS, Db, MaybeMe
from shared.web.requests import Uploads

UPLOADS = re.compile(r"^(?:/api/v1)?/tickets/\d+/(?:reply|reply/files|files)$")
BY_ITSELF = "/presence/"  # what an open page sends without anybody there


async def note_activity(request: Request, database: Db, me: MaybeMe) -> None:
    """Whoever changes something on a screen is there, whatever they missed before.

    A transaction of its own: the route's locks people before their presence, and this would be the other way round.
    """
    if me is None or me.scopes is not None or request.method in SAFE_METHODS or not me.may(Permission.PRESENCE_SET):
        return
    if not request.url.path.startswith(BY_ITSELF):
        async with database.transaction() as session:
            await presence.acted(session, me.id)


def create(settings: Settings | None = None) -> FastAPI:
    """The application; without settings, with those of the environment."""
    settings = settings or get_settings()
    installed.install(settings)
    app = create_app(
        settings,
        service="tickets",
        title="Centralita API",
        description=api.DESCRIPTION,
        tags=api.TAGS,
        routers=[*api.routers(), *ROUTERS],
        template_dirs=[TEMPLATES],
        dependencies=[Depends(note_activity)],
        # More than a reply takes, so that a little too much is answered by the form with everything in it.
        uploads=Uploads(UPLOADS, max_bytes=2 * settings.max_outgoing_bytes + 1024 * 1024),
    )
    app.state.templates.globals["without_accounts"] = without_accounts
    return app
