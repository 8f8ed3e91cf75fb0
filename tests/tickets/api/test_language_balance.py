"""The language balance on its page and in the API: the weight in force, this week, and what was decided."""

from datetime import date, timedelta

from services.tickets.routing.balance import this_week
from shared.database import Database
from shared.models import BalanceVerdict, LanguageBalance, Role
from shared.settings import Settings
from tests.tickets.api.conftest import Users


async def decided(database: Database, week: date, before: float, after: float) -> None:
    async with database.transaction() as session:
        session.add(
            LanguageBalance(
                week=week, verdict=BalanceVerdict.RAISED, before=before, after=after, english_due=400,
                english_kept=380, spanish_due=100, spanish_kept=80,
            )
        )  # fmt: skip


async def test_supervisors_see_the_figures_that_it_was_decided_on(
    user: Users, database: Database, settings: Settings
) -> None:
    lead, ben = await user(Role.SUPERVISOR), await user(Role.CSR1)
    week = this_week(settings) - timedelta(days=7)
    await decided(database, week, 1.7, 1.8)
    assert (await ben.http.get("/api/v1/language-balance")).status_code == 403
    found = (await lead.http.get("/api/v1/language-balance")).json()
    assert (found["on"], found["weight"]) == (False, settings.bilingual_weight)
    assert found["spanish"] == {"due": 0, "kept": 0, "percent": None}
    (made,) = found["decisions"]
    assert (made["week"], made["before"], made["after"], made["verdict"]) == (week.isoformat(), 1.7, 1.8, "raised")
    assert made["spanish"] == {"due": 100, "kept": 80, "percent": 80.0}
