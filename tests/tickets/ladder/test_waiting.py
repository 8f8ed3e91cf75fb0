"""What keeps a ticket waiting: the rules of the router, asked of everybody, and what the clock brings."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.tickets.pages.wording_assignments import sentences
from services.tickets.routing import supervise
from services.tickets.routing.router import route_once
from services.tickets.routing.rules import OFFER_RULES, ROLE, Situation, refused_by
from services.tickets.routing.terms import Certificate, PersonState, Policy, TicketState
from services.tickets.routing.waiting import Answer, Change, Moments, keeps
from services.tickets.shift_plan import Duty
from services.tickets.views.assignments import assignments_view
from shared.calendar import MIDNIGHT, OpenTime, WeeklyHours
from shared.database import Database
from shared.models import AssignmentState, Channel, Intent, Level, Priority, Role
from shared.settings import Settings
from tests.tickets.ladder.test_steps import person
from tests.tickets.routing.conftest import Center

NOW = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
ALWAYS = OpenTime([WeeklyHours(day, MIDNIGHT, MIDNIGHT) for day in range(7)], [], "America/Los_Angeles")
SPANISH = frozenset({Certificate("es", "written")})
TICKET = TicketState(1, Channel.EMAIL, "es", Level.CSR1, Priority.NORMAL, waited=20, target=240)


def of(number: int, **values: Any) -> PersonState:
    return PersonState(number, Role.CSR1, certificates=SPANISH, **values)


def asked(ticket: TicketState, *people: PersonState, moments: Moments | None = None) -> Answer:
    situation = Situation(Policy(), reviewer_live=True, people={each.id: each for each in people})
    return keeps(ticket, people, situation, moments or Moments(), ALWAYS, NOW)


def rules(answer: Answer) -> dict[int, str | None]:
    return {each.person.id: each.rule for each in answer.could}


def test_those_who_may_never_answer_are_told_from_those_whom_something_keeps() -> None:
    people = (
        of(1, load=1), of(2, intent=Intent.BREAK, duty=Duty.BREAK), of(3, intent=Intent.BUSY), of(4, live=False),
        of(5, duty=Duty.OFF, shift_minutes_left=None, intent=Intent.OFFLINE), of(6, unresponsive=True), of(7),
        replace(of(8), certificates=frozenset()), of(9, shift_minutes_left=5),
        replace(of(10), role=Role.INTERN), replace(of(11), role=Role.MANAGER), of(12),
    )  # fmt: skip
    ticket = replace(TICKET, barred=frozenset({7}))
    moments = Moments(
        back_from_break={2: NOW + timedelta(minutes=15)},
        next_shift={5: NOW + timedelta(hours=20)},
        refused_at={7: NOW - timedelta(minutes=4)},
        offers_end={1: NOW + timedelta(minutes=30)},
    )
    answer = asked(ticket, *people, moments=moments)
    assert rules(answer) == {
        1: "capacity", 2: "break", 3: "busy", 4: "live", 5: "on_shift", 6: "responsive", 7: "barred", 9: "shift_end",
        12: None,
    }  # fmt: skip
    assert {rule: [each.id for each in people] for rule, people in answer.cannot.items()} == {
        "language": [8], "level": [10],
    }  # fmt: skip
    assert [each.person.id for each in answer.free] == [12]
    untils = {each.person.id: each.until for each in answer.could if each.until}
    assert untils[7] == NOW + timedelta(minutes=6)
    assert answer.next_change is not None
    assert (answer.next_change.change, answer.next_change.person.id) == (Change.MAY_BE_ASKED_AGAIN, 7)


def test_others_wait_for_whoever_knows_it_and_the_last_bilingual_is_spared() -> None:
    knows = of(1)
    ticket = replace(TICKET, previous_id=1, since_previous=10)
    answer = asked(ticket, knows, of(2))
    assert rules(answer) == {1: None, 2: "sticky"}
    assert answer.could[1].until == NOW + timedelta(minutes=20)  # an eighth of 240, less the ten that passed
    english = replace(TICKET, language="en")
    assert rules(asked(english, of(1))) == {1: "reserve"}
    assert asked(english, of(1)).could[0].until == NOW + timedelta(minutes=40)
    assert rules(asked(english, of(1), of(2))) == {1: None, 2: None}
    assert rules(asked(replace(english, waited=61), of(1))) == {1: None}


@given(
    st.lists(person, max_size=6, unique_by=lambda each: each.id),
    st.sampled_from(("en", "es", "unknown", "zh")),
    st.sampled_from(list(Level)),
)
def test_everybody_who_may_work_stands_in_the_answer_once_and_free_are_those_whom_no_rule_refuses(
    people: list[PersonState], language: str, level: Level
) -> None:
    ticket = replace(TICKET, language=language, level=level, waited=200)
    situation = Situation(Policy(), reviewer_live=True, people={each.id: each for each in people})
    answer = keeps(ticket, people, situation, Moments(), ALWAYS, NOW)
    told = [each.person.id for each in answer.could] + [each.id for group in answer.cannot.values() for each in group]
    assert sorted(told) == sorted(each.id for each in people if ROLE.allows(ticket, each, situation))
    free = {each.person.id for each in answer.free}
    assert free == {each.id for each in people if refused_by(OFFER_RULES, ticket, each, situation) is None}


async def test_each_assignment_says_in_both_languages_who_could_and_who_could_not(
    center: Center, database: Database, settings: Settings
) -> None:
    ana = await center.person(Role.CSR1, spanish=True, name="Ana", since=timedelta(minutes=50))
    await center.person(Role.CSR2, spanish=True, name="Luis")
    await center.person(Role.CSR1, name="Carla")
    await center.person(Role.CSR1, spanish=True, name="Eva", live=False)
    ticket_id = await center.ticket("es", waited=timedelta(minutes=130))
    assert await route_once(database, settings) == 1
    async with database.transaction() as session:
        (asked,) = await assignments_view(session, ticket_id)
    assert (asked.person.id, [each.person.name for each in asked.could]) == (ana.id, ["Ana", "Luis"])
    assert sentences("en", asked) == [
        "It was getting late: it had waited 2 hours of 4 hours.",
        "It needed somebody verified in Spanish (written).",
        f"Ana was asked; Luis (a less good choice, +{asked.could[1].behind:.1f}) could have been.",
        "Not asked: 1 is not at the screen (Eva).",
        "Not asked: 1 is not verified in the language (Carla).",
    ]
    assert "Empezaba a ser tarde: había esperado 2 horas de 4 horas." in sentences("es", asked)
    lead = await center.person(Role.SUPERVISOR, name="Sofía", intent=None)
    async with database.transaction() as session:
        await supervise.assign(session, settings, lead, [ticket_id], [lead.id], "mine", override=True)
    async with database.transaction() as session:
        given, offered = await assignments_view(session, ticket_id)
    assert sentences("en", given)[0] == "Sofía took it from the queue."
    assert offered.state is AssignmentState.WITHDRAWN
