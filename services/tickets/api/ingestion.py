"""Whether all mail is here: what became of it, and the folders compared with their mail servers."""

from fastapi import APIRouter

from services.tickets import ingestion
from services.tickets.api.common import Id
from services.tickets.ingestion import FolderView, MailAccount
from shared.web.depends import Me, Tx

router = APIRouter(prefix="/api/v1", tags=["operations"])


@router.get("/mail-account", summary="What became of every mail that was fetched")
async def mail_account(session: Tx, me: Me) -> MailAccount:
    return await ingestion.account(session, me)


@router.get("/mail-folders", summary="The watched folders, compared with their mail servers")
async def mail_folders(session: Tx, me: Me) -> list[FolderView]:
    return await ingestion.folders(session, me)


@router.post("/mailboxes/{mailbox_id}/compare", status_code=202, summary="Compare a mailbox with the ledger now")
async def compare(session: Tx, me: Me, mailbox_id: Id) -> None:
    """Soon afterwards `compared_at` of its folders is newer, and `wanted_at` null."""
    await ingestion.compare(session, me, mailbox_id)
