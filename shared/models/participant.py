"""Written by tickets: who may speak on a ticket by mail, how they came there, and who was shown out."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Ref, choice


class ParticipantHow(StrEnum):
    CUSTOMER = "customer"  # their mail or their contact began the ticket
    WRITTEN_TO = "written_to"  # a CSR wrote to them
    ADDED = "added"  # by a CSR, with a reason
    COPIED = "copied"  # a participant's mail had them in copy, and a CSR let them in
    MERGED = "merged"  # took part in a ticket that was merged into this one


class Participant(Base):
    """Who may speak on a ticket by mail. A sender who is not here, or was removed, starts a new, linked ticket."""

    __tablename__ = "participant"

    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    address: Mapped[str] = mapped_column(Text, primary_key=True)  # lower case
    how: Mapped[ParticipantHow] = mapped_column(choice(ParticipantHow, "how"), server_default="customer")
    reason: Mapped[str] = mapped_column(Text, server_default="")  # why a CSR let them in
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    from_ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))  # the merged one they came with
    added_at: Mapped[Created]
    removed_at: Mapped[datetime | None]  # shown out, or never let in although they were proposed
    removed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (CheckConstraint("(how = 'merged') = (from_ticket_id IS NOT NULL)", name="merged"),)
