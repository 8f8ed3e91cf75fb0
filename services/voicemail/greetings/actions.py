"""What people do with greetings: upload, activate, roll back, cancel; alike from the page and the API, all audited."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail.greetings import asterisk, repository, resolve, scripts, studio
from services.voicemail.greetings.resolve import Standing
from shared import audit, clock
from shared.blobs import Blobs
from shared.calendar import load_open_time
from shared.database import Database, ring
from shared.errors import Conflict, Invalid, NotFound, TooLarge
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import GreetingActivation, GreetingSlot, GreetingVersion
from shared.people import Actor, Permission
from shared.settings import Settings

MAX_SCRIPT = 4000
FARTHEST = timedelta(days=3660)  # a typing error in the year, and more than databases and calendars agree on


@dataclass(frozen=True)
class Upload:
    data: bytes
    name: str
    script: str = ""
    trim_silence: bool = True


async def upload(
    database: Database, settings: Settings, blobs: Blobs, me: Actor, slot_id: int, new: Upload
) -> tuple[GreetingVersion, bool]:
    """A new version of a slot, heard by nobody until it is activated; and whether it is new: repeating changes nothing.

    The audio is worked on outside of any transaction, and kept before the rows that name it.
    """
    me.require(Permission.GREETING_WRITE)
    if len(new.data) > settings.max_upload_bytes:
        raise TooLarge(
            "The file is too large: at most {megabytes} MB.", megabytes=settings.max_upload_bytes // (1024 * 1024)
        )
    script = new.script.replace("\r\n", "\n").strip()
    if len(script) > MAX_SCRIPT:
        raise Invalid("The script is too long: at most {limit} characters.", field="script", limit=MAX_SCRIPT)
    name = (PurePosixPath(new.name.replace("\\", "/")).name or "greeting").replace("\x00", "")[:200]
    async with database.transaction() as session:
        slot = await _slot(session, slot_id)
    targets = repository.targets_of(settings, slot.line)
    master, renditions = await asyncio.to_thread(_make, new.data, name, new.trim_silence, [t.name for t in targets])
    warnings = [*master.warnings, *scripts.remarks(script, slot.language, settings)]
    original = await blobs.put(new.data)
    master_blob = await blobs.put(master.wav)
    kept = {target: await blobs.put(rendition) for target, rendition in renditions.items()}
    async with database.transaction() as session:
        slot = await _slot(session, slot_id, lock=True)
        same = await session.scalar(
            select(GreetingVersion).where(
                GreetingVersion.slot_id == slot_id,
                GreetingVersion.master_blob == master_blob,
                GreetingVersion.script == script,
            )
        )
        if same is not None:
            return same, False
        last = await session.scalar(select(func.max(GreetingVersion.number)).where(GreetingVersion.slot_id == slot_id))
        version = GreetingVersion(
            slot_id=slot_id,
            number=(last or 0) + 1,
            original_blob=original,
            original_name=name,
            master_blob=master_blob,
            duration_s=round(master.duration_s, 3),
            loudness_lufs=round(master.lufs, 2),
            script=script,
            warnings=[{"message": each.message, "values": each.values} for each in warnings],
            author_id=me.id,
        )
        session.add(version)
        await session.flush()
        for target, blob in kept.items():
            await repository.add_rendition(session, version.id, target, blob)
        _audit(session, me, "greeting.upload", slot, after=version, original=original)
        await publish(session, Event("greeting", slot_id, what="uploaded"))
        await session.refresh(version)
        return version, True


async def activate(
    session: AsyncSession,
    settings: Settings,
    me: Actor,
    version_id: int,
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    action: str = "greeting.activate",
) -> GreetingActivation:
    """Let a version stand in its slot, now or from an instant on, for good or until another."""
    me.require(Permission.GREETING_WRITE)
    version = await repository.version(session, version_id)
    if version is None:
        raise NotFound("There is no such greeting.")
    slot = await _slot(session, version.slot_id, lock=True)
    now = clock.now()
    if any(instant is not None and instant - now > FARTHEST for instant in (starts_at, ends_at)):
        raise Invalid("That is too far in the future.", field="ends_at" if ends_at else "starts_at")
    begins = max(starts_at or now, now)
    if ends_at is not None and ends_at <= begins:
        raise Invalid("The end must be after the beginning, and in the future.", field="ends_at")
    before = await _in_force(session, slot, begins)
    made = GreetingActivation(
        slot_id=slot.id,
        version_id=version.id,
        starts_at=begins,
        ends_at=ends_at,
        created_by_id=me.id,
    )
    session.add(made)
    await session.flush()
    await session.refresh(made)
    _audit(
        session, me, action, slot, before=before, after=version,
        activation_id=made.id, starts_at=begins.isoformat(), ends_at=ends_at.isoformat() if ends_at else None,
    )  # fmt: skip
    await _tell(session, slot.id, "activated")
    return made


async def roll_back(session: AsyncSession, settings: Settings, me: Actor, slot_id: int) -> GreetingActivation:
    """Activate what stood in the slot before what stands there now."""
    me.require(Permission.GREETING_WRITE)
    slot = await _slot(session, slot_id, lock=True)
    now = clock.now()
    current = await _in_force(session, slot, now)
    if current is None:
        raise Conflict("Nothing is active here, so there is nothing to go back from.")
    for earlier in await repository.activations(session, [slot_id]):
        began = earlier.starts_at <= now and (earlier.cancelled_at is None or earlier.cancelled_at > earlier.starts_at)
        if began and earlier.version_id != current.id:
            return await activate(session, settings, me, earlier.version_id, action="greeting.roll_back")
    raise Conflict("There is no earlier greeting to go back to.")


async def cancel(session: AsyncSession, settings: Settings, me: Actor, activation_id: int) -> GreetingActivation:
    """End an activation now, or keep a scheduled one from beginning. What stood before it stands again."""
    me.require(Permission.GREETING_WRITE)
    found = await repository.activation(session, activation_id)
    if found is None:
        raise NotFound("There is no such activation.")
    slot = await _slot(session, found.slot_id, lock=True)
    await session.refresh(found)
    now = clock.now()
    if found.cancelled_at is not None:
        raise Conflict("It is cancelled already.")
    if found.ends_at is not None and found.ends_at <= now:
        raise Conflict("It has ended already.")
    before = await _in_force(session, slot, now)
    found.cancelled_at, found.cancelled_by_id = now, me.id
    await session.flush()
    await _refuse_silence(session, settings, slot, found, now)
    _audit(
        session, me, "greeting.cancel", slot, before=before, after=await _in_force(session, slot, now),
        activation_id=found.id,
    )  # fmt: skip
    await _tell(session, slot.id, "cancelled")
    return found


async def _refuse_silence(
    session: AsyncSession, settings: Settings, slot: GreetingSlot, cancelled: GreetingActivation, now: datetime
) -> None:
    """The last greeting of a line cannot be taken away: callers would hear the phone system's own words, or none."""
    if cancelled.starts_at > now:
        return
    left: Sequence[Standing] = await repository.standings(session, now, slot.line)
    hours = await load_open_time(session, settings)
    fallback = repository.fallback_language(settings, slot.line)
    for language in settings.languages:
        if resolve.wanted(left, hours, slot.line, language, now, fallback) is None:
            raise Conflict("This is the only greeting that is active on this line. Activate another one first.")


async def _slot(session: AsyncSession, slot_id: int, *, lock: bool = False) -> GreetingSlot:
    found = await repository.slot(session, slot_id, lock=lock)
    if found is None:
        raise NotFound("There is no such greeting slot.")
    return found


async def _in_force(session: AsyncSession, slot: GreetingSlot, at: datetime) -> GreetingVersion | None:
    standings = await repository.standings(session, at, slot.line)
    found = resolve.standing_in_slot(standings, slot.line, slot.language, slot.situation, at)
    return await repository.version(session, found.version_id) if found else None


async def _tell(session: AsyncSession, slot_id: int, what: str) -> None:
    ring(session, Job.PUBLISH_GREETINGS, slot_id)
    await publish(session, Event("greeting", slot_id, what=what))


def _make(data: bytes, name: str, trim: bool, targets: list[str]) -> tuple[studio.Master, dict[str, bytes]]:
    master = studio.make_master(data, name, trim=trim)
    rendition = studio.make_rendition(master.wav, asterisk.FORMAT)
    return master, dict.fromkeys(targets, rendition)


def _audit(
    session: AsyncSession,
    me: Actor,
    action: str,
    slot: GreetingSlot,
    *,
    before: GreetingVersion | None = None,
    after: GreetingVersion | None = None,
    **more: object,
) -> None:
    def facts(version: GreetingVersion | None) -> dict[str, object] | None:
        if version is None:
            return None
        return {"version_id": version.id, "number": version.number, "sha256": version.master_blob}

    audit.record(
        session, me.id, action, object_type="greeting_slot", object_id=slot.id, ip=me.ip,
        detail={
            "line": slot.line, "language": slot.language, "situation": slot.situation.value,
            "before": facts(before), "after": facts(after), **more,
        },
    )  # fmt: skip
