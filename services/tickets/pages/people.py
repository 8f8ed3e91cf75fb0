"""The staff and their language certifications."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets import certifications, people
from services.tickets.pages.common import Page, Screen
from services.tickets.views.presence import presences
from shared.errors import CentralitaError, Conflict, Forbidden, Invalid, NotFound
from shared.models import CertificationMode, Role
from shared.people import PERMISSIONS, Permission
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)


@router.get("/people")
async def show_all(screen: Page, settings: Cfg) -> Response:
    screen.me.require(Permission.PEOPLE_READ)
    return await screen.render(
        "people.html", people=await people.list_people(screen.session, settings), section="people"
    )


@router.get("/people/new")
async def new(screen: Page) -> Response:
    screen.me.require(Permission.PEOPLE_WRITE)
    return await screen.render("person_new.html", values={"role": "csr1", "capacity": "3"}, errors={}, section="people")


@router.post("/people/new")
async def create(
    screen: Page,
    name: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
    role: Annotated[Role, Form()] = Role.CSR1,
    password: Annotated[str, Form()] = "",
    capacity: Annotated[int, Form(ge=0, le=50)] = 3,
    ui_language: Annotated[str, Form()] = "en",
) -> Response:
    screen.me.require(Permission.PEOPLE_WRITE)
    try:
        person = await screen.attempt(
            people.create_person(
                screen.session, screen.me, email=email, name=name, role=role, password=password or None,
                ui_language=ui_language, capacity=capacity,
            )
        )  # fmt: skip
    except (Invalid, Conflict) as error:
        field = (error.field if isinstance(error, Invalid) else None) or "email"
        return await screen.render(
            "person_new.html",
            status_code=error.status,
            values={
                "name": name, "email": email, "role": role.value, "capacity": str(capacity), "ui_language": ui_language,
            },
            errors={field: screen.say(error.message, **error.values)},
            section="people",
        )  # fmt: skip
    return screen.see_other(f"/people/{person.id}", "success", screen.say("{name} is here now.", name=person.name))


@router.get("/people/{person_id}")
async def show(screen: Page, settings: Cfg, person_id: int) -> Response:
    return await _show(screen, settings, person_id)


async def _show(
    screen: Screen, settings: Cfg, person_id: int, errors: dict[str, str] | None = None, status_code: int = 200
) -> Response:
    screen.me.require(Permission.PEOPLE_READ)
    person = await people.get_person(screen.session, settings, person_id)
    verifiers = [
        (str(each.id), each.name)
        for each in await people.list_people(screen.session, settings, include_inactive=False)
        if Permission.CERTIFY in PERMISSIONS[each.role] and each.id != person_id
    ]
    return await screen.render(
        "person.html",
        status_code=status_code,
        person=person,
        verifiers=verifiers,
        state=(await presences(screen.session, [person_id]))[person_id],
        works=Permission.TICKET_WORK in PERMISSIONS[person.role],
        today=certifications.today(settings),
        errors=errors or {},
        section="people",
    )


@router.post("/people/{person_id}")
async def update(
    screen: Page,
    settings: Cfg,
    person_id: int,
    name: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
    role: Annotated[Role, Form()] = Role.CSR1,
    capacity: Annotated[int, Form(ge=0, le=50)] = 1,
    ui_language: Annotated[str, Form()] = "en",
) -> Response:
    try:
        await screen.attempt(
            people.update_person(
                screen.session, screen.me, person_id,
                name=name, email=email, role=role, capacity=capacity, ui_language=ui_language,
            )
        )  # fmt: skip
    except (Invalid, Conflict) as error:
        field = (error.field if isinstance(error, Invalid) else None) or "email"
        errors = {field: screen.say(error.message, **error.values)}
        return await _show(screen, settings, person_id, errors, error.status)
    return screen.see_other(f"/people/{person_id}", "success", screen.say("Saved."))


@router.post("/people/{person_id}/password")
async def set_password(screen: Page, settings: Cfg, person_id: int, password: Annotated[str, Form()] = "") -> Response:
    try:
        await screen.attempt(people.set_password(screen.session, screen.me, person_id, password))
    except (Forbidden, NotFound):
        raise
    except CentralitaError as error:
        errors = {"password": screen.say(error.message, **error.values)}
        return await _show(screen, settings, person_id, errors, error.status)
    return screen.see_other(f"/people/{person_id}", "success", screen.say("The password is set."))


@router.post("/people/{person_id}/active")
async def set_active(screen: Page, person_id: int, active: Annotated[bool, Form()] = False) -> Response:
    action = (
        people.reactivate_person(screen.session, screen.me, person_id)
        if active
        else people.deactivate_person(screen.session, screen.me, person_id)
    )
    return await screen.act(action, N_("Saved."), f"/people/{person_id}")


def _date(text: str, field: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Invalid("A date is needed.", field=field) from None


@router.post("/people/{person_id}/certifications")
async def certify(
    screen: Page,
    settings: Cfg,
    person_id: int,
    language: Annotated[str, Form()] = "es",
    mode: Annotated[CertificationMode, Form()] = CertificationMode.SPOKEN,
    verified_on: Annotated[str, Form()] = "",
    valid_until: Annotated[str, Form()] = "",
    verified_by_id: Annotated[str, Form()] = "",
) -> Response:
    screen.me.require(Permission.CERTIFY)
    try:
        await screen.attempt(
            certifications.certify(
                screen.session, settings, screen.me, person_id,
                language=language, mode=mode, verified_on=_date(verified_on, "verified_on"),
                valid_until=_date(valid_until, "valid_until"),
                verified_by_id=int(verified_by_id) if verified_by_id.isdecimal() else None,
            )
        )  # fmt: skip
    except (Invalid, Conflict) as error:
        field = (error.field if isinstance(error, Invalid) else None) or "language"
        errors = {field: screen.say(error.message, **error.values)}
        return await _show(screen, settings, person_id, errors, error.status)
    return screen.see_other(f"/people/{person_id}", "success", screen.say("The certification is written down."))


@router.post("/people/{person_id}/certifications/{certification_id}/revoke")
async def revoke(screen: Page, person_id: int, certification_id: int) -> Response:
    return await screen.act(
        certifications.revoke_certification(screen.session, screen.me, certification_id),
        N_("It no longer counts."),
        f"/people/{person_id}",
    )
