"""The way out of automatic acknowledgements, which their List-Unsubscribe headers offer: by mail and by one click."""

from collections.abc import Collection
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared import audit, no_acknowledgement
from shared.errors import NotFound
from shared.models import Message, NoAcknowledgement
from shared.people import Actor, Permission
from shared.settings import Settings

MOST = 500  # listed
POLICY = "no_acknowledgement"  # a mail that says only this is held by this name


async def asked_by_mail(session: AsyncSession, settings: Settings, message: Message) -> bool:
    """Whether the mail is such a wish of its sender; then it is honoured."""
    plus_part = message.reply_token or ""
    if not plus_part.startswith(no_acknowledgement.TAG) or not message.from_address:
        return False
    if not no_acknowledgement.is_tag_of(settings.secret_key.get_secret_value(), message.from_address, plus_part):
        return False
    await _stop(session, message.from_address, "mail")
    return True


async def asked_by_click(session: AsyncSession, settings: Settings, token: str, ip: str) -> str:
    """The address that gets no acknowledgements any more. Raises NotFound for a link that is not ours."""
    address = owner(settings, token)
    await _stop(session, address, "click", ip)
    return address


def owner(settings: Settings, token: str) -> str:
    """Whose link it is. Raises NotFound."""
    address = no_acknowledgement.address_of(settings.secret_key.get_secret_value(), token)
    if address is None:
        raise NotFound("This link is not one of ours, or it is not complete.")
    return address


async def _stop(session: AsyncSession, address: str, asked_by: str, ip: str = "") -> None:
    added = await session.scalar(
        insert(NoAcknowledgement)
        .values(address=address.lower(), asked_by=asked_by)
        .on_conflict_do_nothing()
        .returning(NoAcknowledgement.address)
    )
    if added is not None:
        audit.record(
            session, None, "acknowledgement.stop", object_type="address", object_id=address.lower(),
            detail={"asked_by": asked_by}, ip=ip,
        )  # fmt: skip


class Quiet(BaseModel):
    """An address whose owner wants no acknowledgements."""

    model_config = ConfigDict(frozen=True)

    address: str
    asked_by: str = Field(description="`mail`, `click`, or `complaint` about a mail of ours.")
    at: datetime


async def list_quiet(session: AsyncSession, me: Actor, addresses: Collection[str] | None = None) -> list[Quiet]:
    """The newest, or those of some addresses."""
    me.require(Permission.TICKET_READ)
    wanted = select(NoAcknowledgement).order_by(NoAcknowledgement.at.desc()).limit(MOST)
    if addresses is not None:
        wanted = wanted.where(NoAcknowledgement.address.in_(addresses))
    return [Quiet(address=row.address, asked_by=row.asked_by, at=row.at) for row in await session.scalars(wanted)]


async def allow_again(session: AsyncSession, me: Actor, address: str) -> None:
    """The customer said so. Raises NotFound when they never asked."""
    me.require(Permission.TICKET_WORK)
    removed = await session.scalar(
        delete(NoAcknowledgement)
        .where(NoAcknowledgement.address == address.strip().lower())
        .returning(NoAcknowledgement.address)
    )
    if removed is None:
        raise NotFound("Nobody asked for no acknowledgements from this address.")
    audit.record(session, me.id, "acknowledgement.allow", object_type="address", object_id=removed, ip=me.ip)
