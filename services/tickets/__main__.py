"""`python -m services.tickets`: `web` serves the workspace and the API, `worker` takes in and routes, `add-person` and
`export-corrections` are for who has a shell on the machine."""

import argparse
import asyncio
import os
import signal
import sys

from shared.startup import importing

# Before numpy is there, which reads it once: a message's small matrices are no work for a pool of threads, whose
# waiting for each other costs more than the work.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
with importing():
    from services.tickets import bootstrap
    from services.tickets.learning import export
    from shared.logs import configure
    from shared.settings import Settings, get_settings


async def _work(settings: Settings) -> None:
    with importing():
        from services.tickets.worker import run

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    await run(settings, stop)


def _serve(settings: Settings, host: str, port: int) -> None:
    with importing():
        from services.tickets.app import create
        from shared.web.serve import run

        app = create(settings)
    run(app, host, port)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m services.tickets", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    web = commands.add_parser("web", help="serve the workspace and the API")
    web.add_argument("--host", default="127.0.0.1")
    web.add_argument("--port", type=int, default=8000)
    commands.add_parser("worker", help="take in, route and sweep")
    bootstrap.add_arguments(commands.add_parser("add-person", help="add somebody, first of all an administrator"))
    approve = commands.add_parser("approve-safety-texts", help="approve what came at set-up, as a supervisor")
    approve.add_argument("email", help="of the supervisor who has read them")
    export.add_arguments(commands.add_parser("export-corrections", help="write what people corrected, for training"))
    options = parser.parse_args(arguments)
    settings = get_settings()
    configure(settings, "tickets")
    if options.command == "add-person":
        return bootstrap.command(settings, options)
    if options.command == "approve-safety-texts":
        return bootstrap.approve_safety_texts(settings, options.email)
    if options.command == "export-corrections":
        return export.command(settings, options)
    if options.command == "web":
        _serve(settings, options.host, options.port)
    else:
        asyncio.run(_work(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
