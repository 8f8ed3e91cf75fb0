"""A person corrects what the machine heard: versions beside the raw text, which never changes."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from shared.database import Database
from shared.models import AuditEvent, Entry, EntryKind, Role, SearchText, Ticket, Transcript
from shared.settings import Settings
from tests.tickets.api.conftest import Users
from tests.tickets.intake.conftest import Center

HEARD = "Hello my build is too high."


@pytest.fixture
async def center(database: Database, settings: Settings) -> Center:
    center = Center(database, settings)
    await center.open()
    return center


async def a_voicemail(center: Center) -> tuple[str, Ticket]:
    """The path of its transcript."""
    seen = await center.call(HEARD, "en", caller_id="+17075550199")
    return f"/api/v1/tickets/{seen.ticket.id}/recordings/{seen.row.recording_id}", seen.ticket


async def test_a_correction_is_a_version_and_the_raw_text_stays(
    center: Center, database: Database, user: Users
) -> None:
    path, ticket = await a_voicemail(center)
    csr = await user(Role.CSR1)
    first = await csr.http.post(f"{path}/corrections", json={"text": "Hello, my bill is too high. ", "based_on": 0})
    assert first.status_code == 201, first.text
    again = await csr.http.post(f"{path}/corrections", json={"text": "Hello, my bill is too high."})
    assert again.json()["version"] == first.json()["version"] == 1  # the same again is no new version
    late = await csr.http.post(f"{path}/corrections", json={"text": "Something else.", "based_on": 0})
    assert late.status_code == 409
    second = await csr.http.post(
        f"{path}/corrections", json={"text": "Hola, mi factura es muy alta.", "language": "es"}
    )
    assert second.json()["version"] == 2
    seen = (await csr.http.get(f"{path}/transcript")).json()
    assert seen["text"] == HEARD
    assert [(each["version"], each["by"]["name"]) for each in seen["corrections"]] == [
        (2, csr.person.name), (1, csr.person.name)
    ]  # fmt: skip
    async with database.transaction() as session:
        after = await session.get_one(Ticket, ticket.id, populate_existing=True)
        assert (after.language, after.language_source.value) == ("es", "correction")
        assert after.rev > ticket.rev  # routed again
        assert (await session.scalars(select(Transcript.text))).all() == [HEARD]
        body = await session.scalar(select(SearchText.body).where(SearchText.source == "recording"))
        assert "factura" in (body or "")
        audited = await session.scalars(select(AuditEvent).where(AuditEvent.action == "transcript.correct"))
        assert [event.detail["version"] for event in audited] == [1, 2]
        entries = await session.scalars(select(Entry).where(Entry.kind == EntryKind.TRANSCRIPT_CORRECTED))
        assert [entry.detail["version"] for entry in entries] == [1, 2]
    for statement in ("UPDATE transcript_correction SET text = ''", "DELETE FROM transcript_correction"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with database.transaction() as session:
                await session.execute(text(statement))


async def test_what_cannot_be_corrected_says_why(center: Center, database: Database, user: Users) -> None:
    path, ticket = await a_voicemail(center)
    csr = await user(Role.CSR1)
    other = await center.call(None)
    elsewhere = f"/api/v1/tickets/{ticket.id}/recordings/{other.row.recording_id}/corrections"
    assert (await csr.http.post(elsewhere, json={"text": "x"})).status_code == 404
    unheard = f"/api/v1/tickets/{other.ticket.id}/recordings/{other.row.recording_id}"
    assert (await csr.http.post(f"{unheard}/corrections", json={"text": "x"})).status_code == 409
    assert (await csr.http.get(f"{unheard}/transcript")).status_code == 404
    assert (await csr.http.post(f"{path}/corrections", json={"text": "x" * 20_001})).status_code == 422


async def test_it_is_corrected_on_the_page_without_javascript(center: Center, database: Database, user: Users) -> None:
    path, ticket = await a_voicemail(center)
    csr = await user(Role.CSR1, language="es")
    page = f"/tickets/{ticket.id}"
    assert "Corregir la transcripción" in (await csr.http.get(page)).text
    form = f"{path.removeprefix('/api/v1')}/correction"
    token = csr.http.headers["X-CSRF-Token"]
    done = await csr.http.post(form, data={"csrf_token": token, "text": "My bill is too high.", "language": ""})
    assert done.status_code == 303
    shown = (await csr.http.get(page)).text
    assert f"Corregida por {csr.person.name}" in shown
    assert "My bill is too high." in shown
    assert HEARD in shown  # one click away, under «All versions»
