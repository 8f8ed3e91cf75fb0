"""Whether all mail is accounted for: what became of every receipt, and each folder compared with its mail server."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared import audit
from shared.database import ring
from shared.errors import NotFound
from shared.jobs import Job
from shared.models import Intake, IntakeOutcome, Mailbox, MailboxState, MailFolder, MailReceipt, ReceiptState
from shared.people import Actor, Permission

STANDBY_IS_OLD = timedelta(minutes=1)


class MailAccount(BaseModel):
    """Every mail that was ever fetched is in one of these; together they are `receipts`."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "receipts": 1204, "ticketed": 980, "attached": 190, "held": {"auto_reply": 21, "list": 9},
                    "dead": 1, "in_progress": 3,
                }
            ]
        },
    )  # fmt: skip

    receipts: int = Field(description="Rows of the ledger: one for each mail in each folder where it was seen.")
    ticketed: int = Field(description="Made a ticket, or is another copy of a mail that did.")
    attached: int = Field(description="Stands on a ticket that was there before.")
    held: dict[str, int] = Field(description="Kept from becoming a ticket, by policy.")
    dead: int = Field(description="Our code failed on it and gave up: it waits to be replayed.")
    in_progress: int = Field(description="Fetched just now, or tried again by itself.")


class FolderView(BaseModel):
    """A watched folder, and what comparing it with the ledger found last. Counts are null before the first time."""

    model_config = ConfigDict(frozen=True)

    mailbox_id: int
    mailbox: str
    folder: str
    state: MailboxState
    reader: str | None = Field(description="Host and process that reads it now; null: nobody does.", examples=["mx1:7"])
    standby: str | None = Field(description="Host and process that would take over.", examples=["mx2:7"])
    compared_at: datetime | None
    wanted_at: datetime | None = Field(description="Since when somebody waits for a comparison.")
    on_server: int | None = Field(description="UIDs on the server.")
    in_ledger: int | None = Field(description="Of these, in the ledger when the comparison was over.")
    missing: int | None = Field(description="Of these, not in the ledger when it began.")
    repaired: int | None = Field(description="Of the missing, fetched meanwhile.")
    gone: int | None = Field(description="In the ledger and not on the server any more: deleted or moved there.")
    refused_uids: list[int] = Field(description="The server has these and cannot deliver them.")

    @property
    def refused(self) -> int:
        return len(self.refused_uids)


async def account(session: AsyncSession, me: Actor) -> MailAccount:
    me.require(Permission.HEALTH_READ)
    given_up = Intake.next_attempt_at.is_(None)
    rows = await session.execute(
        select(MailReceipt.state, Intake.outcome, Intake.policy, given_up, func.count())
        .outerjoin(Intake, Intake.message_id == MailReceipt.message_id)
        .group_by(MailReceipt.state, Intake.outcome, Intake.policy, given_up)
    )
    found = {"receipts": 0, "ticketed": 0, "attached": 0, "dead": 0, "in_progress": 0}
    held: dict[str, int] = {}
    for state, outcome, policy, final, count in rows:
        found["receipts"] += count
        if state is ReceiptState.DEAD or (outcome is IntakeOutcome.FAILED and final):
            found["dead"] += count
        elif outcome is IntakeOutcome.HELD:
            held[policy or ""] = held.get(policy or "", 0) + count
        elif outcome is IntakeOutcome.TICKETED:
            found["ticketed"] += count
        elif outcome is IntakeOutcome.ATTACHED:
            found["attached"] += count
        else:
            found["in_progress"] += count
    return MailAccount(**found, held=dict(sorted(held.items())))


async def folders(session: AsyncSession, me: Actor) -> list[FolderView]:
    me.require(Permission.HEALTH_READ)
    now = func.clock_timestamp()
    rows = await session.execute(
        select(MailFolder, Mailbox.name, MailFolder.holder_until > now, MailFolder.standby_at > now - STANDBY_IS_OLD)
        .join(Mailbox, Mailbox.id == MailFolder.mailbox_id)
        .order_by(Mailbox.name, MailFolder.name)
    )
    return [
        FolderView(
            mailbox_id=row.mailbox_id,
            mailbox=mailbox,
            folder=row.name,
            state=row.state,
            reader=_shown(row.holder) if live else None,
            standby=_shown(row.standby) if waiting else None,
            compared_at=row.reconciled_at,
            wanted_at=row.reconcile_wanted_at,
            on_server=row.on_server,
            in_ledger=row.in_ledger,
            missing=row.missing,
            repaired=row.repaired,
            gone=row.gone,
            refused_uids=row.refused_uids,
        )
        for row, mailbox, live, waiting in rows
    ]


def _shown(holder: str | None) -> str | None:
    """Host and process of a lease; the rest of it only tells two readers apart."""
    return holder.partition("@")[0] if holder else None


async def compare(session: AsyncSession, me: Actor, mailbox_id: int) -> None:
    """Ask for a comparison of all folders of a mailbox now. Whoever reads them sees the wish, also without the ring."""
    me.require(Permission.HEALTH_READ)
    asked = await session.scalars(
        update(MailFolder)
        .where(MailFolder.mailbox_id == mailbox_id)
        .values(reconcile_wanted_at=func.clock_timestamp())
        .returning(MailFolder.name)
    )
    if not asked.all():
        raise NotFound("There is no such mailbox, or none of its folders was read yet.")
    ring(session, Job.RECONCILE, mailbox_id)
    audit.record(session, me.id, "mailbox.compare", object_type="mailbox", object_id=mailbox_id, ip=me.ip)
