"""The store refuses wrong states, keeps its record, and finds words with and without accents."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.database import Database
from shared.models import AuditEvent, Base, SearchText, Ticket


async def a_ticket(database: Database) -> int:
    async with database.transaction() as session:
        ticket = Ticket(channel="email", reply_token="t", queued_at=text("now()"))
        session.add(ticket)
        await session.flush()
        return ticket.id


async def test_models_and_migrations_agree(database: Database) -> None:
    async with database.engine.connect() as connection:
        difference = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), Base.metadata)
        )
    assert difference == []


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_event SET action = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event"]
)
async def test_audit_log_is_append_only(database: Database, statement: str) -> None:
    async with database.transaction() as session:
        session.add(AuditEvent(action="ticket.view"))
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.transaction() as session:
            await session.execute(text(statement))


async def test_one_open_assignment_per_ticket(database: Database) -> None:
    ticket_id = await a_ticket(database)
    insert = text(
        "WITH p AS (INSERT INTO person (email, name, role) VALUES (:email, 'P', 'csr1') RETURNING id) "
        "INSERT INTO assignment (ticket_id, person_id, state, weight) SELECT :ticket, id, 'offered', 1 FROM p"
    )
    async with database.transaction() as session:
        await session.execute(insert, {"email": "a@example.org", "ticket": ticket_id})
    with pytest.raises(IntegrityError, match="uq_assignment_one_open"):
        async with database.transaction() as session:
            await session.execute(insert, {"email": "b@example.org", "ticket": ticket_id})


@pytest.mark.parametrize(
    ("language", "body", "query"),
    [
        ("es", "Tengo una duda de facturación", "facturacion"),
        ("es", "Tengo una duda de facturación", "facturación"),
        ("es", "Me llegó la factura", "facturas"),
        ("es", "Vivimos aquí dos años", "anos"),
        ("en", "Two bills arrived", "bill"),
        ("mixed", "Hola, my bills de la luz; facturación", "facturacion bill"),
        ("unknown", "facturación", "facturacion"),
    ],
)
async def test_search_stems_and_ignores_accents(database: Database, language: str, body: str, query: str) -> None:
    ticket_id = await a_ticket(database)
    async with database.transaction() as session:
        session.add(SearchText(ticket_id=ticket_id, source="ticket", source_id=ticket_id, language=language, body=body))
    async with database.transaction() as session:
        found = await session.scalar(
            text("SELECT count(*) FROM search_text WHERE vector @@ search_query(:q)"), {"q": query}
        )
    assert found == 1


async def test_rings_leave_only_after_the_commit(database: Database) -> None:
    from shared.database import ring
    from shared.jobs import Job

    rung: list[object] = []

    async def hear(rings: list[object]) -> None:
        rung.extend(rings)

    database.bell.ring = hear  # type: ignore[method-assign, assignment]
    with pytest.raises(ValueError, match="no"):
        async with database.transaction() as session:
            ring(session, Job.ROUTE, 1)
            raise ValueError("no")
    assert rung == []
    async with database.transaction() as session:
        ring(session, Job.ROUTE, 2)
        assert rung == []
    assert len(rung) == 1
