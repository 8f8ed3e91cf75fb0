"""The weekly controller of the weight of Spanish: it goes where it should, stays there, and says what it decided on."""

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from services.tickets.routing.balance import Kept, Rule, balance, decide, kept_in, policy_in_force
from shared import clock
from shared.database import Database
from shared.models import AuditEvent, BalanceVerdict, ClockEnd, LanguageBalance, SlaClock
from shared.settings import Settings
from tests.tickets.routing.conftest import Center

RULE = Rule(least=10)
MONDAY = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)  # ten in the morning at the center
LAST_WEEK = MONDAY - timedelta(days=4)


@pytest.mark.parametrize(
    ("weight", "english", "spanish", "after", "verdict"),
    [
        (1.5, Kept(100, 95), Kept(100, 80), 1.6, BalanceVerdict.RAISED),
        (1.5, Kept(100, 80), Kept(100, 95), 1.4, BalanceVerdict.LOWERED),
        (1.5, Kept(100, 92), Kept(100, 90), 1.55, BalanceVerdict.BALANCED),
        (3.0, Kept(100, 92), Kept(100, 90), 2.95, BalanceVerdict.BALANCED),
        (2.02, Kept(100, 92), Kept(100, 90), 2.0, BalanceVerdict.BALANCED),
        (1.98, Kept(100, 92), Kept(100, 90), 2.0, BalanceVerdict.BALANCED),
        (2.0, Kept(100, 92), Kept(100, 90), 2.0, BalanceVerdict.BALANCED),
        (1.5, Kept(100, 95), Kept(9, 0), 1.5, BalanceVerdict.TOO_FEW),
        (3.0, Kept(100, 95), Kept(100, 80), 3.0, BalanceVerdict.AT_LIMIT),
        (1.0, Kept(100, 80), Kept(100, 95), 1.0, BalanceVerdict.AT_LIMIT),
        (2.95, Kept(100, 95), Kept(100, 80), 3.0, BalanceVerdict.RAISED),
    ],
)
def test_one_step_towards_who_was_kept_waiting(
    weight: float, english: Kept, spanish: Kept, after: float, verdict: BalanceVerdict
) -> None:
    assert decide(weight, english, spanish, RULE) == (after, verdict)


def test_without_leaning_it_stays_where_it_is() -> None:
    alike = Kept(100, 92)
    assert decide(2.7, alike, alike, replace(RULE, lean=0.0)) == (2.7, BalanceVerdict.BALANCED)


def test_leaning_goes_no_further_than_it_may() -> None:
    alike = Kept(100, 92)
    assert decide(2.5, alike, alike, replace(RULE, lowest=2.5)) == (2.5, BalanceVerdict.BALANCED)


def pooled(weeks: Iterable[Kept]) -> Kept:
    each = list(weeks)
    return Kept(sum(one.due for one in each), sum(one.kept for one in each))


@pytest.mark.parametrize("start", [1.0, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_it_arrives_and_does_not_swing(start: float, seed: int) -> None:
    """Points apart as the simulated center has them: 13 at 1.0, 3.5 at 1.5, none at 2.0; and chance on top."""
    chance, weight, weights = random.Random(seed), start, []
    past: deque[tuple[Kept, Kept]] = deque(maxlen=RULE.weeks)
    for _ in range(60):
        apart = 13.5 * (2.0 - weight) ** 2 if weight < 2 else -4 * (weight - 2.0)
        english, spanish = 910 + 5 * apart, 910 - 5 * apart + chance.gauss(0, 30)
        past.append((Kept(1000, round(english)), Kept(1000, round(spanish))))
        weight, _ = decide(weight, pooled(each for each, _ in past), pooled(each for _, each in past), Rule())
        weights.append(weight)
    assert max(weights[25:]) - min(weights[25:]) <= 0.6
    assert all(1.4 <= each <= 2.6 for each in weights[25:])


async def answered(database: Database, center: Center, language: str, *, late: bool, at: datetime = LAST_WEEK) -> None:
    ticket_id = await center.ticket(language, waited=clock.now() - at + timedelta(hours=5), due_in=timedelta(hours=5))
    given = at + timedelta(minutes=10 if late else -10)
    async with database.transaction() as session:
        promise = (await session.scalars(select(SlaClock).where(SlaClock.ticket_id == ticket_id))).one()
        promise.ended_at, promise.ended_how, promise.running_since = given, ClockEnd.MET, None
        promise.late_s, promise.breached_at = (600.0, promise.due_at) if late else (0.0, None)


async def test_the_week_that_is_over_decides_once(database: Database, center: Center, settings: Settings) -> None:
    on = settings.model_copy(update={"balance_languages": True, "balance_least": 2, "bilingual_weight": 1.5})
    with time_machine.travel(MONDAY, tick=False):
        for late in (False, False):
            await answered(database, center, "en", late=late)
        for late in (False, True):
            await answered(database, center, "es", late=late)
        await answered(database, center, "es", late=True, at=MONDAY - timedelta(hours=1))  # this week
        assert not await balance(database, settings)  # off, as it comes
        assert await balance(database, on)
        assert not await balance(database, on)
        async with database.transaction() as session:
            (row,) = await session.scalars(select(LanguageBalance))
            (event,) = await session.scalars(select(AuditEvent).where(AuditEvent.action == "routing.balance"))
            assert (await policy_in_force(session, on)).language_weight == {"es": 1.6, "mixed": 1.6}
            assert (await policy_in_force(session, settings)).language_weight["es"] == settings.bilingual_weight
    assert (row.week.isoformat(), row.verdict, row.before, row.after) == ("2026-11-23", BalanceVerdict.RAISED, 1.5, 1.6)
    assert (row.english_due, row.english_kept, row.spanish_due, row.spanish_kept) == (2, 2, 2, 1)
    assert event.actor_id is None
    assert event.detail["spanish"] == {"due": 2, "kept": 1}


@pytest.mark.parametrize(("weeks", "verdict", "due"), [(1, BalanceVerdict.TOO_FEW, 0), (4, BalanceVerdict.LOWERED, 1)])
async def test_the_next_week_goes_on_from_there(
    database: Database, center: Center, settings: Settings, weeks: int, verdict: BalanceVerdict, due: int
) -> None:
    """With nothing new: one week alone says nothing, several together still say what the one before said."""
    on = settings.model_copy(
        update={"balance_languages": True, "balance_least": 1, "balance_weeks": weeks, "balance_lean": 0.0}
    )
    with time_machine.travel(MONDAY, tick=False):
        await answered(database, center, "en", late=True)
        await answered(database, center, "es", late=False)
        assert await balance(database, on)
    with time_machine.travel(MONDAY + timedelta(days=7), tick=False):
        assert await balance(database, on)
    async with database.transaction() as session:
        rows = list(await session.scalars(select(LanguageBalance).order_by(LanguageBalance.week)))
    assert [row.verdict for row in rows] == [BalanceVerdict.LOWERED, verdict]
    assert [row.spanish_due for row in rows] == [1, due]
    assert rows[0].after == rows[1].before == pytest.approx(settings.bilingual_weight - 0.1)
    assert rows[1].after == pytest.approx(rows[1].before - 0.1 * due)


async def test_figures_of_several_weeks_end_with_the_one_that_is_over(
    database: Database, center: Center, settings: Settings
) -> None:
    with time_machine.travel(MONDAY, tick=False):
        for weeks_ago in range(6):
            await answered(database, center, "es", late=False, at=LAST_WEEK - timedelta(days=7 * weeks_ago))
        await answered(database, center, "es", late=False, at=MONDAY - timedelta(hours=1))  # the week after
        async with database.transaction() as session:
            week = LAST_WEEK.date() - timedelta(days=LAST_WEEK.weekday())
            for weeks in (1, 4):
                _, spanish = await kept_in(session, settings, week, weeks=weeks)
                assert spanish == Kept(weeks, weeks)
