"""Written by tickets: dead letters that a person set aside, with the reason; their bytes stay."""

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Ref


class SettledLetter(Base):
    """One dead receipt or failed intake that nobody needs to look at any more. Replaying it removes this row."""

    __tablename__ = "settled_letter"

    id: Mapped[Id]
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("mail_receipt.id"), unique=True)
    intake_id: Mapped[int | None] = mapped_column(ForeignKey("intake.id"), unique=True)
    reason: Mapped[str] = mapped_column(Text)
    settled_by_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    settled_at: Mapped[Created]

    __table_args__ = (
        CheckConstraint("num_nonnulls(receipt_id, intake_id) = 1", name="one"),
        CheckConstraint("reason <> ''", name="reason"),
    )
