"""SQL of intake: what a mail, a recording or a delivery is matched against, and the rows that say what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, false, func, or_, select
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.language import UNKNOWN
from shared.mailboxes import is_own
from shared.models import (
    Attachment,
    Customer,
    CustomerIdentity,
    Delivery,
    DeliveryState,
    Entry,
    EntryKind,
    IdentityKind,
    Intake,
    IntakeOutcome,
    LanguageSource,
    MailboxCheck,
    Message,
    Recording,
    RecordingState,
    SenderJudgement,
    Ticket,
    Transcript,
    TranscriptCorrection,
)
from shared.rows import insert_into, write
from shared.settings import Settings

# States that end without a transcript, at least for now: the timeline says so once.
WITHOUT_WORDS = (
    RecordingState.FAILED, RecordingState.NO_ENGINE, RecordingState.UNREADABLE, RecordingState.MISSING,
)  # fmt: skip
_UNSAID = {"ticket_id": None, "policy": None, "said": None, "error": None, "next_attempt_at": None}
DONE = (IntakeOutcome.TICKETED, IntakeOutcome.ATTACHED, IntakeOutcome.HELD)


async def intake_of(
    session: AsyncSession, *, message_id: int | None = None, recording_id: int | None = None
) -> Intake | None:
    column, value = (Intake.message_id, message_id) if message_id is not None else (Intake.recording_id, recording_id)
    found: Intake | None = await session.scalar(
        select(Intake).where(column == value).execution_options(populate_existing=True)
    )
    return found


@dataclass(frozen=True)
class Beforehand:
    """What is known of a mail before it is read."""

    outcome: IntakeOutcome | None  # of an earlier time
    voicemail: bool  # handed to the voicemail service
    own: bool  # from an address of ours
    probe: bool  # the mail to itself by which a mailbox is tested
    judged_spam: bool | None  # what somebody said about its sender


async def not_taken_in(session: AsyncSession, message_ids: Sequence[int]) -> Sequence[Message]:
    """Those of these mails that have no row yet, or one that says that it failed."""
    found = await session.scalars(
        select(Message)
        .outerjoin(Intake, Intake.message_id == Message.id)
        .where(Message.id.in_(message_ids), or_(Intake.id.is_(None), Intake.outcome == IntakeOutcome.FAILED))
        .order_by(Message.id)
    )
    return found.all()


async def beforehand(session: AsyncSession, settings: Settings, message_ids: Sequence[int]) -> dict[int, Beforehand]:
    """One question to the store for all of these mails: it is asked for every one."""
    outcome = select(Intake.outcome).where(Intake.message_id == Message.id).scalar_subquery()
    voicemail = or_(
        exists().where(Attachment.message_id == Message.id, Attachment.voicemail),
        func.coalesce(Message.voicemail["accepted"].as_boolean(), false()),
    )
    probe = exists().where(MailboxCheck.probes.has_key(Message.rfc_message_id))
    judged = select(SenderJudgement.spam).where(SenderJudgement.address == Message.from_address).scalar_subquery()
    own = is_own(settings, Message.from_address)
    rows = await session.execute(
        select(Message.id, outcome, voicemail, own, probe, judged).where(Message.id.in_(message_ids))
    )
    return {row[0]: Beforehand(row[1], row[2], row[3], row[4], row[5]) for row in rows}


async def put_intake(session: AsyncSession, **values: Any) -> None:
    """Write the one row of a message or recording, over a failed attempt if there was one."""
    await put_intakes(session, [values])


async def put_intakes(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """The same for several, all messages or all recordings, in one statement."""
    column = "message_id" if rows[0].get("message_id") is not None else "recording_id"
    full = [
        {"ticket_id": None, "policy": None, "said": None, "error": None, "next_attempt_at": None, **row} for row in rows
    ]
    statement = insert_into(Intake)
    update = {key: statement.excluded[key] for key in full[0] if key != column}
    await write(session, statement.on_conflict_do_update(index_elements=[column], set_=update), full)


async def waiting_messages(session: AsyncSession, rfc_ids: Sequence[str], before: Message) -> list[int]:
    """Mails this one answers that are stored but not taken in yet: they go first."""
    if not rfc_ids:
        return []
    rows = await session.scalars(
        select(Message.id)
        .outerjoin(Intake, Intake.message_id == Message.id)
        .where(Message.rfc_message_id.in_(rfc_ids), Message.id != before.id, Intake.id.is_(None))
        .order_by(Message.id)
        .limit(20)
    )
    return list(rows)


async def customer_by(session: AsyncSession, kind: IdentityKind, value: str, name: str = "") -> Customer:
    """The customer known by this address or number, made when there is none. Safe against a second one at once."""
    found = await session.scalar(
        select(Customer)
        .join(CustomerIdentity, CustomerIdentity.customer_id == Customer.id)
        .where(CustomerIdentity.kind == kind, CustomerIdentity.value == value)
    )
    if found is None:
        customer = Customer(name=name)
        session.add(customer)
        await session.flush()
        added = await session.execute(
            insert(CustomerIdentity)
            .values(kind=kind, value=value, customer_id=customer.id)
            .on_conflict_do_nothing()
            .returning(CustomerIdentity.customer_id)
        )
        if added.first() is not None:
            return customer
        await session.delete(customer)
        await session.flush()
        return await customer_by(session, kind, value, name)
    if name and not found.name:
        found.name = name
    return found


async def customers_by_mail(session: AsyncSession, names: Mapping[str, str]) -> dict[str, Customer]:
    """`customer_by` for several addresses, each with the name that stood beside it."""
    known = await session.execute(
        select(CustomerIdentity.value, Customer)
        .join(Customer, Customer.id == CustomerIdentity.customer_id)
        .where(CustomerIdentity.kind == IdentityKind.EMAIL, CustomerIdentity.value.in_(names))
    )
    customers: dict[str, Customer] = {row[0]: row[1] for row in known}
    for address, customer in customers.items():
        customer.name = customer.name or names[address]
    new = {address: Customer(name=name) for address, name in names.items() if address not in customers}
    if not new:
        return customers
    session.add_all(new.values())
    await session.flush()
    added = set(
        await session.scalars(
            insert(CustomerIdentity).on_conflict_do_nothing().returning(CustomerIdentity.value),
            [
                {"kind": IdentityKind.EMAIL, "value": address, "customer_id": customer.id}
                for address, customer in new.items()
            ],
        )
    )
    for address, customer in new.items():
        if address in added:
            customers[address] = customer
        else:  # somebody made them at the same moment
            await session.delete(customer)
            await session.flush()
            customers[address] = await customer_by(session, IdentityKind.EMAIL, address, names[address])
    return customers


async def delivery_of_bounce(
    session: AsyncSession, message: Message, recipients: Sequence[str], since: datetime
) -> Delivery | None:
    """Our mail that came back: by the Message-ID of the attached original, what it quotes, its token, its recipient."""
    quoted = [message.bounce.get("original_message_id")] if message.bounce else []
    quoted += [*message.in_reply_to, *message.references]
    ids = [rfc_id for rfc_id in quoted if rfc_id]
    newest = select(Delivery).order_by(Delivery.id.desc()).limit(1)
    if ids:
        found = await session.scalar(newest.where(Delivery.rfc_message_id.in_(ids)))
        if found is not None:
            return found
    sent = Delivery.state.in_((DeliveryState.SENT, DeliveryState.SENDING))
    to_one_of = or_(*(Delivery.to_addresses.contains([address]) for address in recipients)) if recipients else None
    if message.reply_token:
        by_token = newest.where(Delivery.reply_token == message.reply_token, sent)
        if to_one_of is not None:
            found = await session.scalar(by_token.where(to_one_of))
            if found is not None:
                return found
        found = await session.scalar(by_token)
        if found is not None:
            return found
    if to_one_of is None:
        return None
    found_by_recipient: Delivery | None = await session.scalar(
        newest.where(to_one_of, sent, Delivery.created_at >= since)
    )
    return found_by_recipient


async def languages_before(
    session: AsyncSession, customer_id: int, before: datetime, limit: int, besides: int | None = None
) -> tuple[str, ...]:
    """Of this customer's earlier tickets whose own words or people told the language, newest first."""
    found = await session.scalars(
        select(Ticket.language)
        .where(
            Ticket.customer_id == customer_id,
            Ticket.queued_at < before,
            Ticket.id != (besides or 0),
            Ticket.language != UNKNOWN,
            Ticket.language_source.in_((LanguageSource.TEXT, LanguageSource.AUDIO, LanguageSource.CORRECTION)),
        )
        .order_by(Ticket.queued_at.desc(), Ticket.id.desc())
        .limit(limit)
    )
    return tuple(found)


async def newest_transcript(session: AsyncSession, recording_id: int) -> Transcript | None:
    found: Transcript | None = await session.scalar(
        select(Transcript).where(Transcript.recording_id == recording_id).order_by(Transcript.id.desc()).limit(1)
    )
    return found


async def told_of_state(session: AsyncSession, recording_id: int, state: RecordingState) -> bool:
    """Whether the timeline already says that this recording has no words for this reason."""
    found = await session.scalar(
        select(Entry.id)
        .where(
            Entry.recording_id == recording_id,
            Entry.kind == EntryKind.TRANSCRIPT,
            Entry.detail["state"].astext == state.value,
        )
        .limit(1)
    )
    return found is not None


def _retry_is_due(now: datetime) -> Any:
    return or_(Intake.id.is_(None), and_(Intake.outcome == IntakeOutcome.FAILED, Intake.next_attempt_at <= now))


async def messages_to_take_in(session: AsyncSession, now: datetime, limit: int) -> list[int]:
    rows = await session.scalars(
        select(Message.id)
        .outerjoin(Intake, Intake.message_id == Message.id)
        .where(_retry_is_due(now))
        .order_by(Intake.id.is_not(None), Message.id)  # what never failed goes first
        .limit(limit)
    )
    return list(rows)


async def recordings_to_take_in(session: AsyncSession, now: datetime, limit: int) -> list[int]:
    """Those without a row or due for another try, with words we have not seen, or whose failure is not told."""
    newest = (
        select(func.max(Transcript.id))
        .where(Transcript.recording_id == Recording.id)
        .correlate(Recording)
        .scalar_subquery()
    )
    corrected = (
        select(func.max(TranscriptCorrection.id))
        .where(TranscriptCorrection.transcript_id == newest)
        .correlate(Recording)
        .scalar_subquery()
    )
    rows = await session.scalars(
        select(Recording.id)
        .outerjoin(Intake, Intake.recording_id == Recording.id)
        .where(
            Recording.same_as.is_(None),
            or_(
                and_(_retry_is_due(now), or_(Recording.compare_until.is_(None), Recording.compare_until <= now)),
                and_(
                    Recording.state == RecordingState.TRANSCRIBED,
                    Intake.outcome != IntakeOutcome.FAILED,
                    newest > func.coalesce(Intake.transcript_id, 0),
                ),
                and_(
                    Recording.state == RecordingState.TRANSCRIBED,
                    Intake.outcome != IntakeOutcome.FAILED,
                    corrected > func.coalesce(Intake.correction_id, 0),
                ),
                and_(  # words that may not wait for the last
                    Recording.partial_segments.is_not(None),
                    Recording.state != RecordingState.TRANSCRIBED,
                    Intake.outcome != IntakeOutcome.FAILED,
                    Intake.transcript_id.is_(None),
                    func.jsonb_array_length(Recording.partial_segments) > Intake.heard_segments,
                ),
                and_(
                    Recording.state.in_(WITHOUT_WORDS),
                    Intake.outcome != IntakeOutcome.FAILED,
                    sql(
                        "NOT EXISTS (SELECT 1 FROM entry WHERE entry.recording_id = recording.id"
                        " AND entry.kind = 'transcript' AND entry.detail->>'state' = recording.state)"
                    ),
                ),
            ),
        )
        .order_by(
            func.coalesce(Intake.outcome == IntakeOutcome.FAILED, False), Recording.id
        )  # what never failed goes first
        .limit(limit)
    )
    return list(rows)


async def deliveries_to_note(session: AsyncSession, limit: int) -> list[int]:
    rows = await session.scalars(
        select(Delivery.id)
        .where(Delivery.state.in_((DeliveryState.SENT, DeliveryState.FAILED)), Delivery.failure_noted.is_(False))
        .order_by(Delivery.id)
        .limit(limit)
    )
    return list(rows)
