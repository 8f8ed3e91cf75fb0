"""What a new demo starts with: people of every role, certificates, shifts, hours, holidays, texts, greetings."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from local import sounds
from services.tickets import people, reply_templates, safety_texts, shifts, tokens
from shared import blob_folder, clock
from shared.blobs import Blobs
from shared.calendar import seed_opening_hours, seed_special_days
from shared.database import Database
from shared.models import Certification, CertificationMode, GreetingVersion, Person, Role, Situation, WeeklyShift
from shared.people import Actor
from shared.settings import Settings

PASSWORD = "girasol-de-dia"  # the demo's, printed on its page; nothing else accepts it


@dataclass(frozen=True)
class Somebody:
    """One member of the invented staff. `certified`: mode and whether the certificate still stands."""

    email: str
    name: str
    role: Role
    ui_language: str = "en"
    capacity: int = 3
    certified: tuple[tuple[CertificationMode, bool], ...] = ()
    about: str = ""


BOTH = ((CertificationMode.SPOKEN, True), (CertificationMode.WRITTEN, True))
STAFF = (
    Somebody("lucia@valleluz.example", "Lucía Campos", Role.CSR1, "es", 3, BOTH, "verified bilingual"),
    Somebody("dan@valleluz.example", "Dan Whitlow", Role.CSR1, about="English only"),
    Somebody("tomas@valleluz.example", "Tomás Rivas", Role.CSR2, "es", 4, BOTH, "verified bilingual"),
    Somebody("beth@valleluz.example", "Beth Nolan", Role.CSR2, capacity=4, about="English only"),
    Somebody(
        "priya@valleluz.example", "Priya Anand", Role.CSR2, "en", 3, ((CertificationMode.SPOKEN, True),),
        "verified in spoken Spanish only: voicemails, not mail",
    ),
    Somebody(
        "joel@valleluz.example", "Joel Santos", Role.INTERN, "es", 1, ((CertificationMode.WRITTEN, False),),
        "speaks Spanish, but the certificate has run out",
    ),
    Somebody("gloria@valleluz.example", "Gloria Paz", Role.SUPERVISOR, "en", 2, BOTH, "verified bilingual"),
    Somebody("marcus@valleluz.example", "Marcus Hale", Role.MANAGER, capacity=0),
    Somebody("ines@valleluz.example", "Inés Robledo", Role.ADMINISTRATOR, "es", 0),
)  # fmt: skip
# When they work, Monday to Friday, and at whose desk one finds nobody on a Friday.
EARLY = ((time(8), time(12)), (time(12, 30), time(16, 30)))
LATE = ((time(9, 30), time(13)), (time(13, 30), time(18)))
SHIFTS = {
    "lucia@valleluz.example": (EARLY, range(5)),
    "dan@valleluz.example": (LATE, range(5)),
    "tomas@valleluz.example": (LATE, range(5)),
    "beth@valleluz.example": (EARLY, range(4)),
    "priya@valleluz.example": (EARLY, range(1, 5)),
    "joel@valleluz.example": (((time(13), time(17)),), range(5)),
}
PHONE_SYSTEM = "pbx@valleluz.example"


async def seed(database: Database, settings: Settings) -> bool:
    """Put in what is missing; True when this folder's Centralita is new. What people changed stays changed."""
    today = clock.now().date()
    async with database.transaction() as session:
        await seed_opening_hours(session)
        await seed_special_days(session, range(today.year, today.year + 2))
        await reply_templates.seed(session)
        if await session.scalar(select(Person.id).limit(1)) is not None:
            return False
        ids = {}
        for who in STAFF:
            person = await people.insert_person(
                session,
                email=who.email,
                name=who.name,
                role=who.role,
                password=PASSWORD,
                ui_language=who.ui_language,
                capacity=who.capacity,
            )
            await session.flush()
            ids[who.email] = person.id
        await people.insert_person(session, email=PHONE_SYSTEM, name="Phone system", role=Role.SERVICE)
        for who in STAFF:
            for mode, stands in who.certified:
                # The supervisor examines; somebody else examined her.
                verifier = ids["marcus@valleluz.example" if who.role is Role.SUPERVISOR else "gloria@valleluz.example"]
                session.add(
                    Certification(
                        person_id=ids[who.email],
                        language="es",
                        mode=mode,
                        verified_by_id=verifier,
                        verified_on=_ago(today, 200 if stands else 800),
                        valid_until=_ago(today, -530 if stands else 70),
                    )
                )
        await safety_texts.approve_from_setup(session, _supervisor(ids))
    return True


def _supervisor(ids: dict[str, int]) -> Actor:
    gloria = next(who for who in STAFF if who.role is Role.SUPERVISOR)
    return Actor(ids[gloria.email], gloria.name, gloria.email, gloria.role)


def _ago(today: date, days: int) -> date:
    return today - timedelta(days=days)


async def seed_shifts(database: Database, settings: Settings) -> None:
    """Everybody's week, once; and, for whatever hour one looks at the demo, today and tomorrow as whole days.

    Gloria is not planned: she takes tickets whenever she says so.
    """
    me = await actor(database, "gloria@valleluz.example")
    today = clock.now().astimezone(ZoneInfo(settings.timezone)).date()
    async with database.transaction() as session:
        planned = bool(await session.scalar(select(WeeklyShift.id).limit(1)))
        found = await session.execute(select(Person.email, Person.id).where(Person.email.in_(SHIFTS)))
        ids = dict(found.tuples().all())
        for email, (spans, weekdays) in SHIFTS.items():
            known = await shifts.shifts_of(session, ids[email], today)
            if not planned:
                week = [
                    shifts.WeeklySpan(weekday=weekday, starts=starts, ends=ends)
                    for weekday in weekdays
                    for starts, ends in spans
                ]
                await shifts.set_week(session, me, ids[email], week)
            for day in {today, today + timedelta(days=1)} - {each.day for each in known.days}:
                whole = [shifts.SpanView(starts=time(0), ends=time(0))]
                await shifts.set_day(session, me, ids[email], day, whole, "The demo is open at any hour")


async def actor(database: Database, email: str) -> Actor:
    """Somebody of the staff, to act as."""
    async with database.transaction() as session:
        person = (await session.scalars(select(Person).where(Person.email == email))).one()
        return Actor(id=person.id, name=person.name, email=person.email, role=person.role)


async def phone_system_token(database: Database) -> str:
    """A token for the HTTP door, as an administrator makes one for a real phone system."""
    me = await actor(database, "ines@valleluz.example")
    machine = await actor(database, PHONE_SYSTEM)
    async with database.transaction() as session:
        _view, token = await tokens.create_token(
            session, me, name="Demo page", scopes=["recording.upload"], days=30, person_id=machine.id
        )
    return token


async def seed_greetings(database: Database, settings: Settings) -> int:
    """Upload and activate the shipped greetings, as Tomás would on the greetings page. Returns how many were made."""
    # It loads the audio libraries, which only the first start needs.
    from services.voicemail.greetings import actions, repository, rules, scripts, versions

    me = await actor(database, "tomas@valleluz.example")
    blobs = Blobs.from_settings(settings)
    await blob_folder.prepare(database, blobs)
    async with database.transaction() as session:
        if await session.scalar(select(GreetingVersion.id).limit(1)) is not None:
            return 0
        await repository.ensure_slots(session, settings)
    async with database.transaction() as session:
        slots = {(slot.language, slot.situation.value): slot.id for slot in await repository.slots(session)}
    made: dict[tuple[str, str], GreetingVersion] = {}
    for language, situation in sounds.GREETINGS:
        new = versions.Upload(
            sounds.recording(f"greeting-{language}-{situation}"),
            f"{situation}-{language}.ogg",
            scripts.suggestion(language, Situation(situation), settings),
        )
        slot = slots[language, situation]
        made[language, situation], _is_new = await versions.upload(database, settings, blobs, me, slot, new)
    for (language, situation), version in made.items():
        if language != "en":
            continue
        pair = made["es", situation]
        # The recordings come with the demo: nobody has to wait for the machine that listens to them.
        order = actions.Order(pair_version_id=pair.id, confirmed=rules.CONFIRMABLE)
        async with database.transaction() as session:
            await actions.publish(session, settings, me, version.id, order)
    return len(sounds.GREETINGS)
