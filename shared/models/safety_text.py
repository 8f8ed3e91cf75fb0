"""Written by tickets: what is sent at once to somebody in danger, each version with who wrote and who approved it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, choice


class SafetyKey(StrEnum):
    """What a text is for."""

    DANGER = "danger"  # fire, shock, monoxide, or nobody can tell
    GAS = "gas"
    WIRE = "wire"
    CRISIS = "crisis"
    LIFE_SUPPORT = "life_support"
    SHUTOFF = "shutoff"


class SafetyText(Base):
    """One version of a text, in both languages. What is written here is never changed, only decided on.

    Sent is the newest version that was approved and not withdrawn. `from_setup`: came with the product, or was in use
    before texts were approved; it is sent, marked as such, until somebody decides.
    """

    __tablename__ = "safety_text"

    id: Mapped[Id]
    key: Mapped[SafetyKey] = mapped_column(choice(SafetyKey, "key"))
    version: Mapped[int] = mapped_column(SmallInteger)
    subject_en: Mapped[str] = mapped_column(Text)
    body_en: Mapped[str] = mapped_column(Text)  # Markdown with {placeholders}
    subject_es: Mapped[str] = mapped_column(Text)
    body_es: Mapped[str] = mapped_column(Text)
    from_setup: Mapped[bool] = mapped_column(server_default=sql("false"))
    written_at: Mapped[Created]
    written_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (
        UniqueConstraint("key", "version"),
        CheckConstraint("(approved_at IS NULL) = (approved_by_id IS NULL)", name="approved"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)", name="withdrawn"),
        CheckConstraint("from_setup OR written_by_id IS NOT NULL", name="written"),
    )
