"""The planner in a small simulated center: a change that routes worse fails here. Everything is drawn from seeds."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.routing.center import BASE, DAY_MINUTES, FIRST_DAY, WEEK_MINUTES, ZONE, Scenario, draw, opening_of
from bench.routing.routers import ROUTERS
from bench.routing.run import Run
from bench.routing.score import Outcome, estimate, gini, outcome
from bench.routing.unit import first_come, omniscient, planned, simulate, week_at
from services.tickets.routing.terms import Policy
from shared.calendar import USUAL_WEEK, OpenTime

SHORT = replace(BASE, weeks=2)
SEEDS = (1000, 1001)


def month(router: str, seed: int, scenario: Scenario = SHORT, policy: Policy | None = None) -> Outcome:
    return outcome(Run(draw(scenario, seed), ROUTERS[router](), policy or Policy()).go())


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, float]]:
    """The mean of two short months by way of routing."""
    months = {name: [month(name, seed) for seed in SEEDS] for name in ("plan", "fifo_pull")}
    months["least_open3"] = [month("least_open3", SEEDS[0])]
    return {name: {key: estimate([one[key] for one in each]).mean for key in each[0]} for name, each in months.items()}


def test_more_promises_are_kept_than_first_come_first_served(found: dict[str, dict[str, float]]) -> None:
    ours, theirs = found["plan"], found["fifo_pull"]
    assert ours["met"] >= theirs["met"] + 4
    assert ours["met_es"] >= theirs["met_es"] + 8
    assert ours["en_p95"] <= theirs["en_p95"] + 25
    assert ours["longest"] <= 3 * 240  # who was let down once is not forgotten


def test_both_languages_are_answered_alike(found: dict[str, dict[str, float]]) -> None:
    apart = {name: abs(each["met_en"] - each["met_es"]) for name, each in found.items()}
    assert apart["plan"] <= apart["fifo_pull"] / 2 > 4


def test_work_is_shared_out_fairly(found: dict[str, dict[str, float]]) -> None:
    assert found["plan"]["gini"] <= 0.06
    assert found["plan"]["gini"] < found["least_open3"]["gini"]


def test_nothing_is_given_to_whom_it_may_not_be(found: dict[str, dict[str, float]]) -> None:
    ours = found["plan"]
    assert ours["unverified"] == ours["over_capacity"] == 0
    assert ours["missed_offers"] > 0  # people were away, and the customers got their answers all the same


def test_most_of_the_way_to_what_knowing_the_future_would_be_worth() -> None:
    weeks = [week_at(0.85, seed, first_day=5, days=3) for seed in SEEDS]  # a Saturday, a Sunday, a Monday
    fifo = sum(week.met(simulate(week, first_come)) for week in weeks)
    ours = sum(week.met(simulate(week, planned(Policy(shift_end_minutes=0)))) for week in weeks)
    best = sum(week.met(omniscient(week)) for week in weeks)
    assert best >= ours
    assert ours - fifo >= 0.75 * (best - fifo) > 0


def test_wrong_tags_are_corrected_by_who_meets_them() -> None:
    found = month("plan", SEEDS[0], replace(BASE, weeks=1, warm_up=0, per_day=150, wrong_tags=0.2))
    assert found["wrong_language"] > 0
    assert found["unverified"] == 0


def test_the_same_seed_is_the_same_month() -> None:
    small = replace(BASE, weeks=1, warm_up=0, per_day=60)
    assert month("plan", 3, small) == month("plan", 3, small)
    assert month("plan", 3, small) != month("plan", 4, small)


@given(st.floats(0, 2 * WEEK_MINUTES), st.floats(0, 2 * WEEK_MINUTES))
@settings(max_examples=50, deadline=None)
def test_open_time_is_the_products_own(one: float, other: float) -> None:
    opening, open_time = opening_of(Scenario("", weeks=4)), OpenTime(USUAL_WEEK, (), ZONE)
    first, last = sorted((one + 20 * DAY_MINUTES, other + 20 * DAY_MINUTES))  # over the change of the clocks
    expected = open_time.open_between(
        opening.start + timedelta(minutes=first), opening.start + timedelta(minutes=last)
    ) / timedelta(minutes=1)
    assert opening.elapsed(last) - opening.elapsed(first) == pytest.approx(expected, abs=1e-3)
    assert opening.start.astimezone(ZONE).date() == FIRST_DAY


def test_gini_of_equal_and_of_unequal_loads() -> None:
    assert gini([3, 3, 3, 3]) == pytest.approx(0)
    assert gini([0, 0, 0, 1]) == pytest.approx(0.75)
