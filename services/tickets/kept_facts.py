"""What messages state, kept as rows beside them: written when a message is taken in, replaced when its words change."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import delete, insert, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.facts import Found
from shared.models import MessageFact
from shared.rows import insert_into, write


async def keep_of_mails(session: AsyncSession, found: Iterable[tuple[int, Sequence[Found]]]) -> None:
    """Of messages by their id, all in one statement."""
    await _insert(session, [{"message_id": id_, **each.as_json()} for id_, facts in found for each in facts])


async def keep_of_contact(session: AsyncSession, entry_id: int, found: Sequence[Found]) -> None:
    await _insert(session, [{"entry_id": entry_id, **each.as_json()} for each in found])


async def copy_of_contact(session: AsyncSession, entry_id: int, copied_id: int) -> None:
    """What was written down went on to another ticket."""
    columns = ("kind", "value", "start", "end", "confidence", "part")
    theirs = select(literal(copied_id), *(getattr(MessageFact, name) for name in columns)).where(
        MessageFact.entry_id == entry_id
    )
    await session.execute(insert(MessageFact).from_select(["entry_id", *columns], theirs))


async def keep_of_recording(session: AsyncSession, recording_id: int, found: Sequence[Found]) -> None:
    """Instead of what earlier words of it said."""
    await session.execute(delete(MessageFact).where(MessageFact.recording_id == recording_id))
    await _insert(session, [{"recording_id": recording_id, **each.as_json()} for each in found])


async def _insert(session: AsyncSession, rows: Sequence[dict[str, object]]) -> None:
    await write(session, insert_into(MessageFact), rows)


class Kept:
    """Facts by what they were found in, each in the order of its text."""

    def __init__(self, rows: Iterable[MessageFact]) -> None:
        self.of_message: dict[int, list[MessageFact]] = defaultdict(list)
        self.of_recording: dict[int, list[MessageFact]] = defaultdict(list)
        self.of_entry: dict[int, list[MessageFact]] = defaultdict(list)
        for row in rows:
            for by, key in (
                (self.of_message, row.message_id), (self.of_recording, row.recording_id), (self.of_entry, row.entry_id),
            ):  # fmt: skip
                if key is not None:
                    by[key].append(row)


async def kept(
    session: AsyncSession, *, messages: Sequence[int], recordings: Sequence[int], entries: Sequence[int]
) -> Kept:
    return Kept(
        await session.scalars(
            select(MessageFact)
            .where(
                or_(
                    MessageFact.message_id.in_(messages),
                    MessageFact.recording_id.in_(recordings),
                    MessageFact.entry_id.in_(entries),
                )
            )
            .order_by(MessageFact.part.desc(), MessageFact.start, MessageFact.id)  # the text before the signature
        )
    )
