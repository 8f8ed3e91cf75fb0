"""Facts of messages as screens and API show them: those that name an account hidden until somebody asks."""

from collections.abc import Iterable, Sequence
from datetime import date

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.facts import Found, find, find_signed, masked
from services.tickets.facts.masking import HIDDEN
from services.tickets.kept_facts import kept
from services.tickets.views.models import EntryView, MessageView
from services.tickets.views.shapes import FactView, View
from services.tickets.views.timeline import timeline
from shared.calendar import day_of
from shared.errors import NotFound
from shared.models import EntryKind, FactPart, MessageFact, Ticket
from shared.settings import Settings


class TicketFactView(View):
    """A fact with the entry of the timeline whose text states it."""

    entry_id: int
    message_id: int | None = Field(description="The mail; places are characters of its `text_new` or `signature`.")
    recording_id: int | None = Field(
        description="The recording; places are characters of its words, one blank between."
    )
    fact: FactView


async def ticket_facts(
    session: AsyncSession, settings: Settings, ticket_id: int, *, whole_accounts: bool = False
) -> list[TicketFactView]:
    """Of every message of the ticket, in the order of the timeline. Raises NotFound.

    `whole_accounts`: account and agreement numbers as they are, instead of their last digits only; the caller audits.
    """
    if await session.get(Ticket, ticket_id) is None:
        raise NotFound("There is no ticket {ticket_id}.", ticket_id=ticket_id)
    entries = await timeline(session, ticket_id)
    found = await facts_of(session, settings, entries, whole_accounts=whole_accounts)
    return [
        TicketFactView(
            entry_id=entry.id,
            message_id=entry.message.id if entry.message else None,
            recording_id=entry.recording.id if entry.recording else None,
            fact=fact,
        )
        for entry in entries
        for fact in found.get(entry.id, [])
    ]


async def facts_of(
    session: AsyncSession, settings: Settings, entries: Sequence[EntryView], *, whole_accounts: bool = False
) -> dict[int, list[FactView]]:
    """Entry → what its text states. Of messages from before anything was kept of them, the text is read again."""
    mails = [entry for entry in entries if entry.kind is EntryKind.MAIL_IN and entry.message and not entry.moved_to]
    calls = [entry for entry in entries if entry.kind is EntryKind.VOICEMAIL and entry.recording and not entry.moved_to]
    contacts = [entry for entry in entries if entry.kind is EntryKind.CONTACT and not entry.moved_to]
    rows = await kept(
        session,
        messages=[entry.message.id for entry in mails if entry.message],
        recordings=[entry.recording.id for entry in calls if entry.recording],
        entries=[entry.id for entry in contacts],
    )
    found: dict[int, Iterable[MessageFact | Found]] = {}
    for entry in mails:
        assert entry.message is not None
        found[entry.id] = rows.of_message.get(entry.message.id) or _read(
            entry.message, day_of(settings, entry.message.received_at)
        )
    for entry in calls:
        found[entry.id] = rows.of_recording.get(entry.recording.id, []) if entry.recording else []
    for entry in contacts:
        found[entry.id] = rows.of_entry.get(entry.id) or find(entry.text, day_of(settings, entry.at))
    return {id_: [fact_view(id_, each, whole_accounts) for each in facts] for id_, facts in found.items()}


def _read(message: MessageView, day: date) -> list[Found]:
    said = find(message.text_new, day)
    return [*said, *find_signed(message.signature, day, said)]


def fact_view(entry_id: int, fact: MessageFact | Found, whole_accounts: bool) -> FactView:
    hidden = fact.kind in HIDDEN and not whole_accounts
    return FactView(
        kind=fact.kind,
        value=masked(fact.value) if hidden else fact.value,
        hidden=hidden,
        part=fact.part,
        start=fact.start,
        end=fact.end,
        confidence=fact.confidence,
        anchor=f"fact-{entry_id}-{'s' if fact.part is FactPart.SIGNATURE else ''}{fact.start}",
    )
