"""Server time of the queue page and the ticket page in a store of many tickets."""

import random
import time

import httpx
from sqlalchemy import text

from bench.figures import Figures, percentile
from bench.rig import PASSWORD, hire, running_stack
from bench.volume import fill

ROUNDS = 200


async def measure(tickets: int) -> Figures:
    figures = Figures(
        "Pages",
        f"{tickets:,} tickets (1 % open) with two mails and three notes each; {ROUNDS} requests of each page, one "
        "after the other, over loopback by a signed-in CSR: session, permission, queries, audit and rendering.",
    )
    async with running_stack(services=False) as (stack, database):
        await hire(database, 1)
        await fill(database, tickets)
        await stack.start_services()
        async with database.transaction() as session:
            opened = list(await session.scalars(text("SELECT id FROM ticket WHERE state = 'queued'")))
        chance = random.Random(7)
        pages = {
            "queue page": "/queue",
            "queue page, Spanish": "/queue?language=es",
            "queue page, search for a rare word": "/queue?q={ticket}",
            "ticket page": "/tickets/{ticket}",
            "my work": "/work",
        }
        async with httpx.AsyncClient(base_url=stack.config.url("tickets"), trust_env=False, timeout=30) as client:
            await client.post("/api/v1/session", json={"email": "bench0@valleluz.example", "password": PASSWORD})
            for name, path in pages.items():
                times = []
                for _ in range(ROUNDS):
                    started = time.perf_counter()
                    answer = await client.get(path.format(ticket=chance.choice(opened)))
                    times.append((time.perf_counter() - started) * 1000)
                    answer.raise_for_status()
                aim = "p95 under 50 ms" if name in ("queue page", "ticket page") else ""
                figures.add(name, f"p50 {percentile(times, 50):.1f} ms, p95 {percentile(times, 95):.1f} ms", aim)
    return figures
