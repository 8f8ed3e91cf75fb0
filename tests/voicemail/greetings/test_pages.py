"""The page /greetings as a browser without JavaScript meets it, in both languages."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
import time_machine
from sqlalchemy import select

from services.voicemail.greetings import pages
from services.voicemail.greetings.publisher import publish_once
from shared.blobs import Blobs
from shared.database import Database
from shared.errors import Invalid
from shared.models import GreetingActivation, GreetingVersion, Role, Situation
from shared.settings import Settings
from tests.voicemail.greetings.conftest import ALONE, Desk, SignIn
from tests.voicemail.greetings.voice import silence, speech, wav

pytestmark = pytest.mark.usefixtures("always_open")
CSRF = {"csrf_token": "csrf"}
SENT = {**CSRF, "alone_because": ALONE}


def text(answer: httpx.Response) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


async def send(client: httpx.AsyncClient, slot: int, data: bytes, **fields: str) -> httpx.Response:
    return await client.post(
        f"/greetings/slots/{slot}/versions",
        files={"audio": ("greeting.wav", data, "audio/wav")},
        data={**CSRF, "trim_silence": "true", **fields},
    )


async def versions(database: Database) -> list[GreetingVersion]:
    async with database.transaction() as session:
        return list(await session.scalars(select(GreetingVersion).order_by(GreetingVersion.id)))


async def activations(database: Database) -> list[GreetingActivation]:
    async with database.transaction() as session:
        return list(await session.scalars(select(GreetingActivation).order_by(GreetingActivation.id)))


async def test_upload_listen_activate_and_see_it_live(
    sign_in: SignIn, desk: Desk, database: Database, settings: Settings, blobs: Blobs
) -> None:
    client = await sign_in(Role.CSR2, browser=True)
    first = await client.get("/greetings")
    assert first.status_code == 200
    assert "Nothing is active" in text(first)
    slot = await desk.slot("en", Situation.OPEN)
    sent = await send(client, slot, wav(), script="Call 9-1-1")
    (version,) = await versions(database)
    assert (sent.status_code, sent.headers["location"]) == (303, f"/greetings/slots/{slot}#version-{version.id}")
    page = await client.get(f"/greetings/slots/{slot}")
    assert "Version 1 is here. Listen to it, then publish it." in text(page)
    assert f'<audio controls preload="none" src="/api/v1/greetings/versions/{version.id}/audio">' in page.text
    assert "does not give the utility's number" in text(page)

    done = await client.post(f"/greetings/versions/{version.id}/activate", data={**SENT, "slot_id": str(slot)})
    assert (done.status_code, done.headers["location"]) == (303, f"/greetings/slots/{slot}")
    assert "Being published" in text(await client.get("/greetings"))
    await publish_once(database, settings, blobs)
    status = await client.get("/greetings/lines/main/status")
    assert "Live since" in text(status)
    assert "Nothing fits in Spanish, so callers hear English." in text(status)


async def test_a_failure_stands_on_the_page_with_what_is_still_heard(
    sign_in: SignIn, desk: Desk, database: Database, settings: Settings, blobs: Blobs, mailbox: Path
) -> None:
    client = await sign_in(Role.CSR2, browser=True)
    for pitch in (110, 150):
        version = await desk.record("en", Situation.OPEN, pitch)
        await client.post(f"/greetings/versions/{version.id}/activate", data={**SENT, "slot_id": str(version.slot_id)})
        await publish_once(database, settings, blobs)
        if pitch == 110:
            mailbox.parent.rename(mailbox.parent.parent / "unmounted")
    shown = text(await client.get("/greetings"))
    assert "Not live" in shown
    assert "Wanted: Open, English, version 2" in shown
    assert "It failed because: There is no folder" in shown
    assert "Last proven live: Open, English, version 1 (since" in shown


async def test_all_of_it_in_spanish(sign_in: SignIn, desk: Desk, database: Database) -> None:
    client = await sign_in(Role.CSR2, browser=True, language="es")
    slot = await desk.slot("es", Situation.EMERGENCY)
    index = text(await client.get("/greetings"))
    assert "Saludos" in index
    page = text(await client.get(f"/greetings/slots/{slot}"))
    assert "Guardar versión" in page
    refused = await send(client, slot, wav(silence(3)))
    assert refused.status_code == 400
    assert "silencio" in text(refused)
    for shown in (index, page):
        for english in ("Nobody hears", "Recorded greetings", "Read it aloud", "Save as", "What callers"):
            assert english not in shown


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [(b"no sound at all" * 99, 415, "decoded"), (wav(speech(0.3)), 400, "too short"), (b"", 400, "empty")],
    ids=["not audio", "short", "empty"],
)
async def test_a_refused_upload_says_why_where_it_was_made_and_keeps_the_script(
    sign_in: SignIn, desk: Desk, data: bytes, status: int, words: str
) -> None:
    client = await sign_in(Role.CSR2, browser=True)
    refused = await send(client, await desk.slot("en", Situation.OPEN), data, script="What I typed")
    assert refused.status_code == status
    assert words in text(refused)
    assert 'aria-invalid="true"' in refused.text
    assert "What I typed" in text(refused)


async def test_a_form_without_a_file_says_so(sign_in: SignIn, desk: Desk) -> None:
    client = await sign_in(Role.CSR2, browser=True)
    slot = await desk.slot("en", Situation.OPEN)
    for files in (None, {"audio": ("", b"", "application/octet-stream")}):
        answer = await client.post(f"/greetings/slots/{slot}/versions", data=CSRF, files=files)
        assert answer.status_code == 400
        assert "Choose a file or record a greeting first." in text(answer)


async def test_scheduling_means_the_clock_on_the_centers_wall(sign_in: SignIn, desk: Desk, database: Database) -> None:
    client = await sign_in(Role.CSR2, browser=True)
    version = await desk.record("en", Situation.HOLIDAY)
    slot = {"slot_id": str(version.slot_id)}
    year = datetime.now(UTC).year + 1
    path = f"/greetings/versions/{version.id}/activate"
    await client.post(path, data={**SENT, **slot, "starts_at": f"{year}-07-03T17:00", "ends_at": f"{year}-12-05T08:00"})
    (made,) = await activations(database)
    zone = ZoneInfo("America/Los_Angeles")
    assert made.starts_at == datetime(year, 7, 3, 17, tzinfo=zone)
    assert made.ends_at == datetime(year, 12, 5, 8, tzinfo=zone)
    page = text(await client.get(f"/greetings/slots/{version.slot_id}"))
    assert "Scheduled." in page
    await client.post(f"/greetings/activations/{made.id}/cancel", data={**CSRF, **slot})
    assert "Cancelled." in text(await client.get(f"/greetings/slots/{version.slot_id}"))
    for wrong, words in (
        ({"ends_at": "2020-01-01T00:00"}, "The end must be after the beginning"),
        ({"starts_at": "never"}, "This is not a date and a time."),
    ):
        refused = await client.post(path, data={**SENT, **slot, **wrong})
        assert refused.status_code == 400
        assert words in text(refused)
        assert ALONE in refused.text  # what was filled in is still there
    assert len(await activations(database)) == 1


def test_an_hour_that_clocks_skip_is_refused(settings: Settings) -> None:
    with pytest.raises(Invalid, match="skip"):
        pages.local_time("2027-03-14T02:30", settings, "starts_at")
    assert pages.local_time("2026-11-01T01:30", settings, "starts_at") == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
    assert pages.local_time(" ", settings, "starts_at") is None


async def test_who_may_only_listen_sees_no_forms_and_is_refused(
    sign_in: SignIn, desk: Desk, database: Database
) -> None:
    version = await desk.record("en", Situation.OPEN)
    client = await sign_in(Role.CSR1, browser=True)
    index = await client.get("/greetings")
    page = await client.get(f"/greetings/slots/{version.slot_id}")
    for shown in (index, page):
        assert shown.status_code == 200
        assert "<form" not in shown.text.split("<main", 1)[1]
    slot = {"slot_id": str(version.slot_id)}
    for path in (
        f"/greetings/versions/{version.id}/activate",
        f"/greetings/slots/{version.slot_id}/roll-back",
        "/greetings/activations/1/cancel",
    ):
        assert (await client.post(path, data={**CSRF, **slot})).status_code == 403
    assert (await send(client, version.slot_id, wav())).status_code == 403
    assert await activations(database) == []


async def test_a_form_of_another_site_is_refused(sign_in: SignIn, desk: Desk, database: Database) -> None:
    version = await desk.record("en", Situation.OPEN)
    client = await sign_in(Role.CSR2, browser=True)
    answer = await client.post(
        f"/greetings/versions/{version.id}/activate", data={"csrf_token": "guess", "slot_id": str(version.slot_id)}
    )
    assert answer.status_code == 403
    assert await activations(database) == []


async def test_an_emergency_in_one_language_is_pointed_out(sign_in: SignIn, desk: Desk) -> None:
    client = await sign_in(Role.CSR2, browser=True)
    version = await desk.record("en", Situation.EMERGENCY)
    end = datetime.now(ZoneInfo("America/Los_Angeles")) + timedelta(hours=2)
    await client.post(
        f"/greetings/versions/{version.id}/activate",
        data={**SENT, "slot_id": str(version.slot_id), "ends_at": end.strftime("%Y-%m-%dT%H:%M")},
    )
    shown = text(await client.get("/greetings"))
    assert "An emergency greeting is active." in shown
    assert "The emergency greeting is missing in this language: Spanish." in shown


async def test_the_calendar_of_what_comes_names_holidays(sign_in: SignIn, desk: Desk) -> None:
    client = await sign_in(Role.CSR1, browser=True)
    with time_machine.travel(datetime.now(UTC)):
        shown = text(await client.get("/greetings"))
    assert "What callers will hear in the next 14 days" in shown


async def test_an_id_that_does_not_exist_is_a_page_that_says_so(sign_in: SignIn) -> None:
    client = await sign_in(Role.CSR2, browser=True)
    for path in ("/greetings/slots/99999", "/greetings/lines/nobody/status"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert "<html" in answer.text


async def test_the_applications_own_address_leads_to_the_greetings(sign_in: SignIn) -> None:
    client = await sign_in(Role.CSR2, browser=True)
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/greetings")
