"""The staff, their certifications, and the tokens of machines."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from services.tickets import capacity, certifications, people, tokens
from services.tickets.api.common import Body, Id, Number
from services.tickets.api.session import MadeToken, NewToken
from services.tickets.capacity import CapacityChange, CapacityView
from services.tickets.certifications import CertificationView
from services.tickets.people import PersonView
from shared.models import CertificationMode, Role
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["people"])

Name = Annotated[str, Field(min_length=1, max_length=200, examples=["Ana López"])]
Email = Annotated[str, Field(min_length=3, max_length=254, examples=["ana.lopez@center.example"])]
Capacity = Annotated[int, Field(ge=0, le=50, description="Open work at one time, in weight units.")]
Password = Annotated[str, Field(min_length=1, max_length=1000, description="At least 12 characters.")]


class NewPerson(Body):
    name: Name
    email: Email
    role: Role
    password: Password | None = None
    ui_language: Literal["en", "es"] = "en"
    capacity: Capacity = 1


class PersonChange(Body):
    """Only what is given changes."""

    name: Name | None = None
    email: Email | None = None
    role: Role | None = None
    ui_language: Literal["en", "es"] | None = None
    capacity: Capacity | None = None


class PasswordFor(Body):
    password: Password


class NewCertification(Body):
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$", examples=["es"])]
    mode: CertificationMode
    verified_on: date | None = Field(default=None, description="None: today.")
    valid_until: date | None = Field(default=None, description="None: without an end.")
    verified_by_id: Number | None = Field(default=None, description="None: me. Never the person themselves.")


@router.get("/people", summary="The staff")
async def list_people(session: Tx, settings: Cfg, me: Me, include_inactive: bool = False) -> list[PersonView]:
    me.require(Permission.PEOPLE_READ)
    return await people.list_people(session, settings, include_inactive=include_inactive)


@router.post("/people", status_code=201, summary="Add somebody")
async def create_person(session: Tx, settings: Cfg, me: Me, body: NewPerson) -> PersonView:
    """A `service` account is a machine: it has no password, and tokens instead."""
    person = await people.create_person(
        session,
        me,
        email=body.email,
        name=body.name,
        role=body.role,
        password=body.password,
        ui_language=body.ui_language,
        capacity=body.capacity,
    )
    return await people.get_person(session, settings, person.id)


@router.get("/people/{person_id}", summary="One person")
async def get_person(session: Tx, settings: Cfg, me: Me, person_id: Id) -> PersonView:
    """Oneself, or anybody for who may see the staff."""
    if person_id != me.id:
        me.require(Permission.PEOPLE_READ)
    return await people.get_person(session, settings, person_id)


@router.patch("/people/{person_id}", summary="Change a person")
async def update_person(session: Tx, settings: Cfg, me: Me, person_id: Id, body: PersonChange) -> PersonView:
    await people.update_person(session, me, person_id, **body.model_dump(exclude_unset=True))
    return await people.get_person(session, settings, person_id)


@router.put("/people/{person_id}/capacity", summary="Set how much somebody may hold at one time")
async def set_capacity(session: Tx, me: Me, person_id: Id, body: CapacityChange) -> CapacityView:
    """Counts at once. Who holds more keeps it, and is offered nothing new until there is room."""
    return await capacity.set_capacity(session, me, person_id, body.capacity)


@router.post("/people/{person_id}/deactivate", summary="Deactivate a person")
async def deactivate(session: Tx, settings: Cfg, me: Me, person_id: Id) -> PersonView:
    """Sessions and tokens end at once; open tickets go back to the queue."""
    await people.deactivate_person(session, me, person_id)
    return await people.get_person(session, settings, person_id)


@router.post("/people/{person_id}/reactivate", summary="Reactivate a person")
async def reactivate(session: Tx, settings: Cfg, me: Me, person_id: Id) -> PersonView:
    await people.reactivate_person(session, me, person_id)
    return await people.get_person(session, settings, person_id)


@router.put("/people/{person_id}/password", status_code=204, summary="Set somebody's password")
async def set_password(session: Tx, me: Me, person_id: Id, body: PasswordFor) -> None:
    """Signs the person out everywhere. One's own password is changed at `/api/v1/me/password`."""
    await people.set_password(session, me, person_id, body.password)


@router.post("/people/{person_id}/certifications", status_code=201, summary="Certify a language")
async def certify(session: Tx, settings: Cfg, me: Me, person_id: Id, body: NewCertification) -> CertificationView:
    """That a person passed a language test, spoken or written, before somebody else."""
    return await certifications.certify(
        session,
        settings,
        me,
        person_id,
        language=body.language,
        mode=body.mode,
        verified_on=body.verified_on,
        valid_until=body.valid_until,
        verified_by_id=body.verified_by_id,
    )


@router.post("/certifications/{certification_id}/revoke", status_code=204, summary="Revoke a certification")
async def revoke(session: Tx, me: Me, certification_id: Id) -> None:
    await certifications.revoke_certification(session, me, certification_id)


@router.get("/people/{person_id}/tokens", summary="Somebody's access tokens")
async def list_tokens(session: Tx, me: Me, person_id: Id) -> list[tokens.TokenView]:
    return await tokens.list_tokens(session, me, person_id)


@router.post("/people/{person_id}/tokens", status_code=201, summary="Make a token for a machine")
async def make_token(session: Tx, me: Me, person_id: Id, body: NewToken) -> MadeToken:
    """For accounts of the role `service`. The token is in this answer and never again."""
    facts, secret = await tokens.create_token(
        session, me, name=body.name, scopes=body.scopes, days=body.days, person_id=person_id
    )
    return MadeToken(token=secret, facts=facts)
