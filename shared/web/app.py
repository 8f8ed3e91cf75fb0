"""Makes a web application with what both services share: identity, safety, errors, health, files, documentation."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog
from fastapi import APIRouter, Depends, FastAPI
from fastapi.params import Depends as Dependency
from sqlalchemy.exc import DBAPIError
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from shared import blob_folder, health
from shared.blobs import Blobs
from shared.database import Database
from shared.events import Hearing
from shared.settings import Settings
from shared.web import docs, errors, pages, static
from shared.web.depends import protect
from shared.web.openapi import Application
from shared.web.requests import Requests, Uploads
from shared.web.security import SecurityHeaders, own_origins

log = structlog.get_logger(__name__)

Startup = Callable[[FastAPI], AbstractAsyncContextManager[None]]
_built: dict[tuple[object, ...], list[BaseRoute]] = {}


def create_app(
    settings: Settings,
    *,
    service: str,
    title: str,
    routers: Sequence[APIRouter],
    template_dirs: Sequence[Path] = (),
    description: str = "",
    tags: Sequence[dict[str, str]] = (),
    checks: dict[str, health.Check] | None = None,
    startup: Sequence[Startup] = (),
    dependencies: Sequence[Dependency] = (),
    max_body_bytes: int = 2 * 1024 * 1024,
    uploads: Uploads | None = None,
) -> FastAPI:
    """`startup`: context managers that are entered with the application once its state stands. `dependencies`: what
    runs before every route, once the request is known to be the sender's own."""
    database = Database(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            try:
                await blob_folder.prepare(database, app.state.blobs)
            except (DBAPIError, OSError) as error:  # another service makes it; /readyz tells of the database
                log.warning("app.blobs_not_prepared", error=repr(error)[:300])
            app.state.hearing.start()
            stack.push_async_callback(app.state.hearing.stop)
            for enter in startup:
                await stack.enter_async_context(enter(app))
            yield

    # The last one is the innermost.
    middleware = [
        Middleware(SecurityHeaders, settings=settings),
        Middleware(
            CORSMiddleware,
            allow_origins=own_origins(settings),
            allow_credentials=True,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Content-Type", "X-CSRF-Token", "Idempotency-Key", "HX-Request", "HX-Current-URL"],
            expose_headers=["Link", "Location", "Retry-After", "X-Request-ID"],
        ),
        Middleware(Requests, service=service, settings=settings, max_body_bytes=max_body_bytes, uploads=uploads),
    ]
    if settings.trusted_proxies:
        middleware.insert(0, Middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies))

    app = Application(
        title=title,
        version="1",
        description=description,
        openapi_tags=[dict(tag) for tag in tags],
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        middleware=middleware,
    )
    app.state.settings = settings
    app.state.service = service
    app.state.database = database
    app.state.blobs = Blobs.from_settings(settings)
    app.state.hearing = Hearing(settings)
    app.state.templates = pages.environment(tuple(template_dirs))
    errors.install(app)
    app.router.routes.extend(health.routes(database, checks))
    app.router.routes.extend(static.mounts())
    app.router.routes.extend(_routes([docs.router, *routers], dependencies))
    return app


def _routes(routers: Sequence[APIRouter], dependencies: Sequence[Dependency]) -> list[BaseRoute]:
    """Of a process, not of an application: at the first request FastAPI reads the signature of every route, for half a
    second and more, and would read them again for the next application that includes the same routers."""
    key = (*map(id, routers), *dependencies)  # what was built refers to the routers: their numbers are not given again
    if key not in _built:
        together = APIRouter(dependencies=[Depends(protect), *dependencies])
        for router in routers:
            together.include_router(router)
        _built[key] = together.routes
    return _built[key]
