"""Our mails on a ticket: how far they are, what was said about them, and what left with them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.views.models import DeliveryStatus, DeliveryView, FileView, ReturnView
from shared import clock
from shared.models import Delivery, DeliveryFile, DeliveryState, Entry, EntryKind


def status_of(delivery: Delivery, returned: Sequence[ReturnView], now: datetime) -> DeliveryStatus:
    """The state in the reader's words. «Held» ends with its time, also when no process has looked since."""
    if delivery.state is DeliveryState.QUEUED:
        if delivery.undo_until is not None and delivery.undo_until > now:
            return DeliveryStatus.HELD
        return DeliveryStatus.DELAYED if delivery.last_error else DeliveryStatus.QUEUED
    if delivery.state is DeliveryState.SENT and returned:
        return DeliveryStatus.BOUNCED
    return DeliveryStatus(delivery.state.value)


def returns_of(entries: Iterable[Entry]) -> dict[int, list[ReturnView]]:
    """Per delivery, from whom it came back, as the timeline has it."""
    found: dict[int, dict[str, ReturnView]] = defaultdict(dict)
    for entry in entries:
        if entry.kind is not EntryKind.BOUNCE or entry.delivery_id is None or entry.detail.get("delayed"):
            continue
        for each in entry.detail.get("recipients") or []:
            if isinstance(each, dict) and each.get("kind", "failed") == "failed" and each.get("address"):
                address = str(each["address"])
                words = str(each.get("diagnostic") or each.get("status") or "")
                found[entry.delivery_id][address] = ReturnView(address=address, words=words)
    return {delivery_id: list(each.values()) for delivery_id, each in found.items()}


async def delivery_views(
    session: AsyncSession, ids: Sequence[int], entries: Iterable[Entry]
) -> dict[int, DeliveryView]:
    """`entries`: those of the ticket, which hold the reports about its mails."""
    if not ids:
        return {}
    returns, now = returns_of(entries), clock.now()
    files: dict[int, list[FileView]] = defaultdict(list)
    for file in await session.scalars(
        select(DeliveryFile)
        .where(DeliveryFile.delivery_id.in_(ids))
        .order_by(DeliveryFile.delivery_id, DeliveryFile.position, DeliveryFile.id)
    ):
        files[file.delivery_id or 0].append(file_view(file))
    return {
        delivery.id: DeliveryView(
            id=delivery.id,
            kind=delivery.kind,
            state=delivery.state,
            status=status_of(delivery, returns.get(delivery.id, []), now),
            to=delivery.to_addresses,
            cc=delivery.cc_addresses,
            subject=delivery.subject,
            language=delivery.language,
            text=delivery.text,
            html=delivery.html,
            attempts=delivery.attempts,
            next_attempt_at=delivery.next_attempt_at,
            undo_until=delivery.undo_until,
            last_error=delivery.last_error,
            failure=delivery.failure,
            returned=returns.get(delivery.id, []),
            created_by_id=delivery.created_by_id,
            sent_at=delivery.sent_at,
            files=files[delivery.id],
        )
        for delivery in await session.scalars(select(Delivery).where(Delivery.id.in_(ids)))
    }


def file_view(file: DeliveryFile) -> FileView:
    return FileView(
        id=file.id,
        filename=file.filename,
        content_type=file.content_type,
        size=file.size,
        inline=file.inline,
        content_id=file.content_id,
    )
