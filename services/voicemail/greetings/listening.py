"""Listens to new versions with the speech recogniser: takes what waits, hears it, writes down what it thinks of it.

It shares the recogniser with the voicemails: callers come first, and a greeting's turn comes when none of theirs is
unheard, or when it has waited so long that callers may hear a wrong one meanwhile. Without a model, versions say that
nobody could check them, and are taken up when there is one.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail import audio
from services.voicemail import repository as queue
from services.voicemail.engine import RATE, Engine, EngineFailed, Heard, Model, NoWeights
from services.voicemail.greetings import checks, repository, spoken
from services.voicemail.greetings.place import tell_wrong_language
from shared import clock
from shared.blobs import Blobs
from shared.database import Database
from shared.errors import NotFound
from shared.events import Event, publish
from shared.models import GreetingActivation, GreetingCheck, GreetingCheckState, GreetingSlot, GreetingVersion
from shared.settings import Settings

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=15)  # longer than the recogniser's own patience
LOOK_AGAIN = timedelta(minutes=5)  # for a model
LONGEST_WAIT = timedelta(minutes=10)  # behind callers; then one greeting is heard between two of theirs
RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=10))


class Listening:
    """The loop of one worker. `wake()` makes it look at once; without it, it looks every few seconds."""

    def __init__(self, database: Database, blobs: Blobs, settings: Settings, engine: Engine) -> None:
        self._database, self._blobs, self._settings, self._engine = database, blobs, settings, engine
        self._wake = asyncio.Event()

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            while await self.one():
                pass
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.sweep_s):
                    await self._wake.wait()

    async def one(self) -> bool:
        """Hear one version; False when none waits, callers come first, or nobody can hear."""
        async with self._database.transaction() as session:
            if not await session.scalar(select(_due().exists())):
                return False
        try:
            model = await self._engine.ready()
        except NoWeights:
            await self._without_engine()
            return False
        async with self._database.transaction() as session:
            check = await _lease(session)
            if check is None:
                return False
            version_id = check.version_id
            version = await repository.version_or_error(session, version_id)
            slot = await repository.slot_or_error(session, version.slot_id)
        try:
            data = await self._blobs.get(version.master_blob)
            samples = await asyncio.to_thread(audio.decode, data, hint="audio/wav", rate=RATE)
            heard = await self._engine.transcribe(samples, self._settings.languages)
        except NoWeights:
            await self._without_engine(version_id)
            return False
        except (EngineFailed, audio.UnreadableAudio, OSError, NotFound) as error:
            await self._failed(version_id, slot, error)
            return True
        except asyncio.CancelledError:
            await asyncio.shield(self._hand_back(version_id))
            raise
        await self._store(version, slot, heard, model)
        return True

    async def _store(self, version: GreetingVersion, slot: GreetingSlot, heard: Heard, model: Model) -> None:
        judgement = spoken.judge(heard, slot.language, version.script, self._settings)
        async with self._database.transaction() as session:
            check = await session.get_one(GreetingCheck, version.id, with_for_update=True)
            check.state, check.next_attempt_at, check.error = GreetingCheckState.HEARD, None, None
            check.text, check.language = heard.text, heard.language
            check.language_confidence = heard.language_confidence
            check.wrong_language, check.remarks = judgement.wrong_language, checks.stored(judgement.remarks)
            check.engine, check.model, check.model_sha256 = model.engine, model.name, model.sha256
            check.checked_at = clock.now()
            in_force = await session.scalar(_standing(version.id))
            await publish(session, Event("greeting", slot.id, what="checked"))
        log.info("greetings.heard", version=version.id, language=heard.language, wrong=judgement.wrong_language)
        if judgement.wrong_language and in_force is not None:
            await tell_wrong_language(self._database, slot.line, slot.language)

    async def _without_engine(self, version_id: int | None = None) -> None:
        """Those that are due, and the one that we hold, are looked at again later."""
        async with self._database.transaction() as session:
            await session.execute(
                update(GreetingCheck)
                .where(or_(GreetingCheck.version_id == version_id, GreetingCheck.next_attempt_at <= clock.now()))
                .values(state=GreetingCheckState.NO_ENGINE, attempts=0, next_attempt_at=clock.now() + LOOK_AGAIN)
            )

    async def _failed(self, version_id: int, slot: GreetingSlot, error: Exception) -> None:
        """After some tries people listen themselves."""
        async with self._database.transaction() as session:
            check = await session.get_one(GreetingCheck, version_id, with_for_update=True)
            check.error = str(error)
            if check.attempts <= len(RETRY_AFTER):
                check.next_attempt_at = clock.now() + RETRY_AFTER[check.attempts - 1]
            else:
                check.state, check.next_attempt_at, check.checked_at = GreetingCheckState.FAILED, None, clock.now()
            await publish(session, Event("greeting", slot.id, what="checked"))
        log.warning("greetings.not_heard", version=version_id, error=repr(error))

    async def _hand_back(self, version_id: int) -> None:
        async with self._database.transaction() as session:
            check = await session.get_one(GreetingCheck, version_id, with_for_update=True)
            check.attempts -= 1
            check.next_attempt_at = clock.now()


def _due() -> Select[Any]:
    return select(GreetingCheck).where(GreetingCheck.next_attempt_at <= clock.now())


async def _lease(session: AsyncSession) -> GreetingCheck | None:
    """The one that waits longest, kept from others for a while; None while callers come first."""
    statement = _due()
    if await queue.unheard(session):
        statement = statement.where(GreetingCheck.next_attempt_at <= clock.now() - LONGEST_WAIT)
    found: GreetingCheck | None = await session.scalar(
        statement.order_by(GreetingCheck.next_attempt_at, GreetingCheck.version_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if found is not None:
        found.attempts += 1
        found.next_attempt_at = clock.now() + LEASE
        await session.flush()
    return found


def _standing(version_id: int) -> Select[Any]:
    now = clock.now()
    return (
        select(func.min(GreetingActivation.id))
        .where(GreetingActivation.version_id == version_id, GreetingActivation.starts_at <= now)
        .where(GreetingActivation.cancelled_at.is_(None))
        .where(or_(GreetingActivation.ends_at.is_(None), GreetingActivation.ends_at > now))
    )
