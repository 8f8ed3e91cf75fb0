"""The doors of intake: each takes one id, decides in one transaction, and may be called again and again, by many."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from weakref import WeakSet

import structlog
from sqlalchemy.exc import DBAPIError

from services.tickets import (
    intake_delivery,
    intake_mail,
    intake_recording,
    reply_templates,
    safety_texts,
    thread_repository,
)
from services.tickets import intake_repository as repository
from services.tickets.gather import Gatherer
from services.tickets.intake_reading import read
from services.tickets.locks import ChangedHands, lock_names
from services.tickets.thread import quoted_ids
from shared import clock, health
from shared.database import Database
from shared.errors import NotFound
from shared.models import IntakeOutcome, Message, Recording
from shared.settings import Settings

log = structlog.get_logger(__name__)
SERVICE = "tickets"
BATCH = 200  # found by one look of the sweep
TOGETHER = 100  # mails in one transaction: enough to share its costs, few enough to keep its locks short
AT_ONCE = 2  # of these transactions: the mails of one are read while the store works on the other
CONCURRENT = 4  # transactions of single mails at a time: enough to hide the round trips
MAX_CHAIN = 20  # mails of one thread taken in because a later one came first
MAX_BACK_OFF = timedelta(hours=6)
TRIES = 4
_GIVEN_UP = ("40001", "40P01")  # serialization failure, deadlock
_ERROR_CHARACTERS = 4000


async def take_in_message(database: Database, settings: Settings, message_id: int) -> None:
    """Exactly once: make a ticket of the mail, put it on its ticket, or hold it. A crash leaves a row that says why."""
    await _guarded(database, lambda: _take_in_message(database, settings, message_id, MAX_CHAIN), message_id=message_id)


async def take_in_messages(database: Database, settings: Settings, message_ids: Sequence[int]) -> None:
    """The same for many: plain mails together, and one by one what is not plain or did not work out together.

    Never raises for one of them; their rows say what went wrong.
    """
    parts = [message_ids[start : start + TOGETHER] for start in range(0, len(message_ids), TOGETHER)]
    await _a_few_at_once([partial(_take_in_part, database, settings, part) for part in parts], AT_ONCE)


async def _take_in_part(database: Database, settings: Settings, part: Sequence[int]) -> None:
    try:
        left = await _take_in_together(database, settings, part) if len(part) > 1 else part
    except Exception as error:  # one of them is to blame, and will say so
        log.warning("intake.one_by_one", messages=len(part), error=repr(error)[:500])
        left = part
    await _a_few_at_once([partial(take_in_message, database, settings, message_id) for message_id in left])


async def _take_in_together(database: Database, settings: Settings, message_ids: Sequence[int]) -> list[int]:
    """In one transaction, those that answer nothing and need nothing but a ticket. Returns the others."""
    async with database.transaction() as session:
        found = await repository.not_taken_in(session, message_ids)
        senders: set[str] = set()
        plain = []
        for message in found:
            if message.from_address not in senders and intake_mail.is_plain(message):
                senders.add(message.from_address)
                plain.append(message)
        readings = {message.id: read(settings, message) for message in plain}  # before any lock: it takes the longest
        await lock_names(session, {name for message in plain for name in lock_names_of(message)})
        known = await repository.beforehand(session, settings, [message.id for message in plain])
        answered = await thread_repository.answered_by(
            session, [message.rfc_message_id for message in plain if message.rfc_message_id]
        )
        plain = [
            message
            for message in plain
            if message.rfc_message_id not in answered
            and (each := known[message.id]).outcome is None
            and not (each.voicemail or each.own or each.judged_spam)
        ]
        if plain:
            await intake_mail.open_plain(session, settings, [(message, readings[message.id]) for message in plain])
        done = {message.id for message in plain}
        done |= {message_id for message_id, each in known.items() if each.outcome in repository.DONE}
    return [message.id for message in found if message.id not in done]


async def _a_few_at_once(turns: Sequence[Callable[[], Awaitable[None]]], at_once: int = CONCURRENT) -> None:
    """One that fails never holds up the others; messages and recordings say so in their row."""
    slots = asyncio.Semaphore(at_once)

    async def one(turn: Callable[[], Awaitable[None]]) -> None:
        async with slots:
            try:
                await turn()
            except Exception:
                log.exception("intake.turn_failed")

    async with asyncio.TaskGroup() as group:
        for turn in turns:
            group.create_task(one(turn))


async def take_in_recording(database: Database, settings: Settings, recording_id: int) -> None:
    """A ticket at once; again when there is a transcript, or when there will be none."""

    async def once() -> None:
        async with database.transaction() as session:
            recording = await session.get(Recording, recording_id)
            if recording is None:
                raise NotFound("There is no recording {number}.", number=recording_id)
            await lock_names(session, intake_recording.lock_names_of(recording))
            await session.refresh(recording)
            before = await repository.intake_of(session, recording_id=recording_id)
            if before is not None and before.outcome is IntakeOutcome.FAILED:
                _failed_keys.add(f"intake:recording:{recording_id}")
            await intake_recording.take_in(session, settings, recording)

    await _guarded(database, once, recording_id=recording_id)


async def take_in_delivery(database: Database, settings: Settings, delivery_id: int) -> None:
    """Put on the timeline, once, that a mail was sent or could not be."""
    async with database.transaction() as session:
        await intake_delivery.take_in(session, settings, delivery_id)


async def take_in_deliveries(database: Database, settings: Settings, delivery_ids: Sequence[int]) -> None:
    """The same for many: what needs no lock together, the rest one by one. Never raises for one of them."""
    async with database.transaction() as session:
        done = await intake_delivery.take_in_automatic(session, delivery_ids)
    await _a_few_at_once(
        [partial(take_in_delivery, database, settings, id_) for id_ in delivery_ids if id_ not in done]
    )


class Doors:
    """Intake as its callers share it: what rings and sweeps bring at once is looked at once, and together."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings = database, settings
        self.messages = Gatherer(partial(take_in_messages, database, settings))
        self.deliveries = Gatherer(partial(take_in_deliveries, database, settings))
        self.recordings = Gatherer(self._take_in_recordings)

    async def _take_in_recordings(self, ids: Sequence[int]) -> None:
        await _a_few_at_once([partial(take_in_recording, self.database, self.settings, id_) for id_ in ids])

    async def sweep(self) -> int:
        """Take in everything whose ring was lost, in parts of one look. Returns how many there were."""
        await _seed(self.database)
        async with self.database.transaction() as session:
            now = clock.now()
            messages = await repository.messages_to_take_in(session, now, BATCH)
            recordings = await repository.recordings_to_take_in(session, now, BATCH)
            deliveries = await repository.deliveries_to_note(session, BATCH)
        await self.messages.add(*messages)
        await self.recordings.add(*recordings)
        await self.deliveries.add(*deliveries)
        return len(messages) + len(recordings) + len(deliveries)


_seeded: WeakSet[Database] = WeakSet()


async def _seed(database: Database) -> None:
    """Once per process: what the product ships must stand in the table, where staff can change it."""
    if database in _seeded:
        return
    async with database.transaction() as session:
        await reply_templates.seed(session)
        await safety_texts.seed(session)
    _seeded.add(database)


async def _take_in_message(database: Database, settings: Settings, message_id: int, chain: int) -> None:
    """In its own transaction, after those of its thread that came before it and are not taken in yet."""
    earlier = await _attempt_message(database, settings, message_id, ready=chain == 0)
    if not earlier:
        return
    for earlier_id in earlier:
        try:
            await _take_in_message(database, settings, earlier_id, 0)
        except Exception:  # the earlier one has its own row and its own retries
            log.warning("intake.earlier_failed", message_id=earlier_id, later=message_id)
    await _attempt_message(database, settings, message_id, ready=True)


async def _attempt_message(database: Database, settings: Settings, message_id: int, *, ready: bool) -> list[int]:
    """Take it in, or say which mails it should wait for."""
    async with database.transaction() as session:
        message = await session.get(Message, message_id)
        if message is None:
            raise NotFound("There is no message {number}.", number=message_id)
        await lock_names(session, lock_names_of(message))
        known = (await repository.beforehand(session, settings, [message_id]))[message_id]
        if known.outcome in repository.DONE:
            return []
        if known.outcome is not None:
            _failed_keys.add(f"intake:message:{message_id}")  # perhaps by another process: resolved on success
        if not ready:
            ids = quoted_ids(message.in_reply_to, message.references)
            # Asked first: what is parsed between the two questions is found by the second.
            if await thread_repository.still_coming(session, ids, message):
                log.info("intake.waits_for_earlier_mail", message_id=message_id)
                return []  # the sweep comes back to it
            earlier = await repository.waiting_messages(session, ids, message)
            if earlier:
                return earlier
        await intake_mail.take_in(session, settings, message, known)
    return []


def lock_names_of(message: Message) -> list[str]:
    """Everything that may touch the same ticket or customer at the same moment waits for the other."""
    ids = [*quoted_ids(message.in_reply_to, message.references), message.rfc_message_id or ""]
    names = {f"thread:{rfc_id}" for rfc_id in ids if rfc_id}
    names.add(f"message:{message.id}")
    # Those who wrote, and those who are answered: each is acknowledged once.
    names |= {
        f"customer:{address.strip().lower()}" for address in (message.from_address, *message.reply_to[:1]) if address
    }
    return sorted(names)


async def _guarded(
    database: Database,
    take: Callable[[], Awaitable[None]],
    *,
    message_id: int | None = None,
    recording_id: int | None = None,
) -> None:
    key = f"intake:message:{message_id}" if message_id is not None else f"intake:recording:{recording_id}"
    try:
        await _retried(take)
    except NotFound:
        raise
    except Exception as error:
        log.exception("intake.failed", message_id=message_id, recording_id=recording_id)
        failed_before = await _note_failure(database, message_id, recording_id)
        what = f"message {message_id}" if message_id is not None else f"recording {recording_id}"
        await health.report(
            database,
            SERVICE,
            key,
            f"Taking in {what} failed: {type(error).__name__}",
            "It is tried again by itself; the error stands in its intake row.",
        )
        if failed_before is None:
            raise
    else:
        await _resolve_if_failed_before(database, key)


async def _retried(take: Callable[[], Awaitable[None]]) -> None:
    """A transaction that the database gave up for another's sake is simply done again: nothing is wrong with it."""
    for _ in range(TRIES - 1):
        try:
            await take()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _GIVEN_UP:
                raise
            log.info("intake.again", sqlstate=getattr(error.orig, "sqlstate", None))
            await asyncio.sleep(0.05)
        except ChangedHands:
            log.info("intake.again", reason="the ticket was merged meanwhile")
        else:
            return
    await take()


_failed_keys: set[str] = set()  # what this process has seen fail: success need not look for a problem otherwise


async def _resolve_if_failed_before(database: Database, key: str) -> None:
    if key in _failed_keys:
        await health.resolve(database, SERVICE, key)
        _failed_keys.discard(key)


async def _note_failure(database: Database, message_id: int | None, recording_id: int | None) -> int | None:
    """Write the attempt down with its error and when to try again. None when even that was not possible."""
    _failed_keys.add(f"intake:message:{message_id}" if message_id is not None else f"intake:recording:{recording_id}")
    try:
        async with database.transaction() as session:
            before = await repository.intake_of(session, message_id=message_id, recording_id=recording_id)
            if before is not None and before.outcome in repository.DONE:
                return before.attempts  # the row of an earlier success stands: a later transcript will be seen again
            attempts = (before.attempts if before is not None else 0) + 1
            await repository.put_intake(
                session,
                message_id=message_id,
                recording_id=recording_id,
                outcome=IntakeOutcome.FAILED,
                attempts=attempts,
                error=traceback.format_exc()[-_ERROR_CHARACTERS:],
                next_attempt_at=clock.now() + back_off(attempts),
            )
            return attempts
    except Exception:
        log.exception("intake.failure_not_noted", message_id=message_id, recording_id=recording_id)
        return None


def back_off(attempts: int) -> timedelta:
    """Half a minute, doubling, up to six hours."""
    return min(timedelta(seconds=30 << min(attempts - 1, 12)), MAX_BACK_OFF)
