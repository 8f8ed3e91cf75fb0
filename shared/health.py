"""Problems that somebody can act on, and the endpoints that tell how a service is.

`/healthz` says the process lives, `/readyz` that its database answers, `/metrics` is for Prometheus.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import prometheus_client
import uvicorn
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from shared import clock
from shared.database import Database
from shared.events import Event, publish
from shared.models import Problem

Check = Callable[[], Awaitable[None]]


async def report(database: Database, service: str, key: str, message: str, hint: str = "") -> None:
    """Open a problem, or count it up when it is open. In its own transaction: what failed may roll back."""
    async with database.transaction() as session:
        statement = insert(Problem).values(service=service, key=key, message=message, hint=hint)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["service", "key"],
                index_where=text("resolved_at IS NULL"),
                set_={"count": Problem.count + 1, "last_at": clock.now(), "message": message, "hint": hint},
            )
        )
        await publish(session, Event("problem"))


async def resolve(database: Database, service: str, key: str) -> None:
    """Close the problem if it is open."""
    async with database.transaction() as session:
        found = await session.execute(
            select(Problem.id).where(Problem.service == service, Problem.key == key, Problem.resolved_at.is_(None))
        )
        if found.first() is None:
            return
        await session.execute(
            update(Problem)
            .where(Problem.service == service, Problem.key == key, Problem.resolved_at.is_(None))
            .values(resolved_at=clock.now())
        )
        await publish(session, Event("problem"))


def routes(database: Database, checks: dict[str, Check] | None = None) -> list[BaseRoute]:
    """Health routes for any Starlette or FastAPI application. A check raises when its part is not ready."""

    async def database_answers() -> None:
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))

    all_checks: dict[str, Check] = {"database": database_answers, **(checks or {})}

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        parts: dict[str, object] = {}
        ready = True
        for name, check in all_checks.items():
            started = time.perf_counter()
            try:
                async with asyncio.timeout(5):
                    await check()
                parts[name] = {"ok": True, "ms": round((time.perf_counter() - started) * 1000, 1)}
            except Exception as error:  # whatever is wrong with it is what we are asked to tell
                ready = False
                parts[name] = {"ok": False, "error": type(error).__name__}
        return JSONResponse({"status": "ready" if ready else "not ready", "parts": parts}, 200 if ready else 503)

    async def metrics(_request: Request) -> Response:
        return Response(prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST)

    return [
        Route("/healthz", healthz, include_in_schema=False),
        Route("/readyz", readyz, include_in_schema=False),
        Route("/metrics", metrics, include_in_schema=False),
    ]


class _Server(uvicorn.Server):
    """Leaves signals to the process it is a part of."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(database: Database, host: str, port: int, checks: dict[str, Check] | None = None) -> None:
    """Serve the health routes until cancelled: for services that have no web application.

    Raises OSError when the port is taken.
    """
    app = Starlette(routes=routes(database, checks))
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
    with socket.create_server((host, port), backlog=64) as listening:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise
