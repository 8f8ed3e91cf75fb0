"""When somebody changes what a phone system plays behind our back: noticed, kept, told, and decided by a person.

A recording made at the phone is often a mistake, and sometimes an emergency that somebody announced in the only way
that they knew. So it plays on until a person puts ours back or takes theirs in; only what callers cannot hear at all
is put back at once.
"""

import asyncio
from collections.abc import Collection
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail import audio
from services.voicemail.greetings import repository, versions
from services.voicemail.greetings.place import SERVICE, Place
from services.voicemail.greetings.targets import Playing
from services.voicemail.greetings.versions import Upload, tell
from shared import audit, clock, health
from shared.blobs import Blobs
from shared.database import Database
from shared.errors import Conflict, NotFound
from shared.models import (
    DriftDecision,
    DriftOutcome,
    GreetingDrift,
    GreetingLive,
    GreetingSource,
    GreetingVersion,
    Problem,
)
from shared.people import Actor, Permission
from shared.settings import Settings

log = structlog.get_logger(__name__)

SHOWN = timedelta(hours=1)  # a change that was put back by itself, on the health page
_DECODED_S = 120.0


async def notice(
    database: Database,
    session: AsyncSession,
    blobs: Blobs,
    place: Place,
    row: GreetingLive,
    theirs: Playing | None,
) -> GreetingDrift:
    """The record of what was found; a new one when it was not known yet."""
    found = theirs.sha256 if theirs is not None else None
    known = await _open(session, place)
    if known is not None:
        if known.found_sha256 == found:
            return known
        known.settled_at, known.outcome = clock.now(), DriftOutcome.REPLACED
        await session.flush()
    assert row.version_id is not None
    assert row.sha256 is not None
    made = GreetingDrift(
        line=row.line,
        language=row.language,
        target=row.target,
        version_id=row.version_id,
        expected_sha256=row.sha256,
        found_sha256=found,
        blob=await blobs.put(theirs.content) if theirs is not None else None,
        name=theirs.name if theirs is not None else "",
        noticed_at=clock.now(),
    )
    session.add(made)
    await session.flush()
    audit.record(
        session, None, "greeting.drift", object_type="greeting_target", object_id=place.target.name,
        detail={
            "line": row.line, "language": row.language, "drift_id": made.id,
            "expected": row.sha256, "found": found,
        },
    )  # fmt: skip
    log.warning("greetings.drift", place=str(place), expected=row.sha256, found=found)
    await health.report(
        database,
        SERVICE,
        f"{place.problem}:drift",
        f"The greeting of {place} was changed on the phone system: callers hear what was recorded there.",
        "Open the page Greetings, listen to it, and put ours back or keep theirs.",
    )
    return made


async def may_stay(noticed: GreetingDrift, theirs: Playing | None, ours: Collection[str | None]) -> bool:
    """Whether callers may hear it until a person has decided: it is a recording, and not a torn piece of ours."""
    if noticed.decision is DriftDecision.PUT_BACK or theirs is None or theirs.sha256 in ours:
        return False
    return await asyncio.to_thread(_is_audible, theirs)


async def settle(database: Database, session: AsyncSession, place: Place, outcome: str) -> None:
    """Ours plays again. What was put back by itself stays on the health page for a while."""
    key = f"{place.problem}:drift"
    known = await _open(session, place) if outcome else None
    if known is not None:
        known.settled_at, known.outcome = clock.now(), DriftOutcome(outcome)
        await session.flush()
        if known.decision is None and known.outcome is DriftOutcome.PUT_BACK:
            await health.report(
                database, SERVICE, key, f"The greeting of {place} was changed at the phone system; it was put back.",
                "Change greetings on the page Greetings; one that is recorded at the phone does not last.",
            )  # fmt: skip
        else:
            await health.resolve(database, SERVICE, key)
        return
    last_at = await session.scalar(
        select(Problem.last_at).where(Problem.service == SERVICE, Problem.key == key, Problem.resolved_at.is_(None))
    )
    if last_at is not None and clock.now() - last_at > SHOWN:
        await health.resolve(database, SERVICE, key)


async def put_back(session: AsyncSession, me: Actor, drift_id: int) -> GreetingDrift:
    """One click: ours again, within seconds. What was found is kept."""
    me.require(Permission.GREETING_WRITE)
    found = await _undecided(session, drift_id)
    found.decision, found.decided_by_id, found.decided_at = DriftDecision.PUT_BACK, me.id, clock.now()
    await _audited(session, me, "greeting.drift_put_back", found)
    return found


async def adopt(
    database: Database, settings: Settings, blobs: Blobs, me: Actor, drift_id: int
) -> tuple[GreetingDrift, GreetingVersion]:
    """One click: theirs becomes a version, which is checked, approved and published like any other.

    It goes on playing until then.
    """
    me.require(Permission.GREETING_WRITE)
    async with database.transaction() as session:
        found = await _undecided(session, drift_id)
        if found.blob is None:
            raise Conflict("There is nothing to take in: the file was removed.")
        replaced = await repository.version_or_error(session, found.version_id)
    new = Upload(await blobs.get(found.blob), found.name.rpartition("/")[2], source=GreetingSource.ADOPTED)
    version, _is_new = await versions.upload(database, settings, blobs, me, replaced.slot_id, new)
    async with database.transaction() as session:
        found = await _undecided(session, drift_id)
        found.decision, found.decided_by_id, found.decided_at = DriftDecision.ADOPT, me.id, clock.now()
        found.adopted_version_id = version.id
        await _audited(session, me, "greeting.drift_adopt", found, version_id=version.id)
    return found, version


async def open_drifts(session: AsyncSession, line: str | None = None) -> list[GreetingDrift]:
    statement = select(GreetingDrift).where(GreetingDrift.settled_at.is_(None)).order_by(GreetingDrift.id)
    return list(await session.scalars(statement.where(GreetingDrift.line == line) if line else statement))


async def drift_or_error(session: AsyncSession, drift_id: int) -> GreetingDrift:
    found = await session.get(GreetingDrift, drift_id)
    if found is None:
        raise NotFound("There is no such change.")
    return found


async def playable(blobs: Blobs, found: GreetingDrift) -> bytes:
    """What was found, as every browser plays it. Raises NotFound, and Conflict for what is no recording."""
    if found.blob is None:
        raise NotFound("There is no such file.")
    data = await blobs.get(found.blob)
    try:
        return await asyncio.to_thread(_as_wav, data, found.name)
    except audio.UnreadableAudio as error:
        raise Conflict("What was found there is no recording that can be played.") from error


async def _open(session: AsyncSession, place: Place) -> GreetingDrift | None:
    return await session.scalar(
        select(GreetingDrift).where(
            GreetingDrift.line == place.target.line,
            GreetingDrift.language == place.language,
            GreetingDrift.target == place.target.name,
            GreetingDrift.settled_at.is_(None),
        )
    )


async def _undecided(session: AsyncSession, drift_id: int) -> GreetingDrift:
    found = await session.get(GreetingDrift, drift_id, with_for_update=True)
    if found is None:
        raise NotFound("There is no such change.")
    if found.settled_at is not None:
        raise Conflict("That is settled already: ours plays again.")
    if found.decision is DriftDecision.PUT_BACK:
        raise Conflict("Somebody has decided that already.")
    return found


async def _audited(session: AsyncSession, me: Actor, action: str, found: GreetingDrift, **more: object) -> None:
    audit.record(
        session, me.id, action, object_type="greeting_target", object_id=found.target, ip=me.ip,
        detail={
            "line": found.line, "language": found.language, "drift_id": found.id,
            "before": {"sha256": found.found_sha256}, "after": {"sha256": found.expected_sha256}, **more,
        },
    )  # fmt: skip
    version = await repository.version_or_error(session, found.version_id)
    await tell(session, await repository.slot_or_error(session, version.slot_id), "drift")


def _is_audible(theirs: Playing) -> bool:
    try:
        audio.decode(theirs.content, hint=theirs.name, rate=8_000, max_seconds=_DECODED_S)
    except audio.UnreadableAudio:
        return False
    return True


def _as_wav(data: bytes, name: str) -> bytes:
    samples, facts = audio.read(data, hint=name, max_seconds=_DECODED_S)
    return audio.to_wav_pcm16(samples, audio.playback_rate(facts.rate))
