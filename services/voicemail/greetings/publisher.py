"""Keeps every phone system playing what it should: publishes changes as they fall due, and proves what is live.

One pass compares what should be heard now with what each target really plays, read back, and repairs the
difference. A pass is safe to repeat and single-flight, so it is the retry, the drift check and the schedule at once.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail.greetings import repository, studio
from services.voicemail.greetings.asterisk import AsteriskTarget
from services.voicemail.greetings.resolve import Choice, next_change, wanted
from services.voicemail.greetings.targets import PublishError, Target
from shared import audit, clock, health
from shared.blobs import Blobs
from shared.calendar import load_open_time
from shared.database import Database
from shared.errors import CentralitaError
from shared.events import Event, publish
from shared.models import GreetingLive, GreetingVersion, Problem, PublicationState
from shared.settings import GreetingTarget, Settings

P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger(__name__)

SERVICE = "voicemail"
POLL_S = 5.0  # how long a change behind our back stays unnoticed
RETRY_LONGEST_S = 20.0
TARGET_TIMEOUT_S = 30.0  # a network folder that hangs must not hold up the others
CHECKED_EVERY = timedelta(seconds=30)
DRIFT_SHOWN = timedelta(hours=1)
_LOCK = "greetings.publish"


@dataclass
class Pass:
    """What one pass did."""

    changed: int = 0
    failed: int = 0
    next_change: datetime | None = None


@dataclass(frozen=True)
class _Place:
    """One language on one target."""

    target: GreetingTarget
    door: Target
    language: str

    @property
    def problem(self) -> str:
        return f"greeting:{self.target.name}:{self.target.line}:{self.language}"

    def __str__(self) -> str:
        return f"{self.target.name}, {self.target.line} ({self.language})"


async def run(database: Database, settings: Settings, blobs: Blobs) -> None:
    """Publish for ever: at every change of the calendar, and every few seconds whatever else may have happened."""
    failures = 0
    while True:
        pause = POLL_S
        try:
            done = await publish_once(database, settings, blobs)
            failures = failures + 1 if done.failed else 0
            if failures:
                pause = min(POLL_S * 2**failures, RETRY_LONGEST_S)
            if done.next_change is not None:
                pause = min(pause, max(0.0, (done.next_change - clock.now()).total_seconds()))
        except Exception:  # the database is away, most likely; greetings stay as they are
            log.exception("greetings.pass_failed")
        await asyncio.sleep(pause)


async def publish_once(database: Database, settings: Settings, blobs: Blobs) -> Pass:
    """One pass over every target. Passes wait for each other."""
    done = Pass()
    try:
        async with database.transaction() as session:
            await session.execute(text("SET LOCAL lock_timeout = '20s'"))
            await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(_LOCK))))
            await repository.ensure_slots(session, settings)
            now = clock.now()
            hours = await load_open_time(session, settings)
            standings = await repository.standings(session, now)
            live = await repository.live(session)
            for target in settings.greeting_targets:
                for language in settings.languages:
                    place = _Place(target, AsteriskTarget(target), language)
                    choice = wanted(standings, hours, target.line, language, now, target.fallback_language)
                    row = live.get((target.line, language, target.name))
                    if choice is not None:
                        await _bring(database, session, blobs, place, choice, row, done)
                    elif row is not None:
                        await _nothing_wanted(database, session, place, row)
            done.next_change = next_change(standings, hours, now)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != "55P03":  # lock_not_available
            raise
        log.warning("greetings.another_pass_hangs")
    return done


async def _bring(
    database: Database,
    session: AsyncSession,
    blobs: Blobs,
    place: _Place,
    choice: Choice,
    row: GreetingLive | None,
    done: Pass,
) -> None:
    """Make one place play its choice, or say why it does not."""
    version = await session.get_one(GreetingVersion, choice.version_id)
    now = clock.now()
    if row is None:
        row = GreetingLive(line=place.target.line, language=place.language, target=place.target.name)
    was_live = row.state is PublicationState.LIVE
    before = {"version_id": row.version_id, "sha256": row.sha256}
    hears_other = row.version_id != version.id or row.situation is not choice.situation
    try:
        sha256, content = await _rendition(session, blobs, version, place)
        found = await _in_thread(place.door.playing, place.language)
        # What we published without living to write it down is no drift.
        drifted = was_live and found not in (row.sha256, sha256)
        if found != sha256:
            await _in_thread(place.door.publish, place.language, content)
    except (PublishError, CentralitaError, OSError, ValueError) as error:
        await _failed(database, session, place, row, choice, error)
        done.failed += 1
        return
    # Resolved before the row says so: if we die in between, the next pass comes here again.
    if not was_live:
        await health.resolve(database, SERVICE, place.problem)
    if drifted:
        await _report_drift(database, session, place, row, found)
    elif was_live:
        await _settle_drift(database, session, place)
    if not was_live or hears_other or drifted:
        done.changed += 1
        row.live_since = now if not was_live or row.version_id != version.id else row.live_since
        audit.record(
            session, None, "greeting.live", object_type="greeting_slot", object_id=version.slot_id,
            detail={
                "line": place.target.line, "language": place.language, "target": place.target.name,
                "situation": choice.situation.value, "number": version.number,
                "before": before, "after": {"version_id": version.id, "sha256": sha256},
            },
        )  # fmt: skip
        await publish(session, Event("greeting", version.slot_id, what="live"))
        log.info("greetings.live", place=str(place), version=version.id, situation=choice.situation.value)
    elif row.wanted_version_id == version.id and now - row.checked_at < CHECKED_EVERY:
        return
    row.version_id = row.wanted_version_id = version.id
    row.situation, row.sha256 = choice.situation, sha256
    row.state, row.error, row.checked_at = PublicationState.LIVE, None, now
    session.add(row)
    await session.flush()


async def _failed(
    database: Database,
    session: AsyncSession,
    place: _Place,
    row: GreetingLive,
    choice: Choice,
    error: Exception,
) -> None:
    """The old greeting stays, and so does its row; what should be there and why it is not stand beside it."""
    message = str(error) or type(error).__name__
    hint = error.hint if isinstance(error, PublishError) else "It is tried again by itself."
    await health.report(database, SERVICE, place.problem, f"The greeting of {place} is not live: {message}", hint)
    is_news = row.state is not PublicationState.FAILED or row.wanted_version_id != choice.version_id
    row.wanted_version_id = choice.version_id
    row.state, row.error, row.checked_at = PublicationState.FAILED, message, clock.now()
    session.add(row)
    await session.flush()
    if is_news:
        version = await session.get_one(GreetingVersion, choice.version_id)
        audit.record(
            session, None, "greeting.failed", object_type="greeting_slot", object_id=version.slot_id,
            detail={
                "line": place.target.line, "language": place.language, "target": place.target.name,
                "wanted_version_id": choice.version_id, "live_version_id": row.version_id, "error": message,
            },
        )  # fmt: skip
        await publish(session, Event("greeting", version.slot_id, what="failed"))
        log.warning("greetings.not_live", place=str(place), version=version.id, error=message)


async def _nothing_wanted(database: Database, session: AsyncSession, place: _Place, row: GreetingLive) -> None:
    """The last activation ran out. What is on the phone system stays: better than nothing, and somebody is told."""
    if row.wanted_version_id is None:
        return
    await health.report(
        database,
        SERVICE,
        place.problem,
        f"No greeting is active for {place}: the last one stays on the phone system.",
        "Activate a greeting on the page Greetings.",
    )
    row.wanted_version_id = None
    # Whatever is activated next is published as new, which also resolves the problem.
    row.state, row.error, row.checked_at = PublicationState.FAILED, "No greeting is active.", clock.now()
    await session.flush()


async def _rendition(session: AsyncSession, blobs: Blobs, version: GreetingVersion, place: _Place) -> tuple[str, bytes]:
    """The version in the target's format; made now when the target is newer than the version."""
    found = await repository.rendition(session, version.id, place.target.name)
    if found is not None:
        content = await blobs.get(found.blob)
        if hashlib.sha256(content).hexdigest() != found.blob:
            raise OSError(f"The stored file {found.blob[:12]} is damaged")
        return found.blob, content
    master = await blobs.get(version.master_blob)
    content = await asyncio.to_thread(studio.make_rendition, master, place.door.format)
    blob = await blobs.put(content)
    await repository.add_rendition(session, version.id, place.target.name, blob)
    return blob, content


async def _report_drift(
    database: Database, session: AsyncSession, place: _Place, row: GreetingLive, found: str | None
) -> None:
    """Somebody or something else changed the greeting; it has been put back."""
    await health.report(
        database,
        SERVICE,
        f"{place.problem}:drift",
        f"The greeting of {place} was changed on the phone system and has been put back.",
        "Change greetings on the page Greetings; one that is recorded at the phone does not last.",
    )
    audit.record(
        session, None, "greeting.drift", object_type="greeting_target", object_id=place.target.name,
        detail={
            "line": place.target.line, "language": place.language, "expected": row.sha256, "found": found,
        },
    )  # fmt: skip
    log.warning("greetings.drift", place=str(place), expected=row.sha256, found=found)


async def _settle_drift(database: Database, session: AsyncSession, place: _Place) -> None:
    """A drift is shown for a while after it was repaired, then closed."""
    key = f"{place.problem}:drift"
    last_at = await session.scalar(
        select(Problem.last_at).where(Problem.service == SERVICE, Problem.key == key, Problem.resolved_at.is_(None))
    )
    if last_at is not None and clock.now() - last_at > DRIFT_SHOWN:
        await health.resolve(database, SERVICE, key)


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await asyncio.wait_for(asyncio.to_thread(function, *args, **kwargs), TARGET_TIMEOUT_S)
    except TimeoutError as error:
        raise PublishError(
            f"The folder did not answer within {TARGET_TIMEOUT_S:.0f} seconds",
            "Check the network folder of the phone system.",
        ) from error
