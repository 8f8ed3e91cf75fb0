"""Routing measured: the service's planner in a simulated center, beside other ways, on seeds it was not tuned on."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figures
from bench.routing.center import BASE, Scenario, draw
from bench.routing.picture import Bar, Pair, picture
from bench.routing.routers import ROUTERS
from bench.routing.run import Run
from bench.routing.score import Estimate, Outcome, estimate, outcome, paired
from bench.routing.unit import first_come, omniscient, planned, simulate, week_at
from services.tickets.routing.terms import Policy

PICTURE = Path(__file__).parents[2] / "docs/images/routing.svg"
FRESH = 1000  # the first seed that is reported; 0 to 7 are for tuning
SCENARIOS = (
    BASE,
    Scenario("300 a day", per_day=300),
    Scenario("380 a day", per_day=380),
    Scenario("450 a day", per_day=450),
    Scenario("storm, 400 a day", per_day=400, storms=True),
    Scenario("Spanish 30 %, 400 a day", per_day=400, spanish=0.30),
    Scenario("a bilingual is missing", absent=frozenset({14})),
    Scenario("5 % wrong tags", wrong_tags=0.05),
    Scenario("two days closed", holidays=True),
)
WEIGHTS = (1.0, 1.5, 1.75)
WAYS = ("fifo", "plan", "best")  # in the unit model
UNIT_WEEKS = {
    "unit model, load .85": (0, 0.85),
    "unit model, load .91": (0, 0.91),
    "unit model, load .85, a weekend's backlog in the middle": (5, 0.85),
}


@dataclass(frozen=True, slots=True)
class Task:
    """One simulated month."""

    scenario: Scenario
    router: str
    policy: Policy
    seed: int

    def run(self) -> Outcome:
        world = draw(self.scenario, self.seed)
        return outcome(Run(world, ROUTERS[self.router](), self.policy).go())


@dataclass(frozen=True, slots=True)
class Unit:
    """One week of ten-minute jobs: percentages kept by first come first served, by the plan, at best."""

    first_day: int
    load: float
    seed: int

    def run(self) -> Outcome:
        week = week_at(self.load, self.seed, first_day=self.first_day)
        # No slot reaches over the end of a shift, so nothing has to be kept from beginning there.
        ours = simulate(week, planned(Policy(shift_end_minutes=0.0)))
        begun = {"fifo": simulate(week, first_come), "plan": ours, "best": omniscient(week)}
        return {
            name + suffix: week.met(each, language)
            for name, each in begun.items()
            for suffix, language in (("", None), ("_en", "en"), ("_es", "es"))
        }


async def measure(size: int) -> Figures:
    """`size` seeds of each; two months side by side where there are two cores."""
    figures = Figures(
        "Routing",
        "The planner that the service runs (`services/tickets/routing/plan.py`) gives out the work of a simulated "
        "center of fifteen: 420 contacts on an average weekday, 22 % Spanish, four bilinguals, two interns, breaks, "
        "people who are away and have not said so, replies, 84 % utilisation; four weeks after one of warm-up, "
        "`bench/routing/center.py` has the assumptions. Kept: handled within the promised open minutes (urgent 30, "
        "voicemail 120, email 240). Every way meets the same customers and breaks (common random numbers) and keeps to "
        "the same rules of language and level; nobody begins anything in the last ten minutes of a shift. The others "
        f"are shapes, not products. Seeds {FRESH} to {FRESH + size - 1}, of the other scenarios and "
        "of the unit model the first half of them; tuned on 0 to 7. ±: 95 % confidence; "
        "differences are paired by seed.",
    )
    seeds = range(FRESH, FRESH + size)
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        base = {name: _months(pool, BASE, name, Policy(), seeds) for name in ROUTERS}
        weights = {weight: _months(pool, BASE, "plan", Policy().weighing(weight), seeds) for weight in WEIGHTS}
        others = {
            scenario: [_months(pool, scenario, name, Policy(), seeds[: size // 2]) for name in ("plan", "fifo_pull")]
            for scenario in SCENARIOS[1:]
        }
        units = {
            name: _each(pool, [Unit(*which, seed) for seed in seeds[: size // 2]]) for name, which in UNIT_WEEKS.items()
        }
        found = {name: await each for name, each in base.items()}
        _ways(figures, found)
        _aims(figures, found)
        for weight, months in weights.items():
            figures.add(f"{BASE.name}, plan, weight of Spanish {weight}", _kept(await months))
        compared = {BASE: (found["plan"], found["fifo_pull"])}
        for scenario, (ours, theirs) in others.items():
            compared[scenario] = (await ours, await theirs)
            _scenario(figures, scenario, *compared[scenario])
        for name, weeks in units.items():
            _unit(figures, name, await weeks)
    figures.files[PICTURE] = _picture(found, compared, seeds)
    return figures


def _months(
    pool: ProcessPoolExecutor, scenario: Scenario, router: str, policy: Policy, seeds: Sequence[int]
) -> "asyncio.Future[list[Outcome]]":
    return _each(pool, [Task(scenario, router, policy, seed) for seed in seeds])


def _each(pool: ProcessPoolExecutor, tasks: Sequence[Task | Unit]) -> "asyncio.Future[list[Outcome]]":
    loop = asyncio.get_running_loop()
    return asyncio.gather(*(loop.run_in_executor(pool, task.run) for task in tasks))


def _of(months: Sequence[Outcome], key: str) -> Estimate:
    return estimate([month[key] for month in months])


def _kept(months: Sequence[Outcome]) -> str:
    mean = {key: _of(months, key).mean for key in months[0]}
    return (
        f"{_of(months, 'met').text()} %; en {mean['met_en']:.1f}, es {mean['met_es']:.1f}, complex es "
        f"{mean['es_complex']:.1f}, urgent {mean['urgent']:.1f}; first answer p50/p95 en {mean['en_p50']:.0f}/"
        f"{mean['en_p95']:.0f}, es {mean['es_p50']:.0f}/{mean['es_p95']:.0f} min, next p95 {mean['next_p95']:.0f}, "
        f"longest {mean['longest']:.0f}; "
        f"Gini {mean['gini']:.3f}, bilinguals' time on English {mean['bilingual_english']:.0f} %, utilisation "
        f"{mean['utilisation']:.0f} %"
    )


def _ways(figures: Figures, found: dict[str, list[Outcome]]) -> None:
    for name, months in found.items():
        figures.add(f"{BASE.name}: {name}", _kept(months))


def _aims(figures: Figures, found: dict[str, list[Outcome]]) -> None:
    ours, theirs = found["plan"], found["fifo_pull"]
    for key, what, aim in (("met", "all", "at least +5"), ("met_es", "Spanish", "at least +10")):
        figures.add(f"plan over fifo_pull, {what}", f"{paired(ours, theirs, key).text(signed=True)} points", aim)
    figures.add(
        "plan over fifo_pull, English p95", f"{paired(ours, theirs, 'en_p95').text(0, signed=True)} min", "at most +25"
    )
    gap = estimate([month["met_en"] - month["met_es"] for month in ours])
    figures.add("English over Spanish, plan", f"{gap.text(signed=True)} points", "within 2")
    figures.add("Gini of load, plan", _of(ours, "gini").text(3), "at most .05")
    for key, what in (("unverified", "Spanish given to somebody not verified"), ("over_capacity", "over capacity")):
        figures.add(f"plan: {what}", f"{sum(month[key] for month in ours):.0f}", "0")


def _scenario(figures: Figures, scenario: Scenario, ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> None:
    difference = paired(ours, theirs, "met").text(signed=True)
    spanish = paired(ours, theirs, "met_es").text(signed=True)
    figures.add(f"{scenario.name}: plan", f"{_kept(ours)}; over fifo_pull {difference}, es {spanish} points")
    figures.add(f"{scenario.name}: fifo_pull", _kept(theirs))


def _unit(figures: Figures, name: str, weeks: Sequence[Outcome]) -> None:
    fifo, ours, best = (_of(weeks, key).mean for key in ("fifo", "plan", "best"))
    figures.add(
        name,
        f"fifo {fifo:.1f} %, plan {ours:.1f} %, omniscient {best:.1f} %: "
        f"{100 * (ours - fifo) / (best - fifo):.0f} % of the distance closed; English over Spanish: "
        + ", ".join(f"{way} {_of(weeks, f'{way}_en').mean - _of(weeks, f'{way}_es').mean:+.1f}" for way in WAYS),
        "85 %",
    )


def _picture(
    found: dict[str, list[Outcome]],
    compared: dict[Scenario, tuple[list[Outcome], list[Outcome]]],
    seeds: Sequence[int],
) -> str:
    bars = [Bar(name, _of(months, "met_en"), _of(months, "met_es")) for name, months in found.items()]
    pairs = []
    for scenario, (ours, theirs) in compared.items():
        a, b = ((_of(months, "met_en").mean, _of(months, "met_es").mean) for months in (theirs, ours))
        pairs.append(Pair(scenario.name, a, b))
    return picture(bars, pairs, f"{BASE.name}; seeds {seeds[0]} to {seeds[-1]}; whiskers: 95 % confidence")
