"""Five hundred people and a queue of fifty thousand tickets, and the questions whose answer must be none."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from shared.database import Database
from shared.models import Role
from shared.people import Actor

# Of every fifty people: role, whether verified in Spanish, how many.
CREW = (
    (Role.INTERN, False, 4),
    (Role.CSR1, False, 22),
    (Role.CSR2, False, 9),
    (Role.CSR1, True, 10),
    (Role.CSR2, True, 5),
)
# The backlog is for those who speak Spanish and for CSR II: the others have time, so that what arrives for them is
# offered at once or not at all.
_BACKLOG = """
INSERT INTO ticket (channel, language, level, priority, subject, reply_token, queued_at, due_at, due_kind)
SELECT CASE WHEN n % 3 = 0 THEN 'voicemail' ELSE 'email' END,
       language,
       CASE WHEN language = 'en' THEN 'csr2' ELSE (ARRAY['intern', 'csr1', 'csr1', 'csr2'])[1 + n % 4] END,
       (ARRAY['normal', 'normal', 'normal', 'low', 'high'])[1 + n % 5],
       'Backlog ' || n, 'backlog-' || n, queued_at, queued_at + interval '4 hours',
       'first_response'
FROM generate_series(1, :count) AS n
CROSS JOIN LATERAL (
    SELECT (ARRAY['es', 'es', 'en', 'en', 'es', 'en', 'mixed', 'unknown'])[1 + n / 7 % 8]) AS l(language)
CROSS JOIN LATERAL (SELECT now() - make_interval(secs => (n::bigint * 7919 % 400000)::float)) AS q(queued_at)
"""
_PEOPLE = """
WITH new AS (
    INSERT INTO person (email, name, role, capacity)
    SELECT 'scale' || :first + n || '@valleluz.example', 'Person ' || :first + n, :role, 1
    FROM generate_series(1, :count) AS n RETURNING id
), there AS (
    INSERT INTO presence (person_id, intent) SELECT id, 'available' FROM new
), tabs AS (
    INSERT INTO presence_lease (person_id, tab_id, expires_at) SELECT id, 'bench', now() + interval '3 hours' FROM new
), verified AS (
    INSERT INTO certification (person_id, language, mode, verified_by_id, verified_on)
    SELECT new.id, 'es', mode, :lead, date '2026-01-05' FROM new CROSS JOIN unnest(ARRAY['spoken', 'written']) AS mode
    WHERE :spanish
) SELECT id FROM new ORDER BY id
"""
OVER_CAPACITY = """
SELECT count(*) FROM (
    SELECT FROM person
    JOIN assignment ON assignment.person_id = person.id AND assignment.state IN ('offered', 'accepted')
    JOIN ticket ON ticket.id = assignment.ticket_id AND ticket.state <> 'waiting' AND ticket.priority <> 'emergency'
    GROUP BY person.id, person.capacity HAVING sum(assignment.weight) > person.capacity
) AS over
"""
TWICE = (
    "SELECT count(*) FROM (SELECT FROM assignment WHERE state = 'done' GROUP BY ticket_id HAVING count(*) > 1) AS twice"
)
# The timeline's lines of offers stand in the transaction that makes them, as an outbox would.
UNTOLD = """
SELECT abs((SELECT count(*) FROM assignment) - (SELECT count(*) FROM entry WHERE kind = 'offered'))
     + (SELECT count(*) FROM assignment WHERE NOT EXISTS (
           SELECT FROM entry WHERE entry.ticket_id = assignment.ticket_id AND entry.kind = 'offered'
             AND (entry.detail ->> 'assignment_id')::bigint = assignment.id))
"""
WRONG_LANGUAGE = """
SELECT count(*) FROM assignment JOIN ticket ON ticket.id = assignment.ticket_id
WHERE ticket.language IN ('es', 'mixed', 'unknown') AND NOT EXISTS (
    SELECT FROM certification WHERE certification.person_id = assignment.person_id AND certification.language = 'es')
"""


@dataclass(frozen=True)
class Member:
    """Of the crew; `busy`: the backlog has work for them for hours."""

    actor: Actor
    busy: bool


async def furnish(database: Database, people: int, tickets: int) -> list[Member]:
    """Hire, queue, and let the planner of the database know what is there."""
    crew: list[Member] = []
    async with database.transaction() as session:
        lead = await session.scalar(
            text(
                "INSERT INTO person (email, name, role)"
                " VALUES ('lead@valleluz.example', 'Lead', 'manager') RETURNING id"
            )
        )
        for role, spanish, share in CREW:
            values = {"first": len(crew), "count": share * people // 50, "role": role.value}
            ids = await session.scalars(text(_PEOPLE), {**values, "lead": lead, "spanish": spanish})
            crew += [
                Member(Actor(id_, f"Person {id_}", f"{id_}@valleluz.example", role), spanish or role is Role.CSR2)
                for id_ in ids
            ]
        await session.execute(text(_BACKLOG), {"count": tickets})
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE"))
    return crew


async def count(database: Database, question: str) -> int:
    async with database.transaction() as session:
        return int(await session.scalar(text(question)) or 0)


async def close_backlog(database: Database, but: int) -> None:
    """Close what is queued except for so many tickets, as if other days had passed."""
    async with database.transaction() as session:
        await session.execute(
            text(
                "UPDATE ticket SET state = 'closed', closed_at = now(), rev = rev + 1 WHERE state = 'queued'"
                " AND id NOT IN (SELECT id FROM ticket WHERE state = 'queued' ORDER BY id LIMIT :but)"
            ),
            {"but": but},
        )


async def open_tickets(database: Database) -> int:
    return await count(database, "SELECT count(*) FROM ticket WHERE state <> 'closed'")


def everybody(crew: Sequence[Member]) -> dict[int, Member]:
    return {member.actor.id: member for member in crew}
