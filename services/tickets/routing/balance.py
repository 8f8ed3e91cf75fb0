"""Once a week: did both languages hear from us in time alike? If not, Spanish weighs a little more or less."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.routing.terms import Policy
from shared import audit, clock
from shared.database import Database
from shared.models import UNOFFERED, BalanceVerdict, ClockEnd, ClockKind, LanguageBalance, SlaClock, Ticket
from shared.settings import Settings

log = structlog.get_logger(__name__)
WEEK = timedelta(days=7)
LOCK = 4713  # advisory: one decision at a time


@dataclass(frozen=True, slots=True)
class Kept:
    """First answers of a time: how many were given or missed, how many in time."""

    due: int
    kept: int

    @property
    def percent(self) -> float:
        return 100 * self.kept / self.due if self.due else 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    step: float = 0.1
    gap: float = 2.0  # percentage points that are close enough
    weeks: int = 4  # counted together: a week's gap differs by ten points for no reason but chance
    least: int = 50  # contacts in each language, below which they say nothing
    lowest: float = 1.0
    highest: float = 3.0
    usual: float = 2.0  # where it began, and where it leans while both languages are answered alike
    lean: float = 0.05  # by which it does so; 0: it stays where it is

    @classmethod
    def of(cls, settings: Settings) -> "Rule":
        lowest, highest = settings.balance_range
        return cls(
            step=settings.balance_step,
            gap=settings.balance_gap,
            weeks=settings.balance_weeks,
            least=settings.balance_least,
            lowest=lowest,
            highest=highest,
            usual=settings.bilingual_weight,
            lean=settings.balance_lean,
        )


def decide(weight: float, english: Kept, spanish: Kept, rule: Rule) -> tuple[float, BalanceVerdict]:
    """The weight for the next week: one step towards whoever was kept waiting.

    When they are close enough it leans back towards the usual weight: high weights hardly move who is kept waiting, so
    that figures alone would leave it wherever chance has brought it.
    """
    if min(english.due, spanish.due) < rule.least:
        return weight, BalanceVerdict.TOO_FEW
    apart = english.percent - spanish.percent
    if abs(apart) <= rule.gap:
        back = min(max(rule.usual, weight - rule.lean), weight + rule.lean)
        return round(min(max(back, rule.lowest), rule.highest), 6), BalanceVerdict.BALANCED
    wanted = weight + rule.step if apart > 0 else weight - rule.step
    after = round(min(max(wanted, rule.lowest), rule.highest), 6)
    if after == weight:
        return weight, BalanceVerdict.AT_LIMIT
    return after, BalanceVerdict.RAISED if apart > 0 else BalanceVerdict.LOWERED


async def policy_in_force(session: AsyncSession, settings: Settings) -> Policy:
    """The policy with the weight that counts now."""
    policy = Policy.of(settings)
    return policy if not settings.balance_languages else policy.weighing(await weight_in_force(session, settings))


async def weight_in_force(session: AsyncSession, settings: Settings) -> float:
    """The newest decision's while the controller is on; else, and before the first, the setting's."""
    newest = select(LanguageBalance.after).order_by(LanguageBalance.week.desc()).limit(1)
    found = await session.scalar(newest) if settings.balance_languages else None
    return settings.bilingual_weight if found is None else found


async def balance(database: Database, settings: Settings) -> bool:
    """Decide once the week is over, on it and those before it. True: it was decided now."""
    if not settings.balance_languages:
        return False
    async with database.transaction() as session:
        await session.execute(select(func.pg_advisory_xact_lock(LOCK)))
        week = _monday(clock.now(), settings) - WEEK
        newest = await session.scalar(select(func.max(LanguageBalance.week)))
        if newest is not None and newest >= week:
            return False
        before = await weight_in_force(session, settings)
        rule = Rule.of(settings)
        english, spanish = await kept_in(session, settings, week, weeks=rule.weeks)
        after, verdict = decide(before, english, spanish, rule)
        made = LanguageBalance(
            week=week, verdict=verdict, before=before, after=after, english_due=english.due,
            english_kept=english.kept, spanish_due=spanish.due, spanish_kept=spanish.kept,
        )  # fmt: skip
        session.add(made)
        await session.flush()
        audit.record(
            session, None, "routing.balance", object_type="language_balance", object_id=made.id,
            detail={
                "week": week.isoformat(), "weeks": rule.weeks,
                "verdict": verdict.value, "before": before, "after": after,
                "english": {"due": english.due, "kept": english.kept},
                "spanish": {"due": spanish.due, "kept": spanish.kept},
            },
        )  # fmt: skip
        log.info("routing.balance", week=week.isoformat(), verdict=verdict.value, before=before, after=after)
        return True


async def kept_in(session: AsyncSession, settings: Settings, week: date, *, weeks: int = 1) -> tuple[Kept, Kept]:
    """First answers to English and to Spanish speakers, of so many weeks up to the one that begins on that Monday.

    One that is late counts in the week in which it became late, whether it was given since or not.
    """
    zone = ZoneInfo(settings.timezone)
    begins, ends = (datetime.combine(day, time(0), zone) for day in (week + WEEK - weeks * WEEK, week + WEEK))
    in_time = and_(
        SlaClock.ended_how == ClockEnd.MET, SlaClock.late_s == 0, SlaClock.ended_at >= begins, SlaClock.ended_at < ends
    )
    late = and_(SlaClock.breached_at >= begins, SlaClock.breached_at < ends)
    rows = await session.execute(
        select(Ticket.language, func.count().filter(in_time), func.count())
        .join(SlaClock, and_(SlaClock.ticket_id == Ticket.id, SlaClock.kind == ClockKind.FIRST_RESPONSE))
        .where(Ticket.language.in_(["en", "es"]), Ticket.kind.not_in(UNOFFERED), or_(in_time, late))
        .group_by(Ticket.language)
    )
    found = {language: Kept(due, kept) for language, kept, due in rows}
    return found.get("en", Kept(0, 0)), found.get("es", Kept(0, 0))


def this_week(settings: Settings) -> date:
    """Its Monday, at the center."""
    return _monday(clock.now(), settings)


def _monday(at: datetime, settings: Settings) -> date:
    today = at.astimezone(ZoneInfo(settings.timezone)).date()
    return today - timedelta(days=today.weekday())
