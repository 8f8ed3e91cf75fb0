"""How much somebody may hold at one time: set by who leads the shift, in bounds, with what follows from it at once."""

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.locks import lock_people
from services.tickets.views.presence import loads
from shared import audit
from shared.database import ring
from shared.errors import Invalid, NotFound
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import Person
from shared.people import PERMISSIONS, Actor, Permission

MOST = 50  # also a check of the store


class CapacityView(BaseModel):
    """In weight units: an ordinary ticket weighs one, what waits on its customer nothing."""

    model_config = ConfigDict(frozen=True)

    person_id: int
    name: str
    capacity: int
    load: int

    @property
    def room(self) -> int:
        return self.capacity - self.load


class CapacityChange(BaseModel):
    capacity: int = Field(ge=0, le=MOST, description="Open work at one time, in weight units. 0: is offered nothing.")


async def set_capacity(session: AsyncSession, me: Actor, person_id: int, capacity: int) -> CapacityView:
    """Takes nothing away from who holds more; new work is offered while there is room."""
    me.require(Permission.CAPACITY_WRITE)
    if not 0 <= capacity <= MOST:
        raise Invalid("Choose a number from 0 to {most}.", field="capacity", most=MOST)
    await lock_people(session, [person_id])
    person = await session.get(Person, person_id, populate_existing=True)
    if person is None or not person.active or Permission.TICKET_WORK not in PERMISSIONS[person.role]:
        raise NotFound("There is no such person.")
    if person.capacity != capacity:
        audit.record(
            session, me.id, "person.change", object_type="person", object_id=person_id,
            detail={"capacity": [str(person.capacity), str(capacity)]}, ip=me.ip,
        )  # fmt: skip
        person.capacity = capacity
        await publish(session, Event("presence", person_id, (person_id,), "person"))
        ring(session, Job.ROUTE, 0)
    load = (await loads(session, [person_id]))[person_id]
    return CapacityView(person_id=person_id, name=person.name, capacity=capacity, load=load)
