"""Mails per second from a full mailbox to routed tickets, with every service as its own process."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from bench.cpu import Clock
from bench.figures import Figures
from bench.mails import mail
from bench.rig import CAPACITY, hire, open_always, running_stack
from local.config import HELP_ADDRESS
from local.stack import Stack, services
from shared.database import Database

WORKING = ("inbox", "tickets-worker")


@dataclass(frozen=True)
class Course:
    """What so many mails took: seconds from the first in the ledger, and who used what."""

    mails: int
    parsed_s: float
    ticketed_s: float
    routed_s: float
    acknowledged: int  # by the time the last was routed; they leave behind the tickets, paced by domain
    clock: Clock
    cpu: dict[str, float]


async def take_in(stack: Stack, database: Database, mails: Sequence[bytes]) -> Course:
    """Let inbox and tickets worker find these mails, until each is a ticket that somebody is asked to take."""
    await open_always(database)
    people = await hire(database, 2 * -(-len(mails) // CAPACITY))  # half bilingual, so that none is kept in reserve
    async with database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO certification (person_id, language, mode, verified_by_id, verified_on) "
                "SELECT p.id, 'es', m, CASE p.id WHEN :first THEN CAST(:second AS bigint) ELSE :first END, "
                "date '2026-01-05' FROM person p, unnest(ARRAY['spoken', 'written']) m "
                "WHERE p.id % 2 = 0"
            ),
            {"first": people[0], "second": people[-1]},
        )
    for raw in mails:
        await stack.mail.deliver(HELP_ADDRESS, raw)
    clock = Clock(stack)
    inbox, worker = (next(each for each in services(stack.config) if each.name == name) for name in WORKING)
    await stack.processes.start(worker)
    await stack.processes.ready(worker.name)  # the inbox last: the start of neither is counted
    await stack.processes.start(inbox)

    async def when(statement: str, wanted: int) -> float:
        return await reached(lambda: count(database, statement), wanted, look=clock.look)

    first = await reached(lambda: count(database, "SELECT count(*) FROM mail_receipt"), 1)
    clock.start()
    parsed = await when("SELECT count(*) FROM message", len(mails))
    ticketed = await when("SELECT count(*) FROM intake WHERE outcome = 'ticketed'", len(mails))
    routed = await when("SELECT count(*) FROM assignment WHERE state IN ('offered', 'accepted')", len(mails))
    return Course(
        len(mails),
        parsed - first,
        ticketed - first,
        routed - first,
        await count(database, "SELECT count(*) FROM delivery WHERE kind = 'acknowledgement' AND state = 'sent'"),
        clock,
        clock.used(),
    )


async def measure(mails: int) -> Figures:
    figures = Figures(
        "Throughput",
        f"{mails:,} mails lie in the mailbox; then the tickets worker starts, and when it is ready the inbox. From the "
        "first in the ledger to the last one that a CSR is asked to take (or, in the rows before, has its message or "
        "its ticket). Memory: resident, looked at ten times a second.",
    )
    async with running_stack(services=False) as (stack, database):
        course = await take_in(stack, database, [mail(number).as_bytes() for number in range(mails)])
    figures.add("mailbox to message rows", f"{mails / course.parsed_s:.0f} mails/s")
    figures.add("mailbox to tickets", f"{mails / course.ticketed_s:.0f} mails/s")
    figures.add("mailbox to routed tickets", f"{mails / course.routed_s:.0f} mails/s", "200 mails/s")
    for name, seconds in sorted(course.cpu.items(), key=lambda each: -each[1]):
        figures.add(f"CPU: {name}", f"{1000 * seconds / mails:.2f} ms a mail")
    figures.add("CPU: together", f"{1000 * sum(course.cpu.values()) / mails:.2f} ms a mail")
    for name in WORKING:
        first, highest = course.clock.first(name), course.clock.highest(name)
        figures.add(f"memory: {name}", f"at most {highest:.0f} MiB; {first:.0f} MiB with the first mail in the ledger")
    return figures


async def count(database: Database, statement: str) -> int:
    async with database.transaction() as session:
        return int(await session.scalar(text(statement)) or 0)


async def reached(
    counted: Callable[[], Awaitable[int]], wanted: int, *, look: Callable[[], None] | None = None, within_s: float = 600
) -> float:
    """The moment (monotonic, in seconds) at which the count is reached; `look` is called at every try."""
    deadline = time.monotonic() + within_s
    while (found := await counted()) < wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{found} of {wanted} after {within_s:.0f} s")
        if look is not None:
            look()
        await asyncio.sleep(0.1)
    return time.monotonic()
