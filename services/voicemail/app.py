"""The voicemail web application: the HTTP door for recordings, and the greetings' API and page."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.responses import RedirectResponse

from services.voicemail import api, callback_api, doors
from services.voicemail.greetings import api as greetings_api
from services.voicemail.greetings import pages as greetings_pages
from shared.settings import Settings
from shared.web.app import create_app
from shared.web.pages import see_other

start = APIRouter(include_in_schema=False)


@start.get("/")
async def index() -> RedirectResponse:
    return see_other("/greetings")


def make(settings: Settings) -> FastAPI:
    app = create_app(
        settings,
        service="voicemail",
        title="Centralita: voicemail",
        description="Recordings in, greetings out.",
        tags=(
            {"name": "recordings", "description": "What callers said: upload it, and see what became of it."},
            {"name": "greetings", "description": "What callers hear."},
        ),
        routers=[start, api.router, callback_api.router, greetings_api.router, greetings_pages.router],
        template_dirs=[Path(__file__).with_name("templates")],
        max_body_bytes=settings.max_upload_bytes + 64 * 1024,
    )
    app.state.refusals = doors.Refusals()
    return app
