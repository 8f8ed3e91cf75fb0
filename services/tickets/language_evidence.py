"""What is known of a customer's language before they wrote: asked for only where their words are not clear."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import intake_repository as repository
from shared.language import CLEAR, EARLIER, Evidence, TextEvidence
from shared.models import Customer


async def of_words(
    session: AsyncSession,
    text: TextEvidence,
    customer: Customer | None,
    before: datetime,
    *,
    besides: int | None = None,
) -> Evidence:
    """Of a mail. `before`: when it came; `besides`: the ticket that it stands on, which is not an earlier one."""
    history = customer.language if customer is not None else None
    if text.confidence >= CLEAR:
        return Evidence(text=text, history=history)
    return Evidence(text=text, history=history, earlier=await earlier(session, customer, before, besides=besides))


async def earlier(
    session: AsyncSession, customer: Customer | None, before: datetime, *, besides: int | None = None
) -> tuple[str, ...]:
    """Languages of the customer's earlier tickets, newest first; nothing of one whose language people know."""
    if customer is None or customer.id is None or customer.language is not None:
        return ()
    return await repository.languages_before(session, customer.id, before, EARLIER, besides)
