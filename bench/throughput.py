"""Mails per second from a full mailbox to routed tickets, with every service as its own process."""

import asyncio
import time

from sqlalchemy import text

from bench.cpu import Clock
from bench.figures import Figures
from bench.mails import mail
from bench.rig import CAPACITY, hire, open_always, running_stack
from local.config import HELP_ADDRESS
from local.stack import services
from shared.database import Database


async def count(database: Database, statement: str) -> int:
    async with database.transaction() as session:
        return int(await session.scalar(text(statement)) or 0)


async def measure(mails: int) -> Figures:
    figures = Figures(
        "Throughput",
        f"{mails:,} mails lie in the mailbox; then inbox and tickets worker start. From the first in the ledger to "
        "the last one that a CSR is asked to take (or, in the rows before, has its message or its ticket).",
    )
    async with running_stack(services=False) as (stack, database):
        await open_always(database)
        people = await hire(database, 2 * -(-mails // CAPACITY))  # half bilingual, so that none is kept in reserve
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
        for number in range(mails):
            await stack.mail.deliver(HELP_ADDRESS, mail(number).as_bytes())
        wanted = [each for each in services(stack.config) if each.name in ("inbox", "tickets-worker")]
        clock = Clock(stack)
        for service in wanted:
            await stack.processes.start(service)
        first_receipt = await _when(database, "SELECT count(*) FROM mail_receipt", 1)
        clock.start()
        parsed = await _when(database, "SELECT count(*) FROM message", mails)
        ticketed = await _when(database, "SELECT count(*) FROM intake WHERE outcome = 'ticketed'", mails)
        routed = await _when(database, "SELECT count(*) FROM assignment WHERE state IN ('offered', 'accepted')", mails)
        used = clock.used()
    figures.add("mailbox to message rows", f"{mails / (parsed - first_receipt):.0f} mails/s")
    figures.add("mailbox to tickets", f"{mails / (ticketed - first_receipt):.0f} mails/s")
    figures.add("mailbox to routed tickets", f"{mails / (routed - first_receipt):.0f} mails/s", "100 mails/s")
    for name, seconds in sorted(used.items(), key=lambda each: -each[1]):
        figures.add(f"CPU: {name}", f"{1000 * seconds / mails:.2f} ms a mail")
    figures.add("CPU: together", f"{1000 * sum(used.values()) / mails:.2f} ms a mail")
    return figures


async def _when(database: Database, statement: str, wanted: int, within_s: float = 600.0) -> float:
    """The moment at which the count is reached."""
    deadline = time.monotonic() + within_s
    while await count(database, statement) < wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{statement}: {await count(database, statement)} of {wanted} after {within_s:.0f} s")
        await asyncio.sleep(0.1)
    return time.monotonic()
