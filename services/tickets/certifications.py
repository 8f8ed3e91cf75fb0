"""Language certifications: who passed which language test, before whom, and until when it counts."""

from collections.abc import Collection
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shared import audit, clock
from shared.database import ring
from shared.errors import Conflict, Invalid, NotFound
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import Certification, CertificationMode, Person, Role
from shared.people import PERMISSIONS, Actor, Permission, certification_is_valid
from shared.settings import Settings


class CertificationView(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int
    person_id: int
    language: str = Field(description="ISO 639-1.")
    mode: CertificationMode
    verified_by_id: int
    verified_by: str
    verified_on: date
    valid_until: date | None
    revoked_at: datetime | None
    valid: bool = Field(description="Counts today.")


def today(settings: Settings) -> date:
    """The date on the center's own wall."""
    return clock.now().astimezone(ZoneInfo(settings.timezone)).date()


async def certifications_of(
    session: AsyncSession, settings: Settings, people: Collection[int]
) -> dict[int, list[CertificationView]]:
    """Every certification of these people, the newest first; revoked and expired ones too."""
    statement = (
        select(Certification, Person.name)
        .join(Person, Person.id == Certification.verified_by_id)
        .where(Certification.person_id.in_(people))
        .order_by(Certification.verified_on.desc(), Certification.id.desc())
    )
    on = today(settings)
    found: dict[int, list[CertificationView]] = {}
    for row, verifier in await session.execute(statement):
        found.setdefault(row.person_id, []).append(_view(row, verifier, on))
    return found


def _view(row: Certification, verifier: str, on: date) -> CertificationView:
    return CertificationView(
        id=row.id,
        person_id=row.person_id,
        language=row.language,
        mode=row.mode,
        verified_by_id=row.verified_by_id,
        verified_by=verifier,
        verified_on=row.verified_on,
        valid_until=row.valid_until,
        revoked_at=row.revoked_at,
        valid=certification_is_valid(row.verified_on, row.valid_until, row.revoked_at is not None, on),
    )


async def certify(
    session: AsyncSession,
    settings: Settings,
    me: Actor,
    person_id: int,
    *,
    language: str,
    mode: CertificationMode,
    verified_on: date | None = None,
    valid_until: date | None = None,
    verified_by_id: int | None = None,
) -> CertificationView:
    """Writes down that a person passed a test. `verified_by_id`: before whom, when not before me."""
    me.require(Permission.CERTIFY)
    if language not in settings.languages:
        raise Invalid("The center does not answer in this language.", field="language")
    on = verified_on or today(settings)
    if on > today(settings):
        raise Invalid("A test cannot have been passed in the future.", field="verified_on")
    if valid_until is not None and valid_until < on:
        raise Invalid("It cannot end before it begins.", field="valid_until")
    person = await session.get(Person, person_id)
    if person is None:
        raise NotFound("There is no such person.")
    if person.role is Role.SERVICE or not person.active:
        raise Invalid("Only people who work here can be certified.", field="person_id")
    verifier = await session.get(Person, verified_by_id or me.id)
    if verifier is None or Permission.CERTIFY not in PERMISSIONS[verifier.role]:
        raise Invalid("The verifier must be somebody who may certify.", field="verified_by_id")
    if verifier.id == person.id:
        raise Invalid(
            "Nobody verifies themselves: another person must have heard or read them.", field="verified_by_id"
        )
    row = Certification(
        person_id=person.id,
        language=language,
        mode=mode,
        verified_by_id=verifier.id,
        verified_on=on,
        valid_until=valid_until,
    )
    session.add(row)
    await session.flush()
    audit.record(
        session, me.id, "certification.create", object_type="certification", object_id=row.id,
        detail={"person": person.id, "language": language, "mode": mode.value, "verified_by": verifier.id,
                "verified_on": on.isoformat(), "valid_until": valid_until.isoformat() if valid_until else None},
        ip=me.ip,
    )  # fmt: skip
    await _changed(session, person.id)
    return _view(row, verifier.name, today(settings))


async def revoke_certification(session: AsyncSession, me: Actor, certification_id: int) -> None:
    """It stops counting now. It stays on record."""
    me.require(Permission.CERTIFY)
    row = await session.get(Certification, certification_id, with_for_update=True)
    if row is None:
        raise NotFound("There is no such certification.")
    if row.revoked_at is not None:
        raise Conflict("This certification was revoked already.")
    row.revoked_at = clock.now()
    audit.record(
        session, me.id, "certification.revoke", object_type="certification", object_id=row.id,
        detail={"person": row.person_id, "language": row.language, "mode": row.mode.value}, ip=me.ip,
    )  # fmt: skip
    await _changed(session, row.person_id)


async def _changed(session: AsyncSession, person_id: int) -> None:
    await publish(session, Event("presence", person_id, people=(person_id,), what="certification"))
    ring(session, Job.ROUTE, 0)
