"""What callers had heard stands on their voicemail, and a greeting changed behind our back stands on the board."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.greeting_alerts import tell_changed_greetings
from services.tickets.views.greetings import heard_before
from shared.database import Database
from shared.models import (
    Alert,
    AlertKind,
    GreetingAiring,
    GreetingDrift,
    GreetingSlot,
    GreetingVersion,
    Recording,
    RecordingSource,
    Situation,
)
from tests.factories import make_person

NINE = datetime(2026, 11, 23, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def version(session: AsyncSession, language: str, line: str = "main") -> GreetingVersion:
    slot = GreetingSlot(line=line, language=language, situation=Situation.OPEN)
    session.add(slot)
    await session.flush()
    made = GreetingVersion(
        slot_id=slot.id, number=1, original_blob="0" * 64, original_name="a.wav", master_blob="1" * 64,
        duration_s=2.0, loudness_lufs=-19.0, author_id=(await make_person(session)).id,
    )  # fmt: skip
    session.add(made)
    await session.flush()
    return made


async def drifted(session: AsyncSession, version_id: int) -> GreetingDrift:
    made = GreetingDrift(line="main", language="en", target="pbx", version_id=version_id, expected_sha256="2" * 64)
    session.add(made)
    await session.flush()
    return made


def airing(language: str, started: datetime, ended: datetime | None = None, **values: Any) -> GreetingAiring:
    given = {"line": "main", "target": "pbx", "mailbox": "1000", "is_fallback": language == "en"} | values
    return GreetingAiring(language=language, situation=Situation.OPEN, started_at=started, ended_at=ended, **given)


@pytest.mark.parametrize(
    ("called_at", "values", "expected"),
    [
        (NINE, {}, "en"),
        (NINE, {"menu_language": "es"}, "es"),
        (NINE, {"mailbox": "1000"}, "en"),
        (NINE, {"line": "outages"}, "outages"),
        (NINE + HOUR, {"mailbox": "1000"}, "phone system"),
        (NINE - 3 * HOUR, {}, None),
    ],
    ids=["one line need not be named", "by menu", "by mailbox", "another line", "recorded at the phone", "before"],
)
async def test_what_the_caller_heard(
    database: Database, called_at: datetime, values: dict[str, str], expected: str | None
) -> None:
    async with database.transaction() as session:
        english, spanish = await version(session, "en"), await version(session, "es")
        found = await drifted(session, english.id)
        session.add_all(
            [
                airing("en", NINE - HOUR, NINE + HOUR, version_id=english.id),
                airing("es", NINE - HOUR, version_id=spanish.id),
                airing("en", NINE + HOUR, drift_id=found.id),
            ]
        )
        outages = english
        if expected == "outages":
            outages = await version(session, "en", "outages")
            session.add(airing("en", NINE - HOUR, line="outages", mailbox="2000", version_id=outages.id))
        recording = Recording(
            source=RecordingSource.UPLOAD, source_id="1", called_at=called_at, blob="3" * 64,
            content_type="audio/wav", **values,
        )  # fmt: skip
        session.add(recording)
        await session.flush()
        heard = (await heard_before(session, [recording])).get(recording.id)
        ids = {"en": english.id, "es": spanish.id, "outages": outages.id, "phone system": None}
        if expected is None:
            assert heard is None
        else:
            assert heard is not None
            assert heard.version_id == ids[expected]


async def test_a_changed_greeting_is_on_the_board_once(database: Database) -> None:
    async with database.transaction() as session:
        found = await drifted(session, (await version(session, "en")).id)
    assert await tell_changed_greetings(database) == 1
    assert await tell_changed_greetings(database) == 0
    async with database.transaction() as session:
        (alert,) = await session.scalars(select(Alert))
    assert (alert.kind, alert.detail["drift_id"]) == (AlertKind.GREETING, found.id)
