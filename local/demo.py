"""The demo: everything started, filled with an invented center, explained, and stopped by Ctrl-C."""

import asyncio
import logging
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from local.config import HELP_ADDRESS, LocalConfig
from local.morning import Morning
from local.seed import PASSWORD, STAFF, phone_system_token, seed, seed_greetings, seed_shifts
from local.site.app import Site
from local.stack import Stack
from shared import logs
from shared.database import Database
from shared.models import Role
from shared.settings import Settings


def say(sentence: str) -> None:
    print(f"  {sentence}", flush=True)


async def run(directory: Path, port: int, *, pace: float | None) -> None:
    """Until SIGINT or SIGTERM. `pace` None: no morning. Raises CannotStart and TimeoutError with what to do."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    started = time.monotonic()
    config = LocalConfig(directory, base_port=port)
    stack = Stack(config, say=say)
    running = asyncio.create_task(_serve(stack, pace, stopping, started))
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.is_set():
            print("\n  Stopping; what has happened stays. Again: stop at once.", flush=True)
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
            running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    finally:
        stop.cancel()
        await stack.stop()


async def _serve(stack: Stack, pace: float | None, stopping: asyncio.Event, started: float) -> None:
    config = stack.config
    say(f"Centralita starts in {config.directory} …")
    await stack.start_parts()
    _log_to(config.logs / "demo.log", stack.settings)
    database = Database(stack.settings)
    tasks: list[asyncio.Task[None]] = []
    try:
        new = await seed(database, stack.settings)
        await seed_shifts(database, stack.settings)
        await stack.start_services(wait=False)
        morning = Morning(config, stack.mail, pace=pace or 0)
        site = Site(stack, morning, token=await phone_system_token(database))
        tasks.append(asyncio.create_task(site.serve(), name="site"))
        # What one looks at first; speech takes longer to load and has nothing to do yet.
        await asyncio.gather(*(stack.processes.ready(name) for name in ("tickets", "tickets-worker", "inbox")))
        explain(config, time.monotonic() - started, new=new)
        tasks.append(asyncio.create_task(_background(stack, database, morning, pace), name="morning"))
        waiting = asyncio.create_task(stopping.wait())
        done, _pending = await asyncio.wait({waiting, *tasks[:1]}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for task in done - {waiting}:
            task.result()  # the page cannot be served: say why
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await database.close()


def _log_to(path: Path, settings: Settings) -> None:
    """The terminal is for the person at it; what this process logs goes where the services' logs are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    logs.configure(settings, "demo")
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(path.open("a"))
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd remarks on every sign-in
    logging.getLogger("httpx").setLevel(logging.WARNING)


async def _background(stack: Stack, database: Database, morning: Morning, pace: float | None) -> None:
    """What fills the demo while one already looks at it."""
    greetings = asyncio.create_task(_greetings(stack, database))
    if pace is not None and morning.left:
        await morning.play(lambda item: say(f"· {_event(item)}"))
        say("The morning is over; write or call yourself from the demo's page.")
    await greetings


async def _greetings(stack: Stack, database: Database) -> None:
    try:
        if await seed_greetings(database, stack.settings):
            say("· Tomás has recorded the greetings of the voicemail")
        await stack.processes.ready("voicemail-worker", timeout_s=180)
    except Exception as error:
        say(f"The greetings or the voicemail service are not there: {error}")


def _event(item: dict[str, object]) -> str:
    if item["kind"] == "voicemail":
        return f"{item['name']} leaves a voicemail"
    return f"{item['name']} {'answers' if item['kind'] == 'reply' else 'writes'}: {item.get('subject') or '…'}"


def explain(config: LocalConfig, seconds: float, *, new: bool) -> None:
    """Where to look and who to sign in as."""
    lines = [
        "",
        f"Centralita is ready ({seconds:.1f} s{'' if new else ', continuing where it was'}).",
        "",
        f"  Start here        {config.url('site')}     sign-ins, customers' mailboxes, write or call as a customer",
        f"  Workspace         {config.url('tickets')}",
        f"  Greetings         {config.url('voicemail')}/greetings",
        f"  API               {config.url('tickets')}/api/docs",
        f"  Customers write to {HELP_ADDRESS}; nothing leaves this machine",
        "",
        f"  Sign in with the password  {PASSWORD}  as",
        *(
            f"    {who.email:<27} {who.name}, {_ROLES[who.role]}{f' ({who.about})' if who.about else ''}"
            for who in STAFF
        ),
        "",
        "  Ctrl-C stops everything.",
        "",
    ]
    print("\n".join(f"  {line}" for line in lines), flush=True)
    sys.stdout.flush()


_ROLES = {
    Role.INTERN: "intern",
    Role.CSR1: "CSR I",
    Role.CSR2: "CSR II",
    Role.SUPERVISOR: "supervisor",
    Role.MANAGER: "manager",
    Role.ADMINISTRATOR: "administrator",
}
