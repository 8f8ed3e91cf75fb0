"""How alike English and Spanish speakers are answered: the weight in force, this week so far, and past decisions."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.routing.balance import Kept, kept_in, this_week, weight_in_force
from shared.models import BalanceVerdict, LanguageBalance
from shared.settings import Settings

WEEKS = 26


class KeptView(BaseModel):
    """First answers in one language."""

    model_config = ConfigDict(frozen=True)

    due: int = Field(description="Given or missed in that time.")
    kept: int = Field(description="In time.")
    percent: float | None = Field(description="null: there were none.")

    @classmethod
    def of(cls, kept: Kept) -> "KeptView":
        return cls(due=kept.due, kept=kept.kept, percent=round(kept.percent, 1) if kept.due else None)


class BalanceDecision(BaseModel):
    """What was decided after a week, and the figures of the weeks up to it that it was decided on."""

    model_config = ConfigDict(frozen=True)

    week: date = Field(description="Its Monday.")
    verdict: BalanceVerdict
    before: float
    after: float
    english: KeptView
    spanish: KeptView
    decided_at: datetime


class LanguageBalanceView(BaseModel):
    """`weight`: how much more a Spanish ticket counts than an English one that has waited for the same share."""

    on: bool = Field(description="Whether the weight is decided anew each week: BALANCE_LANGUAGES.")
    weight: float
    week: date = Field(description="The Monday of this week.")
    english: KeptView = Field(description="This week so far.")
    spanish: KeptView = Field(description="This week so far.")
    gap: float = Field(description="Percentage points that are close enough.")
    weeks: int = Field(description="How many a decision counts together.")
    decisions: list[BalanceDecision] = Field(description="The newest first, half a year at most.")


async def language_balance(session: AsyncSession, settings: Settings) -> LanguageBalanceView:
    week = this_week(settings)
    english, spanish = await kept_in(session, settings, week)
    rows = await session.scalars(select(LanguageBalance).order_by(LanguageBalance.week.desc()).limit(WEEKS))
    return LanguageBalanceView(
        on=settings.balance_languages,
        weight=await weight_in_force(session, settings),
        week=week,
        english=KeptView.of(english),
        spanish=KeptView.of(spanish),
        gap=settings.balance_gap,
        weeks=settings.balance_weeks,
        decisions=[
            BalanceDecision(
                week=row.week,
                verdict=row.verdict,
                before=row.before,
                after=row.after,
                english=KeptView.of(Kept(row.english_due, row.english_kept)),
                spanish=KeptView.of(Kept(row.spanish_due, row.spanish_kept)),
                decided_at=row.decided_at,
            )
            for row in rows
        ],
    )
