"""The first person: an administrator, made where somebody has a shell on the machine."""

from services.tickets.people import insert_person
from shared import audit
from shared.database import Database
from shared.models import Role


async def add_person(
    database: Database,
    *,
    email: str,
    name: str,
    role: Role = Role.ADMINISTRATOR,
    password: str | None = None,
    ui_language: str = "en",
    capacity: int = 1,
) -> int:
    """The new person's id. Raises Invalid for a weak password or a bad address, Conflict for a known one."""
    async with database.transaction() as session:
        person = await insert_person(
            session, email=email, name=name, role=role, password=password, ui_language=ui_language, capacity=capacity
        )
        audit.record(
            session, None, "person.create", object_type="person", object_id=person.id,
            detail={"role": role.value, "email": person.email, "by": "command line"},
        )  # fmt: skip
        return person.id
