"""Runs a web application until it is told to stop."""

import signal
from types import FrameType

import uvicorn
from starlette.types import ASGIApp


def _already_stopping(_signal: int, _frame: FrameType | None) -> None:
    """uvicorn raises the signal again after it has stopped; by then there is nothing left to do."""


def run(app: ASGIApp, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Pages that listen for events are cut off after a moment: they reconnect.

    Proxy headers are not uvicorn's business here: the application trusts those of `trusted_proxies` and no others.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _already_stopping)
    uvicorn.run(
        app,
        host=host,
        port=port,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
