"""Erlang's formulas against published values, against a queue that is simulated by its states, and their laws."""

from math import exp, inf, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tickets.forecast.erlang import blocked, mean_wait, required, served_within, waits

loads = st.floats(0.05, 400)
servers_ = st.integers(1, 500)


@pytest.mark.parametrize(
    ("servers", "load", "expected"),
    # Erlang B, from the tables in G. Koole, Call Center Optimization, and L. Kosten's: load for a given loss.
    [(1, 1.0, 0.5), (2, 1.0, 0.2), (10, 5.0, 0.018385), (15, 10.0, 0.036497), (10, 4.4612, 0.01), (100, 84.064, 0.01)],
)
def test_the_losses_of_erlangs_tables(servers: int, load: float, expected: float) -> None:
    assert isclose(blocked(servers, load), expected, rel_tol=2e-3)


def test_the_textbook_call_center() -> None:
    """200 calls an hour of 3 minutes, 80 % within 20 seconds: 14 agents, 17.4 % wait, 88.8 % in time, 7.8 s."""
    load, handle, wait = 10.0, 180.0, 20.0
    assert required(load, handle, wait, 0.8) == 14
    assert round(waits(14, load), 3) == 0.174
    assert round(served_within(14, load, handle, wait), 3) == 0.888
    assert round(mean_wait(14, load, handle), 1) == 7.8


def test_the_center_of_garnett_mandelbaum_and_reiman() -> None:
    """Designing a Call Center with Impatient Customers (2002), table 1, its M/M/N column: 50 agents, 48 a minute."""
    assert round(mean_wait(50, 48, 60), 1) == 20.8
    in_time = served_within(50, 48, 60, 58.1)  # seconds: the 90th percentile of the wait
    assert round(in_time, 2) == 0.9


@pytest.mark.parametrize(
    ("bilinguals", "load", "wait", "mean"),
    [(4, 1.67, 0.10, None), (3, 1.67, 0.30, None), (2, 1.5, 0.64, 12.2), (1, 0.8, 0.80, 38.0)],
)
def test_few_bilinguals_of_nine_and_a_half_minutes(
    bilinguals: int, load: float, wait: float, mean: float | None
) -> None:
    assert isclose(waits(bilinguals, load), wait, abs_tol=0.011)
    if mean is not None:
        assert isclose(mean_wait(bilinguals, load, 9.5), mean, rel_tol=0.01)


@given(st.integers(1, 60), st.floats(0.1, 0.98))
def test_the_formula_is_the_stationary_queue(servers: int, occupancy: float) -> None:
    """Birth and death: the weights of the states 0, 1, … busy, and the geometric tail of those who wait."""
    load = servers * occupancy
    weights = [1.0]
    for busy in range(1, servers + 1):
        weights.append(weights[-1] * load / busy)
    tail = weights[-1] / (1 - occupancy)
    assert isclose(waits(servers, load), tail / (sum(weights[:-1]) + tail), rel_tol=1e-6)


@given(servers_, loads)
def test_probabilities_stay_within_bounds_and_more_people_never_hurt(servers: int, load: float) -> None:
    assert 0 <= blocked(servers, load) <= 1
    assert 0 <= waits(servers + 1, load) <= waits(servers, load) + 1e-9 <= 1 + 2e-9
    assert served_within(servers, load, 10, 5) <= served_within(servers + 1, load, 10, 5) + 1e-9
    assert mean_wait(servers, load, 10) >= mean_wait(servers + 1, load, 10)


@given(loads, st.floats(1, 60), st.floats(0.5, 60), st.floats(0.05, 0.99))
def test_required_is_the_fewest_that_will_do(load: float, handle: float, wait: float, share: float) -> None:
    servers = required(load, handle, wait, share)
    assert servers > load
    assert served_within(servers, load, handle, wait) >= share
    assert servers == 1 or served_within(servers - 1, load, handle, wait) < share


def test_no_work_asks_for_nobody_and_too_much_never_ends() -> None:
    assert required(0, 10, 5, 0.8) == 0
    assert waits(3, 0) == 0
    assert (waits(3, 3), mean_wait(3, 3, 10), served_within(3, 3, 10, 5)) == (1.0, inf, 0.0)
    assert blocked(0, 2.0) == 1.0
    assert 0 < blocked(5, 5000.0) <= 1  # where the sums of the textbook overflow
    assert exp(-1) < waits(300, 290) < 1
