"""A long queue: a pass reads what it can place, whatever else waits."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from services.tickets.pages.wording_waiting import Speaker
from services.tickets.routing import repository
from services.tickets.routing.kinds import Kind, for_anybody
from services.tickets.routing.router import route_once
from services.tickets.routing.rules import Situation
from services.tickets.routing.staff import today_at_the_center
from services.tickets.routing.terms import Certificate, PersonState, Policy
from services.tickets.views.waiting import waiting_view
from shared import clock
from shared.calendar import load_open_time
from shared.database import Database
from shared.models import AssignmentState, Channel, Level, Priority, Role
from shared.settings import Settings
from tests.tickets.routing.conftest import Center

BACKLOG = text("""
INSERT INTO ticket (channel, language, level, priority, reply_token, queued_at, due_at, due_kind)
SELECT CASE WHEN n % 5 = 0 THEN 'voicemail' ELSE 'email' END, (ARRAY['es', 'en'])[1 + n % 2],
       (ARRAY['intern', 'csr1', 'csr2'])[1 + n / 2 % 3], 'normal', 'backlog-' || n, now() - make_interval(mins => n),
       now() - make_interval(mins => n) + interval '4 hours',
       'first_response'
FROM generate_series(1, 1500) AS n
""")
SPANISH = frozenset({Certificate("es", "written"), Certificate("es", "spoken")})


def kind(language: str, level: Level = Level.CSR1, priority: Priority = Priority.NORMAL) -> Kind:
    return Kind(language, level, Channel.EMAIL, priority)


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (PersonState(1, Role.CSR1), {"en"}),
        (PersonState(1, Role.CSR2), {"en", "en2"}),
        (PersonState(1, Role.CSR1, certificates=SPANISH), {"en", "es", "unknown", "gas"}),
        (PersonState(1, Role.CSR1, certificates=SPANISH, load=1), {"gas"}),
        (PersonState(1, Role.CSR1, certificates=SPANISH, shift_minutes_left=5.0), {"gas"}),
        (PersonState(1, Role.CSR1, certificates=SPANISH, live=False), set()),
        (PersonState(1, Role.INTERN), set()),
        (PersonState(1, Role.MANAGER), set()),
    ],
)
def test_what_nobody_who_is_free_may_take_is_not_read(person: PersonState, expected: set[str]) -> None:
    kinds = {
        "en": kind("en"),
        "en2": kind("en", Level.CSR2),
        "es": kind("es"),
        "unknown": kind("unknown"),
        "gas": kind("es", priority=Priority.EMERGENCY),
    }
    found = for_anybody(kinds.values(), [person], Situation(Policy()))
    assert {name for name, each in kinds.items() if each in found} == expected


async def reading(database: Database, settings: Settings, depth: int = 1) -> repository.Reading:
    async with database.transaction() as session:
        open_time = await load_open_time(session, settings)
        return await repository.snapshot(
            session, Policy(), open_time, clock.now(), today_at_the_center(settings), depth=depth
        )


async def test_a_pass_reads_the_most_urgent_of_each_kind(
    center: Center, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await center.person(Role.CSR2)
    await center.person(spanish=True)
    async with database.transaction() as session:
        await session.execute(BACKLOG)
        await session.execute(text("ANALYZE ticket"))
    monkeypatch.setattr(repository, "MARGIN", 1)
    found = (await reading(database, settings)).view.tickets
    assert {(ticket.language, ticket.level) for ticket in found} == {
        ("en", Level.INTERN), ("en", Level.CSR1), ("en", Level.CSR2), ("es", Level.INTERN), ("es", Level.CSR1),
    }  # fmt: skip
    # Two people and one to spare, of five kinds in two channels: the oldest, and the oldest that are not late.
    late = [ticket.waited for ticket in found if ticket.late(Policy())]
    in_time = [ticket.waited for ticket in found if not ticket.late(Policy())]
    assert len(late) == len(in_time) == 3 * 10
    assert min(late) > 1400
    assert 100 < min(in_time) <= max(in_time) < 240
    deep = (await reading(database, settings, depth=8)).view.tickets
    assert sum(ticket.late(Policy()) for ticket in deep) == 8 * 3 * 10
    monkeypatch.setattr(repository, "PAIRS", 40)  # a plan that costs less reads fewer
    assert len((await reading(database, settings)).view.tickets) == 2 * 10
    async with database.transaction() as session:
        plan = await session.scalars(text(f"EXPLAIN {repository.KINDS.element}"))
        assert "ix_ticket_queued" in "\n".join(plan)


async def test_what_keeps_late_work_waiting_is_said_and_until_when(
    center: Center, database: Database, settings: Settings
) -> None:
    lead = await center.person(Role.SUPERVISOR, intent=None)
    late = await center.ticket(waited=timedelta(hours=5))
    overdue = await center.ticket(waited=timedelta(hours=8))
    async with database.transaction() as session:
        view = await waiting_view(session, settings, lead, late)
        assert view.first_from is not None
        assert view.first_from - clock.now() == pytest.approx(timedelta(hours=3), abs=timedelta(minutes=1))
        said = " ".join(Speaker("en", settings.timezone).sentences(view))
        assert "It is late. What can still be answered in time goes first until" in said
        closed = view.model_copy(update={"opens_at": view.first_from})
        spanish = Speaker("es", settings.timezone).sentences(closed)
        [doors] = [each for each in spanish if each.startswith("Está cerrado")]
        assert doors.endswith(".m.")  # «9:00 a.m.» has the full stop of the sentence
        assert not doors.endswith("..")
        assert (await waiting_view(session, settings, lead, overdue)).first_from is None


async def test_tickets_that_may_not_go_to_who_is_free_hide_no_others(
    center: Center, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    csr = await center.person()
    for _ in range(5):
        refused = await center.ticket(waited=timedelta(hours=3))
        async with database.transaction() as session:
            await session.execute(
                text(
                    "INSERT INTO assignment (ticket_id, person_id, state, weight, offered_at, ended_at)"
                    " VALUES (:ticket, :person, :state, 1, now(), now())"
                ),
                {"ticket": refused, "person": csr.id, "state": AssignmentState.DECLINED.value},
            )
    behind = await center.ticket()
    monkeypatch.setattr(repository, "MARGIN", 1)
    assert (await reading(database, settings)).more
    assert await route_once(database, settings) == 1
    assert await center.holder(behind) == csr.id
