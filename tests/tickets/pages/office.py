"""An office for tests of the screens: people of every role, hours, templates, and a morning's mail and voicemail."""

import secrets
import wave
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from io import BytesIO

from sqlalchemy import select, update

from services.tickets import intake, reply_templates
from shared import clock
from shared.blobs import Blobs
from shared.database import Database
from shared.models import (
    Assignment,
    AssignmentState,
    Attachment,
    Certification,
    CertificationMode,
    Entry,
    EntryKind,
    Intent,
    Mailbox,
    MailboxState,
    Message,
    OpeningHours,
    Person,
    Presence,
    PresenceLease,
    Recording,
    RecordingSource,
    RecordingState,
    Role,
    SpecialDay,
    Template,
    Ticket,
    TicketState,
    Transcript,
)
from shared.settings import Settings

PEOPLE = {
    "ines": ("Inés Marchetti", Role.INTERN, "en"),
    "carla": ("Carla Whitfield", Role.CSR1, "en"),
    "mateo": ("Mateo Rangel", Role.CSR2, "es"),
    "sofia": ("Sofía Okonkwo", Role.SUPERVISOR, "en"),
    "marta": ("Marta Lindqvist", Role.MANAGER, "es"),
    "ada": ("Ada Ferreira", Role.ADMINISTRATOR, "en"),
}
ENGLISH = (
    "Hello,\n\nI just moved to Rohnert Park and my first bill has a page with electric generation charges. I never "
    "signed up with you. Am I being charged twice for the same electricity?\n\nThanks for your time,\nDana Whitlock"
)
SPANISH = (
    "Buenas tardes:\n\nMi recibo subió mucho este mes y no entiendo por qué. Estuvimos fuera casi dos semanas. "
    "¿Podrían revisar la factura y explicarme los cargos de generación?\n\nMuchas gracias,\nRosario Peñaloza"
)
GAS = "There is a strong smell of gas in my kitchen and I hear hissing near the meter. What do I do?"


@dataclass
class Office:
    database: Database
    settings: Settings
    blobs: Blobs
    ids: dict[str, int] = field(default_factory=dict)
    mailbox_id: int = 0

    def __getitem__(self, name: str) -> int:
        return self.ids[name]

    async def mail(
        self, subject: str, text: str, address: str = "dana.whitlock@example.com", name: str = "Dana Whitlock",
        html: str | None = None, full: str = "", attachments: tuple[tuple[str, str, bytes], ...] = (),
        forwarded: tuple[dict[str, str], ...] = (),
        verdict: str | None = None, **values: object,
    ) -> int:  # fmt: skip
        """A mail that arrived and was taken in; returns its ticket, 0 when it was held."""
        raw = secrets.token_bytes(16) + text.encode()
        async with self.database.transaction() as session:
            found = {"verdict": verdict, "verified_by": "server", "domain": address.rpartition("@")[2]}
            message = Message(
                mailbox_id=self.mailbox_id, blob=await self.blobs.put(raw),
                rfc_message_id=f"<{secrets.token_hex(8)}@mail.example.com>", from_address=address, from_name=name,
                to_addresses=["help@center.example.org"], subject=subject, sent_at=clock.now(),
                received_at=clock.now(), text_new=text, text_full=full or text, html=html,
                forwarded=list(forwarded),
                authentication=found if verdict else {}, **values,
            )  # fmt: skip
            session.add(message)
            await session.flush()
            for position, (filename, kind, data) in enumerate(attachments):
                session.add(
                    Attachment(
                        message_id=message.id, position=position, filename=filename, content_type=kind,
                        size=len(data), blob=await self.blobs.put(data), content_id=f"part{position}",
                    )
                )  # fmt: skip
        await intake.take_in_message(self.database, self.settings, message.id)
        async with self.database.transaction() as session:
            ticket = await session.scalar(select(Entry.ticket_id).where(Entry.message_id == message.id))
        return int(ticket or 0)

    async def voicemail(
        self, segments: list[dict[str, object]], *, language: str = "es", flags: list[str], audio: bytes | None = None,
        regions: tuple[dict[str, object], ...] = (),
    ) -> int:  # fmt: skip
        """A recording that arrived, was transcribed and taken in; returns its ticket."""
        audio = audio or tone(12)
        async with self.database.transaction() as session:
            recording = Recording(
                source=RecordingSource.UPLOAD, source_id=secrets.token_hex(8), line="1000", mailbox="1000",
                caller_id="+17075550142", caller_name="", menu_language=language, called_at=clock.now(),
                blob=await self.blobs.put(audio), content_type="audio/wav",
                playback_blob=await self.blobs.put(audio), duration_s=12.0, state=RecordingState.RECEIVED,
            )  # fmt: skip
            session.add(recording)
            await session.flush()
        await intake.take_in_recording(self.database, self.settings, recording.id)
        async with self.database.transaction() as session:
            session.add(
                Transcript(
                    recording_id=recording.id, text=" ".join(str(each["text"]).strip() for each in segments),
                    language=language, language_confidence=0.97, language_evidence={}, segments=segments, flags=flags,
                    regions=list(regions), engine="whisper", model="small", model_sha256="0" * 64, options={},
                    took_ms=900,
                )
            )  # fmt: skip
            await session.execute(
                update(Recording).where(Recording.id == recording.id).values(state=RecordingState.TRANSCRIBED)
            )
        await intake.take_in_recording(self.database, self.settings, recording.id)
        async with self.database.transaction() as session:
            ticket = await session.scalar(select(Entry.ticket_id).where(Entry.recording_id == recording.id))
        assert ticket is not None
        return int(ticket)

    async def offer(self, ticket_id: int, person: str, seconds: float = 170) -> int:
        """An offer as the router makes it."""
        from shared.events import Event, publish

        async with self.database.transaction() as session:
            assignment = Assignment(
                ticket_id=ticket_id, person_id=self[person], state=AssignmentState.OFFERED, weight=1,
                offered_at=clock.now(), expires_at=clock.now() + timedelta(seconds=seconds),
                explanation={
                    "required_language": "es", "mode": "written", "idle_minutes": 12.0, "previous": False,
                    "candidates": [{"person_id": self[person], "cost": 1.0}, {"person_id": self["sofia"], "cost": 2.0}],
                    "rejected": {"language": [self["carla"], self["ines"]]}, "flags": [],
                },
            )  # fmt: skip
            session.add(assignment)
            await session.execute(
                update(Ticket).where(Ticket.id == ticket_id).values(state=TicketState.OFFERED, rev=Ticket.rev + 1)
            )
            await session.flush()
            name = PEOPLE[person][0]
            session.add(
                Entry(
                    ticket_id=ticket_id, kind=EntryKind.OFFERED,
                    detail={"person_id": self[person], "person": name, "assignment_id": assignment.id},
                )
            )  # fmt: skip
            await publish(session, Event("offer", assignment.id, (self[person],), "offered"))
            return assignment.id


def tone(seconds: int) -> bytes:
    """Silence, as a browser plays it."""
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x00" * 8000 * seconds)
    return buffer.getvalue()


def talking(*spans: tuple[float, float], seconds: int = 12) -> bytes:
    """A hum where somebody talks, silence elsewhere."""
    audio = bytearray(tone(seconds))
    for start, end in spans:
        for index in range(int(start * 8000), int(end * 8000)):
            sample = 9000 if index // 20 % 2 else -9000
            audio[44 + 2 * index : 46 + 2 * index] = sample.to_bytes(2, "little", signed=True)
    return bytes(audio)


def spoken(
    text: str, start: float = 0.0, unsure: tuple[str, ...] = (), flags: tuple[str, ...] = ()
) -> dict[str, object]:
    """A segment whose words follow each other every 0.4 s."""
    words = [
        {
            "word": f" {word}", "start": round(start + 0.4 * i, 2), "end": round(start + 0.4 * i + 0.35, 2),
            "probability": 0.2 if word.strip(".,") in unsure else 0.95,
        }
        for i, word in enumerate(text.split())
    ]  # fmt: skip
    return {"start": start, "end": words[-1]["end"], "text": text, "words": words, "flags": list(flags)}


async def build(database: Database, settings: Settings, blobs: Blobs, password_hash: str | None = None) -> Office:
    office = Office(database, settings, blobs)
    async with database.transaction() as session:
        for key, (name, role, language) in PEOPLE.items():
            person = Person(
                email=f"{key}@center.example.org", name=name, role=role, ui_language=language, capacity=3,
                password_hash=password_hash,
            )  # fmt: skip
            session.add(person)
            await session.flush()
            office.ids[key] = person.id
            session.add(Presence(person_id=person.id, intent=Intent.AVAILABLE, since=clock.now()))
            session.add(
                PresenceLease(person_id=person.id, tab_id="seed", expires_at=clock.now() + timedelta(minutes=10))
            )
        for key in ("mateo", "sofia"):
            for mode in CertificationMode:
                session.add(
                    Certification(
                        person_id=office[key], language="es", mode=mode, verified_by_id=office["marta"],
                        verified_on=date(2026, 1, 12), valid_until=date(2028, 1, 11),
                    )
                )  # fmt: skip
        for weekday in range(7):
            session.add(OpeningHours(weekday=weekday, opens=time(0), closes=time(0)))
        session.add(SpecialDay(day=date(2027, 1, 1), name_en="New Year's Day", name_es="Año Nuevo"))
        mailbox = Mailbox(
            name="main", address="help@center.example.org", state=MailboxState.WATCHING, last_seen_at=clock.now()
        )
        session.add(mailbox)
        await reply_templates.seed(session)
        session.add_all(
            [
                Template(key="meter_reading", language="en", subject="How to read your meter",
                         body="Please send us a photo of your meter. Our number is {utility_phone}."),
                Template(key="meter_reading", language="es", subject="Cómo leer su medidor",
                         body="Por favor envíenos una foto de su medidor. Nuestro número es {utility_phone}."),
            ]
        )  # fmt: skip
        await session.flush()
        office.mailbox_id = mailbox.id
    return office
