"""`python -m services.inbox` runs the inbox; `python -m services.inbox replay [ID…]` replays dead-lettered mail."""

import argparse
import asyncio
import signal
import sys

from shared.startup import importing

with importing():
    from services.inbox import dead_letters
    from services.inbox.service import main as serve
    from shared.database import Database
    from shared.logs import configure
    from shared.settings import Settings, get_settings


async def run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    await serve(settings, stop)


async def replay(settings: Settings, receipt_ids: list[int]) -> int:
    database = Database(settings)
    try:
        async with database.transaction() as session:
            return await dead_letters.replay_mail(session, None, receipt_ids or None)
    finally:
        await database.close()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m services.inbox", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    again = commands.add_parser("replay", help="process dead-lettered mail again")
    again.add_argument("receipts", nargs="*", type=int, help="ids of mail_receipt rows; none: all of them")
    options = parser.parse_args(arguments)
    settings = get_settings()
    configure(settings, "inbox")
    if options.command == "replay":
        count = asyncio.run(replay(settings, options.receipts))
        sys.stdout.write(f"{count} mail(s) will be processed again\n")
        return 0
    asyncio.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
