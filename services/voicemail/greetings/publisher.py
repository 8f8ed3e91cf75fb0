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

from services.voicemail.greetings import airings, drift, repository, studio, versions
from services.voicemail.greetings.doors import door_of
from services.voicemail.greetings.place import SERVICE, Place, tell_wrong_language
from services.voicemail.greetings.resolve import Choice, next_change, wanted
from services.voicemail.greetings.targets import Playing, PublishError
from shared import audit, clock, health
from shared.blobs import Blobs
from shared.calendar import load_open_time
from shared.database import Database
from shared.errors import CentralitaError
from shared.events import Event, publish
from shared.models import DriftOutcome, GreetingLive, GreetingVersion, PublicationState, Situation
from shared.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger(__name__)

POLL_S = 5.0  # how long a change of the schedule stays unnoticed when nobody rang
RETRY_LONGEST_S = 20.0
TARGET_TIMEOUT_S = 20.0  # a network folder that hangs must not hold up the others, nor the transaction of this pass
CHECKED_EVERY = timedelta(seconds=30)
_LOCK = "greetings.publish"


@dataclass
class Pass:
    """What one pass did."""

    changed: int = 0
    failed: int = 0
    next_change: datetime | None = None


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
                door = door_of(target)
                choices = {
                    language: wanted(standings, hours, target.line, language, now, target.fallback_language)
                    for language in door.languages(settings.languages)
                }
                override = any(each and each.situation is Situation.EMERGENCY for each in choices.values())
                for language, choice in choices.items():
                    place = Place(target, door, language, override)
                    row = live.get((target.line, language, target.name))
                    if choice is not None:
                        await _Bringing(database, session, settings, blobs, place, choice, done).bring(row)
                    elif row is not None:
                        await _nothing_wanted(database, session, place, row)
            done.next_change = next_change(standings, hours, now)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != "55P03":  # lock_not_available
            raise
        log.warning("greetings.another_pass_hangs")
    return done


@dataclass
class _Bringing:
    """Makes one place play its choice, or says why it does not."""

    database: Database
    session: AsyncSession
    settings: Settings
    blobs: Blobs
    place: Place
    choice: Choice
    done: Pass
    is_missing: bool = False

    async def bring(self, row: GreetingLive | None) -> None:
        place, choice, session = self.place, self.choice, self.session
        now = clock.now()
        if row is None:
            row = GreetingLive(line=place.target.line, language=place.language, target=place.target.name)
        elif _is_fresh(row, place, choice, now):
            return
        version = await session.get_one(GreetingVersion, choice.version_id)
        try:
            sha256, content = await _rendition(session, self.settings, self.blobs, version, place)
            playing = await in_thread(place.door.playing, place.language)
            outcome = await self._look_at_others(row, version, playing, sha256)
            if outcome is None:
                return  # somebody else's recording plays until a person decides
            if playing is None or playing.sha256 != sha256 or playing.override != place.override:
                await in_thread(place.door.publish, place.language, content, override=place.override)
        except (PublishError, CentralitaError, OSError, ValueError) as error:
            await _failed(self.database, session, place, row, choice, error)
            self.done.failed += 1
            return
        if self.is_missing:
            await drift.notice(self.database, session, self.blobs, place, row, None)
        await self._live(row, version, sha256, outcome, now)

    async def _look_at_others(
        self, row: GreetingLive, version: GreetingVersion, playing: Playing | None, sha256: str
    ) -> str | None:
        """What became of a change behind our back: an outcome, «» when there is none, None when it stays for now."""
        if row.state not in (PublicationState.LIVE, PublicationState.DRIFTED):
            return ""
        found = playing.sha256 if playing is not None else None
        ours = (row.sha256, sha256)  # what we published without living to write it down is no drift
        if found in ours:
            return DriftOutcome.WENT_BACK.value if row.state is PublicationState.DRIFTED else ""
        theirs = playing or await in_thread(self.place.door.found, self.place.language)
        is_same_choice = row.version_id == version.id and row.situation is self.choice.situation
        if theirs is None:
            # Removed, or the whole folder is away: which of them, publishing will tell.
            self.is_missing = True
            return DriftOutcome.PUT_BACK.value if is_same_choice else DriftOutcome.REPLACED.value
        noticed = await drift.notice(self.database, self.session, self.blobs, self.place, row, theirs)
        if not is_same_choice:
            return DriftOutcome.REPLACED.value
        if self.settings.greeting_drift == "ask" and await drift.may_stay(noticed, theirs, ours):
            if row.state is not PublicationState.DRIFTED:
                self.done.changed += 1
                row.state = PublicationState.DRIFTED
                await publish(self.session, Event("greeting", version.slot_id, what="drift"))
            row.checked_at = clock.now()
            await airings.note(self.session, self.place, self.choice.situation, drift_id=noticed.id)
            await self.session.flush()
            return None
        return DriftOutcome.PUT_BACK.value

    async def _live(
        self, row: GreetingLive, version: GreetingVersion, sha256: str, outcome: str, now: datetime
    ) -> None:
        place, choice, session = self.place, self.choice, self.session
        was_live = row.state is PublicationState.LIVE
        before = {"version_id": row.version_id, "sha256": row.sha256}
        hears_other = row.version_id != version.id or row.situation is not choice.situation
        # Resolved before the row says so: if we die in between, the next pass comes here again.
        if not was_live:
            await health.resolve(self.database, SERVICE, place.problem)
        await drift.settle(self.database, session, place, outcome)
        if row.version_id != version.id:
            await self._tell_of_language(version)
        if not was_live or hears_other or outcome:
            self.done.changed += 1
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
        await airings.note(session, place, choice.situation, version_id=version.id)
        await session.flush()

    async def _tell_of_language(self, version: GreetingVersion) -> None:
        """One that was scheduled before the machine had listened may turn out to be in the other language."""
        check = (await repository.checks(self.session, [version.id])).get(version.id)
        if check is not None and check.wrong_language:
            await tell_wrong_language(self.database, self.place.target.line, self.choice.language)
        else:
            await health.resolve(self.database, SERVICE, self.place.language_problem)


def _is_fresh(row: GreetingLive, place: Place, choice: Choice, now: datetime) -> bool:
    """Whether a far-away system was asked a short while ago and nothing has changed here since."""
    return (
        timedelta(seconds=place.target.check_s) > CHECKED_EVERY
        and row.state is PublicationState.LIVE
        and (row.version_id, row.situation) == (choice.version_id, choice.situation)
        and now - row.checked_at < timedelta(seconds=place.target.check_s)
    )


async def _failed(
    database: Database,
    session: AsyncSession,
    place: Place,
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


async def _nothing_wanted(database: Database, session: AsyncSession, place: Place, row: GreetingLive) -> None:
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


async def _rendition(
    session: AsyncSession, settings: Settings, blobs: Blobs, version: GreetingVersion, place: Place
) -> tuple[str, bytes]:
    """The version in the target's format; made now when the target is newer than the version."""
    found = await repository.rendition(session, version.id, place.target.name)
    if found is not None:
        content = await blobs.get(found.blob)
        if hashlib.sha256(content).hexdigest() != found.blob:
            raise OSError(f"The stored file {found.blob[:12]} is damaged")
        return found.blob, content
    master = await blobs.get(version.master_blob)
    aim = versions.aim_of(settings, version)
    content = await asyncio.to_thread(studio.make_rendition, master, place.door.format, aim)
    blob = await blobs.put(content)
    await repository.add_rendition(session, version.id, place.target.name, blob)
    return blob, content


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        async with asyncio.timeout(TARGET_TIMEOUT_S):
            return await asyncio.to_thread(function, *args, **kwargs)
    except TimeoutError as error:
        raise PublishError(
            f"The phone system did not answer within {TARGET_TIMEOUT_S:.0f} seconds",
            "Check the network and the folder of the phone system.",
        ) from error
