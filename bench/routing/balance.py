"""The weekly weight controller in the simulated center: where it goes from a wrong weight, and whether it stays."""

import asyncio
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from bench.figures import Figures
from bench.routing.center import BASE, WEEK_MINUTES, draw
from bench.routing.measure import FRESH
from bench.routing.routers import Planned
from bench.routing.run import Run
from services.tickets.routing.balance import Kept, Rule, decide
from services.tickets.routing.terms import Policy

WEEKS = 26
STARTS = (1.0, 3.0)
SETTLED = 16  # weeks after which it should have arrived


def follow(start: float, seed: int, weeks: int = WEEKS, rule: Rule = Rule()) -> list[tuple[float, float]]:
    """(weight, English over Spanish in points) of each week, decided by the product's own function."""
    found: list[tuple[float, float]] = []
    weight = start

    def each_week(run: Run, number: int) -> None:
        nonlocal weight
        english, spanish = (_kept(run, number, language, 1) for language in ("en", "es"))
        found.append((weight, english.percent - spanish.percent))
        english, spanish = (_kept(run, number, language, rule.weeks) for language in ("en", "es"))
        weight, _ = decide(weight, english, spanish, rule)
        run.policy = run.policy.weighing(weight)

    Run(draw(replace(BASE, weeks=weeks), seed), Planned(), Policy().weighing(start), each_week=each_week).go()
    return found


def _kept(run: Run, week: int, language: str, weeks: int) -> Kept:
    """First answers that were given in so many weeks up to the one that is over."""
    begins = (week - weeks) * WEEK_MINUTES
    done = [
        each
        for each in run.contacts
        if each.first and each.language == language and each.done is not None and begins <= each.done
    ]
    return Kept(len(done), sum(each.waited <= each.target for each in done))


async def measure(size: int) -> Figures:
    """`size` seeds from each wrong weight."""
    figures = Figures(
        "Routing: the weight of Spanish, week by week",
        f"The weekly controller (`services/tickets/routing/balance.py`) in the same simulated center, {WEEKS} weeks at "
        f"420 a day, from the lowest and from the highest weight; seeds {FRESH} to {FRESH + size - 1}. Gap: English "
        "over Spanish, in points of promises kept; single weeks swing by chance, so means are over the last "
        f"{WEEKS - SETTLED} weeks.",
    )
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for start in STARTS:
            runs = await asyncio.gather(
                *(loop.run_in_executor(pool, follow, start, seed) for seed in range(FRESH, FRESH + size))
            )
            for number, run in enumerate(runs):
                last = run[SETTLED:]
                weights = [weight for weight, _ in last]
                figures.add(
                    f"from {start}, seed {FRESH + number}",
                    f"first four weeks: gap {sum(gap for _, gap in run[:4]) / 4:+.1f}; last {len(last)}: gap "
                    f"{sum(gap for _, gap in last) / len(last):+.1f} points, weight {min(weights):.1f} to "
                    f"{max(weights):.1f}, in the end {run[-1][0]:.1f}",
                    "gap within 2, weight within .6",
                )
    return figures
