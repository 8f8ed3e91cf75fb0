"""Starts the voicemail service: `web` serves its application, `worker` does everything else."""

import argparse
import asyncio

from shared.startup import importing

with importing():
    from shared import logs
    from shared.settings import get_settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.voicemail", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    web = commands.add_parser("web", help="serve uploads and greetings over HTTP")
    web.add_argument("--host", default="127.0.0.1")
    web.add_argument("--port", type=int, default=8001)
    commands.add_parser("worker", help="watch spools, take in attachments, transcribe, publish greetings")
    arguments = parser.parse_args()

    settings = get_settings()
    logs.configure(settings, f"voicemail.{arguments.command}")
    if arguments.command == "web":
        with importing():
            from services.voicemail import app
            from shared.web import serve

            made = app.make(settings)
        serve.run(made, arguments.host, arguments.port)
    else:
        with importing():
            from services.voicemail import worker

        asyncio.run(worker.run(settings))


if __name__ == "__main__":
    main()
