"""The tickets application: the workspace's pages, its live events and the API."""

from fastapi import FastAPI

from services.tickets import api
from services.tickets.pages import ROUTERS, TEMPLATES
from shared.settings import Settings, get_settings
from shared.web.app import create_app


def create(settings: Settings | None = None) -> FastAPI:
    """The application; without settings, with those of the environment."""
    return create_app(
        settings or get_settings(),
        service="tickets",
        title="Centralita API",
        description=api.DESCRIPTION,
        tags=api.TAGS,
        routers=[*api.routers(), *ROUTERS],
        template_dirs=[TEMPLATES],
    )
