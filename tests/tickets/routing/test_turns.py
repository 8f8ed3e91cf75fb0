"""Of many routers one leads; the others stand by, and take over when they hear nothing of it."""

import itertools

from services.tickets.routing.turns import PATIENCE_S, SIGN_EVERY_S, Turns


def test_of_those_that_lead_one_is_left() -> None:
    routers = [Turns(number) for number in (5, 3, 9, 7)]
    for now in itertools.count(start=1):
        signs = [sign for router in routers if (sign := router.sign(float(now))) is not None]
        if len(signs) == 1:
            break
        assert now < len(routers)
        for sign, router in itertools.product(signs, routers):
            router.heard(sign, float(now))
    assert signs == [3]
    assert [router.leads for router in routers] == [False, True, False, False]


def test_who_stands_by_waits_for_a_sign_and_leads_when_none_comes() -> None:
    first, second = Turns(1), Turns(2)
    second.heard(1, 10.0)
    assert first.patience() == 0
    assert PATIENCE_S[0] <= second.patience() <= PATIENCE_S[1]
    assert second.heard_since(10.0)
    assert not second.heard_since(10.1)
    assert second.sign(10.2) is None
    second.passed()  # nothing came
    assert second.sign(10.3) == 2


def test_signs_are_rare_and_ones_own_is_no_news() -> None:
    turns = Turns(1)
    assert turns.sign(0.0) == 1
    assert turns.sign(SIGN_EVERY_S / 2) is None
    assert turns.sign(SIGN_EVERY_S) == 1
    turns.heard(1, 1.0)
    assert not turns.heard_since(0.0)
    assert turns.leads
