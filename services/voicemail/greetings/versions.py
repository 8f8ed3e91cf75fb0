"""New versions: uploaded, recorded, read aloud as a draft, made anew with other treatment, or found on a phone system.

A version never changes. Whatever is done to one makes another, so what callers heard can always be heard again.
"""

import asyncio
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail.greetings import checks, doors, record, repository, scripts, studio
from services.voicemail.greetings.loudness import Aim
from services.voicemail.greetings.studio import Format, Treatment
from services.voicemail.greetings.tts import Voice
from shared.blobs import Blobs
from shared.database import Database, ring
from shared.errors import Conflict, Invalid, TooLarge
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import GreetingCheck, GreetingCheckState, GreetingSlot, GreetingSource, GreetingVersion
from shared.people import Actor, Permission
from shared.settings import Settings

MAX_SCRIPT = 4000
GENTLE = Treatment()


@dataclass(frozen=True)
class Upload:
    data: bytes
    name: str
    script: str = ""
    treatment: Treatment = GENTLE
    source: GreetingSource = GreetingSource.UPLOAD


async def upload(
    database: Database, settings: Settings, blobs: Blobs, me: Actor, slot_id: int, new: Upload
) -> tuple[GreetingVersion, bool]:
    """A new version of a slot, heard by nobody until it is published; and whether it is new: repeating changes nothing.

    The audio is worked on outside of any transaction, and kept before the rows that name it.
    """
    me.require(Permission.GREETING_WRITE)
    if len(new.data) > settings.max_upload_bytes:
        raise TooLarge(
            "The file is too large: at most {megabytes} MB.", megabytes=settings.max_upload_bytes // (1024 * 1024)
        )
    script = plain_script(new.script)
    name = (PurePosixPath(new.name.replace("\\", "/")).name or "greeting").replace("\x00", "")[:200]
    async with database.transaction() as session:
        slot = await repository.slot_or_error(session, slot_id)
    wanted = {each.name: doors.format_of(each) for each in repository.targets_of(settings, slot.line)}
    aim = studio.aim_of(settings)
    master, renditions = await asyncio.to_thread(_make, new.data, name, new.treatment, aim, wanted)
    warnings = [*master.warnings, *scripts.remarks(script, slot.language, settings)]
    original = await blobs.put(new.data)
    master_blob = await blobs.put(master.wav)
    kept = {target: await blobs.put(rendition) for target, rendition in renditions.items()}
    async with database.transaction() as session:
        slot = await repository.slot_or_error(session, slot_id, lock=True)
        same = await session.scalar(
            select(GreetingVersion).where(
                GreetingVersion.slot_id == slot_id,
                GreetingVersion.master_blob == master_blob,
                GreetingVersion.script == script,
                GreetingVersion.source == new.source,
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
            duration_s=round(master.after.duration_s, 3),
            loudness_lufs=round(master.after.lufs, 2),
            script=script,
            warnings=checks.stored(warnings),
            source=new.source,
            treatment=new.treatment.stored(),
            measured={"before": master.before.figures(), "after": master.after.figures()},
            author_id=me.id,
        )
        session.add(version)
        await session.flush()
        state = GreetingCheckState.WAITING if settings.whisper_model else GreetingCheckState.NO_ENGINE
        session.add(GreetingCheck(version_id=version.id, state=state))
        for target, blob in kept.items():
            await repository.add_rendition(session, version.id, target, blob)
        record.audited(session, me, "greeting.upload", slot, after=version, original=original, source=new.source.value)
        await tell(session, slot, "uploaded")
        await session.refresh(version)
        return version, True


async def draft(
    database: Database, settings: Settings, blobs: Blobs, voice: Voice, me: Actor, slot_id: int, script: str
) -> tuple[GreetingVersion, bool]:
    """The script read aloud by a machine, as a version that is a draft. Raises Unavailable without a voice."""
    me.require(Permission.GREETING_WRITE)
    script = plain_script(script)
    if not script:
        raise Invalid("Write the script first: it is what is read aloud.", field="script")
    async with database.transaction() as session:
        slot = await repository.slot_or_error(session, slot_id)
    made = await voice.read(script, slot.language)
    new = Upload(made, f"{voice.name}.wav", script, source=GreetingSource.TTS)
    return await upload(database, settings, blobs, me, slot_id, new)


async def treat(
    database: Database, settings: Settings, blobs: Blobs, me: Actor, version_id: int, treatment: Treatment
) -> tuple[GreetingVersion, bool]:
    """The same recording with other treatment, as another version; the earlier one stays as it is."""
    me.require(Permission.GREETING_WRITE)
    async with database.transaction() as session:
        version = await repository.version_or_error(session, version_id)
    if version.treatment == treatment.stored():
        raise Conflict("That is how it is already.")
    new = Upload(
        await blobs.get(version.original_blob), version.original_name, version.script, treatment, version.source
    )
    return await upload(database, settings, blobs, me, version.slot_id, new)


async def original(blobs: Blobs, version: GreetingVersion) -> bytes:
    """What was recorded, as browsers play it: «before», beside the master's «after»."""
    return await asyncio.to_thread(studio.before, await blobs.get(version.original_blob), version.original_name)


async def telephone(blobs: Blobs, version: GreetingVersion) -> bytes:
    """What a caller hears of it."""
    return await asyncio.to_thread(studio.telephone, await blobs.get(version.master_blob))


async def in_format(settings: Settings, blobs: Blobs, version: GreetingVersion, wanted: Format) -> bytes:
    """The version as a system takes it that nothing is published to: to be carried there by hand."""
    master = await blobs.get(version.master_blob)
    return await asyncio.to_thread(studio.make_rendition, master, wanted, aim_of(settings, version))


def aim_of(settings: Settings, version: GreetingVersion) -> Aim:
    """A recording that was left as loud as it is stays so in every format."""
    aim = studio.aim_of(settings)
    return aim if version.treatment.get("normalise", True) else Aim(version.loudness_lufs, aim.ceiling)


async def tell(session: AsyncSession, slot: GreetingSlot, what: str) -> None:
    ring(session, Job.PUBLISH_GREETINGS, slot.id)
    await publish(session, Event("greeting", slot.id, what=what))


def plain_script(script: str) -> str:
    script = script.replace("\r\n", "\n").strip()
    if len(script) > MAX_SCRIPT:
        raise Invalid("The script is too long: at most {limit} characters.", field="script", limit=MAX_SCRIPT)
    return script


def _make(
    data: bytes, name: str, treatment: Treatment, aim: Aim, formats: dict[str, Format]
) -> tuple[studio.Master, dict[str, bytes]]:
    master = studio.make_master(data, name, treatment, aim)
    if not treatment.normalise:
        aim = Aim(master.after.lufs, aim.ceiling)
    made = {each: studio.make_rendition(master.wav, each, aim) for each in set(formats.values())}
    return master, {target: made[each] for target, each in formats.items()}
