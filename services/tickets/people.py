"""The staff: who works here, in which role, and who may change that."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import passwords
from services.tickets.certifications import CertificationView, certifications_of
from shared import audit, clock
from shared.database import ring
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import AccessToken, Intent, Person, Presence, PresenceLease, Role
from shared.people import Actor, Permission
from shared.settings import Settings
from shared.web import auth


class PersonView(BaseModel):
    """A member of the staff, or a machine's account."""

    model_config = ConfigDict(frozen=True)

    id: int
    name: str
    email: str
    role: Role
    active: bool
    ui_language: str
    capacity: int
    has_password: bool
    created_at: datetime
    certifications: list[CertificationView]


async def list_people(session: AsyncSession, settings: Settings, *, include_inactive: bool = True) -> list[PersonView]:
    statement = select(Person).order_by(Person.active.desc(), Person.name, Person.id)
    if not include_inactive:
        statement = statement.where(Person.active)
    return await _views(session, settings, list(await session.scalars(statement)))


async def get_person(session: AsyncSession, settings: Settings, person_id: int) -> PersonView:
    person = await session.get(Person, person_id)
    if person is None:
        raise NotFound("There is no such person.")
    return (await _views(session, settings, [person]))[0]


async def _views(session: AsyncSession, settings: Settings, people: Sequence[Person]) -> list[PersonView]:
    certifications = await certifications_of(session, settings, [person.id for person in people])
    return [
        PersonView(
            id=person.id,
            name=person.name,
            email=person.email,
            role=person.role,
            active=person.active,
            ui_language=person.ui_language,
            capacity=person.capacity,
            has_password=person.password_hash is not None,
            created_at=person.created_at,
            certifications=certifications.get(person.id, []),
        )
        for person in people
    ]


def clean_email(email: str) -> str:
    """In lower case. Raises Invalid for what cannot be an address."""
    address = email.strip().lower()
    local, at, domain = address.partition("@")
    if not (local and at and domain) or "@" in domain or any(c.isspace() for c in address) or len(address) > 254:
        raise Invalid("This is not an email address.", field="email")
    return address


def clean_name(name: str) -> str:
    plain = " ".join(name.split())
    if not plain:
        raise Invalid("A name is needed.", field="name")
    return plain


async def create_person(
    session: AsyncSession,
    me: Actor,
    *,
    email: str,
    name: str,
    role: Role,
    password: str | None = None,
    ui_language: str = "en",
    capacity: int = 1,
) -> Person:
    """Without a password (and for machines) nobody can sign in as this person yet."""
    me.require(Permission.PEOPLE_WRITE)
    _may_give(me, role)
    person = await insert_person(
        session, email=email, name=name, role=role, password=password, ui_language=ui_language, capacity=capacity
    )
    audit.record(
        session, me.id, "person.create", object_type="person", object_id=person.id,
        detail={"role": role.value, "email": person.email}, ip=me.ip,
    )  # fmt: skip
    return person


async def insert_person(
    session: AsyncSession,
    *,
    email: str,
    name: str,
    role: Role,
    password: str | None = None,
    ui_language: str = "en",
    capacity: int = 1,
) -> Person:
    """The row alone: for `create_person` and for the first administrator. Raises Conflict for a known address."""
    address = clean_email(email)
    if role is Role.SERVICE and password:
        raise Invalid("A machine signs in with a token, not with a password.", field="password")
    if password:
        passwords.check_strength(password, address)
    person = Person(
        email=address,
        name=clean_name(name),
        role=role,
        password_hash=await passwords.hashed(password) if password else None,
        ui_language=ui_language,
        capacity=0 if role is Role.SERVICE else capacity,
    )
    try:
        async with session.begin_nested():
            session.add(person)
    except IntegrityError:
        raise Conflict("Somebody with the address {email} is here already.", email=address) from None
    return person


async def update_person(
    session: AsyncSession,
    me: Actor,
    person_id: int,
    *,
    name: str | None = None,
    email: str | None = None,
    role: Role | None = None,
    ui_language: str | None = None,
    capacity: int | None = None,
) -> Person:
    """Changes what is given. A new role counts from the person's next request."""
    me.require(Permission.PEOPLE_WRITE)
    person = await _lock(session, me, person_id)
    changes: dict[str, object] = {}

    def change(field: str, value: object) -> None:
        if value is not None and value != getattr(person, field):
            changes[field] = [getattr(person, field), value]
            setattr(person, field, value)

    if role is not None and role is not person.role:
        if person.id == me.id:
            raise Forbidden("Nobody changes their own role: ask another manager or administrator.")
        if Role.SERVICE in (role, person.role):
            raise Invalid("People do not become machines, nor machines people: make another account.", field="role")
        _may_give(me, role)
    change("role", role)
    change("name", clean_name(name) if name is not None else None)
    change("email", clean_email(email) if email is not None else None)
    change("ui_language", ui_language)
    change("capacity", capacity)
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError:
        raise Conflict("Somebody with the address {email} is here already.", email=str(email)) from None
    if changes:
        audit.record(
            session, me.id, "person.change", object_type="person", object_id=person.id,
            detail={field: [str(part) for part in pair] for field, pair in changes.items() if isinstance(pair, list)},
            ip=me.ip,
        )  # fmt: skip
        await _changed(session, person.id)
    return person


async def deactivate_person(session: AsyncSession, me: Actor, person_id: int) -> Person:
    """Ends sessions and tokens at once. Open work goes back to the queue: routing sees to it when it is rung."""
    me.require(Permission.PEOPLE_WRITE)
    person = await _lock(session, me, person_id)
    if person.id == me.id:
        raise Forbidden("Nobody deactivates themselves: ask another manager or administrator.")
    if not person.active:
        return person
    person.active = False
    now = clock.now()
    await auth.end_sessions_of(session, person.id)
    await session.execute(
        update(AccessToken)
        .where(AccessToken.person_id == person.id, AccessToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    await session.execute(
        update(Presence).where(Presence.person_id == person.id).values(intent=Intent.OFFLINE, since=now)
    )
    await session.execute(update(PresenceLease).where(PresenceLease.person_id == person.id).values(expires_at=now))
    audit.record(session, me.id, "person.deactivate", object_type="person", object_id=person.id, ip=me.ip)
    await _changed(session, person.id)
    return person


async def reactivate_person(session: AsyncSession, me: Actor, person_id: int) -> Person:
    me.require(Permission.PEOPLE_WRITE)
    person = await _lock(session, me, person_id)
    if not person.active:
        person.active = True
        audit.record(session, me.id, "person.reactivate", object_type="person", object_id=person.id, ip=me.ip)
        await _changed(session, person.id)
    return person


async def set_password(session: AsyncSession, me: Actor, person_id: int, password: str) -> None:
    """By who manages people, for somebody else: signs that person out everywhere."""
    me.require(Permission.PEOPLE_WRITE)
    person = await _lock(session, me, person_id)
    if person.id == me.id:
        raise Forbidden("Change your own password in your account, where your present one is asked for.")
    await _store_password(session, person, password)
    audit.record(session, me.id, "person.set_password", object_type="person", object_id=person.id, ip=me.ip)


async def change_own_password(session: AsyncSession, me: Actor, *, current: str, new: str) -> None:
    """Signs out every browser: the caller opens a new session for this one."""
    if me.scopes is not None:
        raise Forbidden("A token cannot change a password.")
    person = await session.get_one(Person, me.id, with_for_update={"key_share": True})
    right, _ = await passwords.verify(current, person.password_hash)
    if not right:
        raise Invalid("This is not your present password.", field="current")
    await _store_password(session, person, new)
    audit.record(session, me.id, "person.change_password", object_type="person", object_id=me.id, ip=me.ip)


async def set_ui_language(session: AsyncSession, me: Actor, language: str) -> None:
    if language not in ("en", "es"):
        raise Invalid("Choose English or Spanish.", field="ui_language")
    await session.execute(update(Person).where(Person.id == me.id).values(ui_language=language))


async def _store_password(session: AsyncSession, person: Person, password: str) -> None:
    if person.role is Role.SERVICE:
        raise Invalid("A machine signs in with a token, not with a password.", field="password")
    passwords.check_strength(password, person.email)
    person.password_hash = await passwords.hashed(password)
    await auth.end_sessions_of(session, person.id)


def _may_give(me: Actor, role: Role) -> None:
    if role is Role.ADMINISTRATOR and me.role is not Role.ADMINISTRATOR:
        raise Forbidden("Only an administrator makes administrators.")


async def _lock(session: AsyncSession, me: Actor, person_id: int) -> Person:
    """The person, locked. Administrators are changed by administrators only; since nobody demotes or deactivates
    themselves and two who try it on each other wait in line here, one always stays."""
    wanted = Person.id == person_id
    if me.role is Role.ADMINISTRATOR:
        wanted = or_(wanted, Person.role == Role.ADMINISTRATOR)
    # By id, like everybody who locks people.
    await session.execute(select(Person.id).where(wanted).order_by(Person.id).with_for_update(key_share=True))
    if me.role is Role.ADMINISTRATOR:
        myself = await session.get(Person, me.id, populate_existing=True)
        if myself is None or not myself.active or myself.role is not Role.ADMINISTRATOR:
            raise Forbidden("Only an administrator may do this.")
    person = await session.get(Person, person_id, populate_existing=True)
    if person is None:
        raise NotFound("There is no such person.")
    if person.role is Role.ADMINISTRATOR and me.role is not Role.ADMINISTRATOR:
        raise Forbidden("Only an administrator may change an administrator.")
    return person


async def _changed(session: AsyncSession, person_id: int) -> None:
    """Who is here and what they may take has changed: boards show it and routing looks again."""
    await publish(session, Event("presence", person_id, people=(person_id,), what="person"))
    ring(session, Job.ROUTE, 0)
