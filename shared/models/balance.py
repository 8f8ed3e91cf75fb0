"""Written by tickets: what the weight of Spanish was each week, and the figures that moved it."""

from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, Float, Integer
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, choice


class BalanceVerdict(StrEnum):
    RAISED = "raised"  # fewer promises were kept to Spanish speakers
    LOWERED = "lowered"  # fewer were kept to English speakers
    BALANCED = "balanced"  # close enough
    TOO_FEW = "too_few"  # contacts, to tell
    AT_LIMIT = "at_limit"  # it would go on, and may not: a matter of staff


class LanguageBalance(Base):
    """One week's decision. The newest one has the weight that counts while the controller is on."""

    __tablename__ = "language_balance"

    id: Mapped[Id]
    week: Mapped[date] = mapped_column(unique=True)  # its Monday, at the center
    verdict: Mapped[BalanceVerdict] = mapped_column(choice(BalanceVerdict, "verdict"))
    before: Mapped[float] = mapped_column(Float)
    after: Mapped[float] = mapped_column(Float)
    english_due: Mapped[int] = mapped_column(Integer)  # first answers of the weeks up to it, BALANCE_WEEKS of them
    english_kept: Mapped[int] = mapped_column(Integer)
    spanish_due: Mapped[int] = mapped_column(Integer)
    spanish_kept: Mapped[int] = mapped_column(Integer)
    decided_at: Mapped[Created]

    __table_args__ = (
        CheckConstraint("english_kept BETWEEN 0 AND english_due", name="english"),
        CheckConstraint("spanish_kept BETWEEN 0 AND spanish_due", name="spanish"),
        CheckConstraint("after > 0 AND before > 0", name="weight"),
    )
