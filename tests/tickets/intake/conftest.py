"""A center that gets mail and voicemail: rows as other services write them, and what became of them."""

import itertools
import secrets
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from services.tickets import intake
from shared import clock
from shared.database import Database
from shared.models import (
    Alert,
    Assignment,
    AssignmentState,
    Attachment,
    Certification,
    CertificationMode,
    Customer,
    Delivery,
    DeliveryFailure,
    DeliveryKind,
    DeliveryState,
    Entry,
    EntryKind,
    Intake,
    Machine,
    Mailbox,
    Message,
    OpeningHours,
    Person,
    Recording,
    RecordingSource,
    RecordingState,
    Role,
    Ticket,
    TicketState,
    Transcript,
)
from shared.people import Actor
from shared.settings import Settings

_count = itertools.count(1)
HELP = "help@center.example.org"


class Center:
    """Each method is one transaction, like the services it stands for."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings

    async def open(self) -> None:
        async with self.database.transaction() as session:
            session.add(Mailbox(name="main", address=HELP))
            session.add_all(OpeningHours(weekday=day, opens=time(0), closes=time(0)) for day in range(7))

    # What the inbox does

    async def store(self, text: str = "Hello, I have a question about my bill.", **values: Any) -> int:
        """A parsed mail, not taken in."""
        async with self.database.transaction() as session:
            mailbox_id = await session.scalar(select(Mailbox.id).limit(1))
            message = Message(
                **{
                    "mailbox_id": mailbox_id,
                    "blob": secrets.token_hex(32),
                    "rfc_message_id": f"<{next(_count)}.{secrets.token_hex(4)}@mail.example.com>",
                    "from_address": "ana@example.com",
                    "from_name": "Ana Ruiz",
                    "to_addresses": [HELP],
                    "subject": "A question",
                    "received_at": clock.now(),
                    "text_new": text,
                    "text_full": text,
                }
                | values
            )
            session.add(message)
            await session.flush()
            return message.id

    async def attach(self, message_id: int, *, voicemail: bool) -> None:
        async with self.database.transaction() as session:
            session.add(
                Attachment(
                    message_id=message_id, position=1, filename="msg.wav", content_type="audio/wav", size=10,
                    blob=secrets.token_hex(32), voicemail=voicemail,
                )
            )  # fmt: skip

    async def receive(self, text: str = "Hello, I have a question about my bill.", **values: Any) -> "Seen":
        message_id = await self.store(text, **values)
        await intake.take_in_message(self.database, self.settings, message_id)
        return await self.seen(message_id=message_id)

    async def bounced(self, delivery: Delivery, *, kind: str = "failed", **values: Any) -> "Seen":
        return await self.receive(
            "Your message could not be delivered.",
            **{
                "from_address": "mailer-daemon@mail.example.com",
                "subject": "Undelivered Mail",
                "machine": Machine.BOUNCE,
                "bounce": {
                    "recipients": [{"address": delivery.to_addresses[0], "status": "5.1.1", "kind": kind}],
                    "original_message_id": delivery.rfc_message_id,
                },
            }
            | values,
        )

    async def sent(self, delivery_id: int, error: str | None = None) -> None:
        """The inbox's part of a delivery's life, then ours."""
        async with self.database.transaction() as session:
            delivery = await session.get_one(Delivery, delivery_id)
            delivery.state = DeliveryState.FAILED if error else DeliveryState.SENT
            delivery.last_error = error
            delivery.failure = DeliveryFailure.RECIPIENT if error else None
            delivery.sent_at = None if error else clock.now()
        await intake.take_in_delivery(self.database, self.settings, delivery_id)

    # What the voicemail service does

    async def record(self, **values: Any) -> int:
        async with self.database.transaction() as session:
            recording = Recording(
                **{
                    "source": RecordingSource.SPOOL,
                    "source_id": secrets.token_hex(8),
                    "caller_id": "+17075550142",
                    "menu_language": "en",
                    "called_at": clock.now() - timedelta(minutes=2),
                    "blob": secrets.token_hex(32),
                    "content_type": "audio/wav",
                    "duration_s": 20.0,
                }
                | values
            )
            session.add(recording)
            await session.flush()
            return recording.id

    async def transcribe(self, recording_id: int, text: str, language: str = "en", **values: Any) -> None:
        async with self.database.transaction() as session:
            session.add(
                Transcript(
                    **{
                        "recording_id": recording_id,
                        "text": text,
                        "language": language,
                        "language_confidence": 0.95 if text else 0.0,
                        "language_evidence": {},
                        "segments": [],
                        "engine": "whisper",
                        "model": "test",
                        "model_sha256": "0" * 64,
                        "options": {},
                        "took_ms": 10,
                    }
                    | values
                )
            )
            recording = await session.get_one(Recording, recording_id)
            recording.state = RecordingState.TRANSCRIBED

    async def call(self, text: str | None = None, language: str = "en", **values: Any) -> "Seen":
        """A voicemail from arrival to transcript, taken in at both."""
        recording_id = await self.record(**values)
        await intake.take_in_recording(self.database, self.settings, recording_id)
        if text is not None:
            await self.transcribe(recording_id, text, language)
            await intake.take_in_recording(self.database, self.settings, recording_id)
        return await self.seen(recording_id=recording_id)

    # People

    async def person(self, role: Role = Role.CSR1, *, spanish: bool = False) -> Actor:
        async with self.database.transaction() as session:
            number = next(_count)
            person = Person(email=f"p{number}@center.example.org", name=f"Person {number}", role=role, capacity=5)
            session.add(person)
            await session.flush()
            if spanish:
                verifier = Person(email=f"v{number}@center.example.org", name="Verifier", role=Role.MANAGER)
                session.add(verifier)
                await session.flush()
                session.add_all(
                    Certification(
                        person_id=person.id, language="es", mode=mode, verified_by_id=verifier.id,
                        verified_on=date(2020, 1, 1),
                    )
                    for mode in CertificationMode
                )  # fmt: skip
            return Actor(id=person.id, name=person.name, email=person.email, role=role)

    async def give(self, ticket_id: int, person: Actor, *, offered: bool = False, pinned: bool = False) -> int:
        """The ticket is this person's, or offered to them. Returns the assignment."""
        async with self.database.transaction() as session:
            assignment = Assignment(
                ticket_id=ticket_id, person_id=person.id, weight=1, pinned=pinned,
                state=AssignmentState.OFFERED if offered else AssignmentState.ACCEPTED,
            )  # fmt: skip
            session.add(assignment)
            ticket = await session.get_one(Ticket, ticket_id)
            ticket.state = TicketState.OFFERED if offered else TicketState.ASSIGNED
            ticket.assignee_id = None if offered else person.id
            await session.flush()
            return assignment.id

    # What became of it

    async def change(self, ticket_id: int, **values: object) -> None:
        async with self.database.transaction() as session:
            await session.execute(update(Ticket).where(Ticket.id == ticket_id).values(**values))

    async def seen(self, *, message_id: int | None = None, recording_id: int | None = None) -> "Seen":
        async with self.database.transaction() as session:
            where = Intake.message_id == message_id if message_id is not None else Intake.recording_id == recording_id
            row = await session.scalar(select(Intake).where(where))
            assert row is not None
            return await self._seen(row)

    async def _seen(self, row: Intake) -> "Seen":
        ticket = await self.ticket(row.ticket_id) if row.ticket_id is not None else None
        return Seen(row, ticket)

    async def ticket(self, ticket_id: int) -> Ticket:
        async with self.database.transaction() as session:
            return await session.get_one(Ticket, ticket_id)

    async def tickets(self) -> Sequence[Ticket]:
        async with self.database.transaction() as session:
            return (await session.scalars(select(Ticket).order_by(Ticket.id))).all()

    async def customer(self, customer_id: int | None) -> Customer:
        async with self.database.transaction() as session:
            return await session.get_one(Customer, customer_id)

    async def entries(self, ticket_id: int, *kinds: EntryKind) -> Sequence[Entry]:
        async with self.database.transaction() as session:
            statement = select(Entry).where(Entry.ticket_id == ticket_id).order_by(Entry.id)
            return (await session.scalars(statement.where(Entry.kind.in_(kinds)) if kinds else statement)).all()

    async def deliveries(self, ticket_id: int | None = None, *kinds: DeliveryKind) -> Sequence[Delivery]:
        async with self.database.transaction() as session:
            statement = select(Delivery).order_by(Delivery.id)
            if ticket_id is not None:
                statement = statement.where(Delivery.ticket_id == ticket_id)
            if kinds:
                statement = statement.where(Delivery.kind.in_(kinds))
            return (await session.scalars(statement)).all()

    async def alerts(self) -> Sequence[Alert]:
        async with self.database.transaction() as session:
            return (await session.scalars(select(Alert).order_by(Alert.id))).all()

    async def assignment(self, assignment_id: int) -> Assignment:
        async with self.database.transaction() as session:
            return await session.get_one(Assignment, assignment_id)

    async def message(self, message_id: int | None) -> Message:
        async with self.database.transaction() as session:
            return await session.get_one(Message, message_id)


class Seen:
    """An intake row and its ticket."""

    def __init__(self, row: Intake, ticket: Ticket | None) -> None:
        self.row = row
        self._ticket = ticket

    @property
    def ticket(self) -> Ticket:
        assert self._ticket is not None, f"no ticket: {self.row.outcome} {self.row.policy} {self.row.error}"
        return self._ticket


@pytest.fixture
async def center(database: Database, settings: Settings) -> Center:
    center = Center(database, settings)
    await center.open()
    return center


def days_ago(days: float) -> datetime:
    return clock.now() - timedelta(days=days)
