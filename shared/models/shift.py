"""Written by tickets: when people are planned to work, week by week and on days that differ."""

from datetime import date, time

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Id


class WeeklyShift(Base):
    """An interval of a weekday in the center's own time zone. What lies between two of one day is a break."""

    __tablename__ = "weekly_shift"

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    weekday: Mapped[int] = mapped_column(SmallInteger)  # Monday is 0
    starts: Mapped[time]
    ends: Mapped[time]  # 00:00 is midnight at the day's end

    __table_args__ = (
        UniqueConstraint("person_id", "weekday", "starts"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("ends > starts OR ends = '00:00'", name="ends_after_starts"),
    )


class ShiftDay(Base):
    """One interval of a date on which somebody's week does not count; a single row without times: a day off."""

    __tablename__ = "shift_day"

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    day: Mapped[date]
    starts: Mapped[time | None]
    ends: Mapped[time | None]
    reason: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        UniqueConstraint("person_id", "day", "starts"),
        Index("uq_shift_day_off", "person_id", "day", unique=True, postgresql_where=sql("starts IS NULL")),
        CheckConstraint("(starts IS NULL) = (ends IS NULL)", name="both_or_none"),
        CheckConstraint("ends > starts OR ends = '00:00'", name="ends_after_starts"),
    )
