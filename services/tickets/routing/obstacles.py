"""Why somebody is offered nothing now, whatever the ticket: what a supervisor must know before forcing a state."""

from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.routing.staff import staff, today_at_the_center
from services.tickets.routing.terms import OFFERED_ROLES, PersonState, Policy
from shared import clock
from shared.models import Intent
from shared.settings import Settings


def in_the_way(person: PersonState, policy: Policy) -> list[str]:
    """Names of the rules that keep every ordinary ticket away, in the order in which they are explained."""
    left = person.shift_minutes_left
    failed = {
        "role": not person.active or person.role not in OFFERED_ROLES,
        "available": person.intent is not Intent.AVAILABLE,
        "live": not person.live,
        "responsive": person.unresponsive,
        "on_shift": not person.on_shift,
        "shift_end": left is not None and left <= policy.shift_end_minutes,
        "capacity": person.spare <= 0,
    }
    return [name for name, fails in failed.items() if fails]


async def obstacles(session: AsyncSession, settings: Settings, person_ids: list[int]) -> dict[int, list[str]]:
    """Of each of them, now."""
    people = await staff(
        session, clock.now(), today_at_the_center(settings), person_ids, zone=ZoneInfo(settings.timezone)
    )
    policy = Policy.of(settings)
    return {person.id: in_the_way(person, policy) for person in people}
