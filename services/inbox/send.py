"""Sending deliveries: lease, talk to the server, note the answer. See outbox.py for the one window that remains."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from time import perf_counter

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.inbox import metrics, outbox, problems
from services.inbox.compose import Outgoing, compose
from services.inbox.credentials import Credentials
from services.inbox.pacing import Pace, domains_of
from services.inbox.problems import N_
from services.inbox.sent_copies import keeps_copy
from services.inbox.smtp import Conversation, Fate, NotSent
from shared import clock
from shared.blobs import Blobs
from shared.database import Database
from shared.errors import NotFound
from shared.models import Delivery, DeliveryFailure, DeliveryFile
from shared.settings import Settings

log = structlog.get_logger(__name__)

CONCURRENT = 4  # conversations at a time
WAIT_FOR_ALL_ATTEMPTS = 5  # so often all are kept waiting for one recipient that is refused for now
SOON_AGAIN = 3  # attempts after which a mail whose line was cut is tried again within seconds
LARGE = 1_000_000  # bytes that may take longer than a lease
ANSWER_RETRIES = 60  # seconds that an answer is held in hand while the database restarts
STOP_WITHIN_S = 5.0

FILE_MISSING = N_("The bytes of an attachment are not in the store any more.")
MAILBOX_PAUSED = N_("The mailbox it leaves from is paused; it is sent when an administrator resumes it.")
NOT_KNOWN = N_(
    "The connection ended after the mail was handed over and before the server confirmed it. It is not known "
    "whether it was delivered, so it was not sent again."
)


class NotOurs(Exception):
    """The delivery was taken back by its writer, or another process has it: nothing was handed over."""


class Sender:
    def __init__(self, database: Database, settings: Settings, credentials: dict[str, Credentials]) -> None:
        self.database = database
        self.settings = settings
        self.credentials = credentials  # by mailbox name
        self.blobs = Blobs.from_settings(settings)
        self.pace = Pace(timedelta(seconds=settings.domain_interval_s), settings.domain_concurrency)
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._well_keys: set[str] = set()  # known to have no open problem; an earlier process may have left one
        self._busy: set[int] = set()
        self._alarms: dict[int, asyncio.TimerHandle] = {}
        self._crowded: defaultdict[str, dict[int, None]] = defaultdict(dict)  # by domain, what waits for room at it
        self._woken: set[asyncio.Task[None]] = set()

    async def send(self, delivery_id: int) -> None:
        """One attempt, when the delivery is due. Safe to call twice, from as many processes as you like."""
        if delivery_id in self._busy:
            return
        self._busy.add(delivery_id)
        try:
            async with self._slots:
                await self._attempt(delivery_id)
        finally:
            self._busy.discard(delivery_id)

    async def send_all(self, *delivery_ids: int) -> None:
        """The same for many. In a burst most only have to wait for their turn: they get it together, and are not looked
        at one by one before it has come."""
        waiting: dict[int, datetime] = {}
        if len(delivery_ids) > CONCURRENT:
            async with self.database.transaction() as session:
                waiting = await outbox.give_turns(session, delivery_ids, self.pace)
            for delivery_id, at in waiting.items():
                self._wake_at(delivery_id, at)
        await asyncio.gather(*(self.send(id_) for id_ in delivery_ids if id_ not in waiting))

    async def sweep(self) -> int:
        """Send what is due and was not rung for, and settle what a dead process left behind."""
        async with self.database.transaction() as session:
            unanswered = await outbox.unanswered(session)
            due = await outbox.due(session, limit=100)
            soon = await outbox.due(session, limit=200, within=timedelta(seconds=self.settings.sweep_s))
        for delivery in unanswered:
            log.error("send.outcome_unknown", delivery=delivery.id)
            async with self.database.transaction() as session:
                await outbox.mark_failed(session, delivery, NOT_KNOWN, DeliveryFailure.UNKNOWN)
            metrics.DELIVERIES.labels("unknown").inc()
        for delivery_id, at in soon[len(due) :]:
            self._wake_at(delivery_id, at)
        await self.send_all(*(delivery_id for delivery_id, _ in due))
        return len(due) + len(unanswered)

    async def stop(self) -> None:
        """No alarm goes off any more; what is on its way has a moment to end."""
        for alarm in self._alarms.values():
            alarm.cancel()
        self._alarms.clear()
        if unfinished := [*self._woken, *_farewells]:
            _, late = await asyncio.wait(unfinished, timeout=STOP_WITHIN_S)
            for task in late:
                task.cancel()

    def _wake_at(self, delivery_id: int, at: datetime) -> None:
        """Be there when its time comes. What is farther off than the next sweep is left to that."""
        delay = (at - clock.now()).total_seconds()
        if delivery_id not in self._alarms and delay <= self.settings.sweep_s * 2 + 1:
            self._alarms[delivery_id] = asyncio.get_running_loop().call_later(
                max(0.0, delay) + 0.005, self._wake, delivery_id
            )

    def _wake(self, delivery_id: int) -> None:
        self._alarms.pop(delivery_id, None)
        if delivery_id in self._busy:  # it is being looked at, perhaps too early
            self._wake_at(delivery_id, clock.now() + timedelta(seconds=0.05))
            return
        task = asyncio.create_task(self._woken_send(delivery_id))
        self._woken.add(task)
        task.add_done_callback(self._woken.discard)

    def _wake_crowded(self, domains: Sequence[str]) -> None:
        """At each of these a mail has ended: the one that waits longest for room there looks again."""
        for domain in domains:
            waiting = self._crowded.pop(domain, {})
            while waiting:
                delivery_id = next(iter(waiting))
                del waiting[delivery_id]
                if (alarm := self._alarms.get(delivery_id)) is not None:  # else it has looked by itself meanwhile
                    alarm.cancel()
                    self._wake(delivery_id)
                    break
            if waiting:
                self._crowded[domain] = waiting

    async def _woken_send(self, delivery_id: int) -> None:
        try:
            await self.send(delivery_id)
        except Exception as error:  # the database is away: the sweep comes back to it
            log.warning("send.alarm_failed", delivery=delivery_id, error=repr(error)[:300])

    async def _attempt(self, delivery_id: int) -> None:
        started = perf_counter()
        async with self.database.transaction() as session:
            delivery = await outbox.lease(session, delivery_id, self.pace)
            if isinstance(delivery, Delivery):
                name = await outbox.mailbox_name(session, delivery.mailbox_id)
                files = await outbox.files_of(session, delivery_id)
        if isinstance(delivery, outbox.Wait):
            for domain in delivery.crowded:
                self._crowded[domain][delivery_id] = None
            self._wake_at(delivery_id, delivery.until)
            return
        if delivery is None:
            return
        try:
            await self._leased(delivery, name, files, started)
        finally:
            self._wake_crowded(domains_of([*delivery.to_addresses, *delivery.cc_addresses]))

    async def _leased(
        self, delivery: Delivery, name: str | None, files: Sequence[DeliveryFile], started: float
    ) -> None:
        credentials = self._choose(name)
        key = f"smtp:{credentials.mailbox.name}" if credentials else "smtp"
        try:
            if credentials is None:
                raise NotSent(Fate.LATER, "no mailbox with an SMTP server", problems.NO_SMTP)
            if credentials.paused:
                raise NotSent(Fate.LATER, MAILBOX_PAUSED)
            await credentials.turn()
            try:
                contents = [(file, await self._bytes(file)) for file in files]
                outgoing = compose(delivery, credentials.mailbox, self.settings, contents)
            except ValueError as error:
                raise NotSent(Fate.REFUSED, str(error), failure=DeliveryFailure.ADDRESS) from error
            note = await self._converse(credentials, delivery, outgoing)
        except NotSent as error:
            await self._not_sent(delivery, error, key)
            return
        except NotOurs:
            log.info("send.taken_back", delivery=delivery.id)
            return
        copy_to = credentials.mailbox.name if keeps_copy(delivery, credentials.mailbox) else None
        await self._settle(lambda session: outbox.mark_sent(session, delivery, note, copy_to))
        metrics.DELIVERIES.labels("sent" if note is None else "partly_sent").inc()
        metrics.SEND_TIME.observe(perf_counter() - started)
        log.info("send.sent", delivery=delivery.id, attempts=delivery.attempts, note=note)
        await self._well(key)

    async def _bytes(self, file: DeliveryFile) -> bytes:
        try:
            return await self.blobs.get(file.blob)
        except NotFound as error:
            raise NotSent(Fate.REFUSED, FILE_MISSING, failure=DeliveryFailure.FILE) from error
        except OSError as error:
            raise NotSent(Fate.LATER, str(error)[:500], problems.DISK_FAILS) from error

    def _choose(self, name: str | None) -> Credentials | None:
        """The mailbox the delivery names, paused or not, else the first one that can send now."""
        if name is not None and (named := self.credentials.get(name)) is not None and named.mailbox.smtp is not None:
            return named
        able = (one for one in self.credentials.values() if one.mailbox.smtp is not None and not one.paused)
        return next(able, None)

    async def _converse(self, credentials: Credentials, delivery: Delivery, outgoing: Outgoing) -> str | None:
        """The note about recipients left out, once the server has taken the mail. Raises NotSent or NotOurs."""
        conversation = Conversation(credentials)
        try:
            await conversation.open()
            data = outgoing.as_bytes(utf8=conversation.needs_utf8(outgoing))
            envelope = await conversation.envelope(outgoing, data, f"centralita-{delivery.id}")
            if envelope.postponed and delivery.attempts <= WAIT_FOR_ALL_ATTEMPTS:
                # Nothing is handed over yet: wait for all, so that nobody gets it twice or late.
                await conversation.abort()
                raise NotSent(
                    Fate.LATER, envelope.note() or "", failure=DeliveryFailure.RECIPIENT, busy=envelope.postponed
                )
            if len(data) > LARGE:
                async with self.database.transaction() as session:
                    await outbox.prolong(session, delivery)
            await conversation.content(data, envelope, lambda: self._hand_over(delivery))
            return envelope.note()
        finally:
            # The answer is noted first; the farewell may take its time.
            closing = asyncio.create_task(conversation.close())
            _farewells.add(closing)
            closing.add_done_callback(_farewells.discard)

    async def _hand_over(self, delivery: Delivery) -> None:
        """Noted before the line that ends the mail is written. Raises NotOurs, and then that line never is."""
        async with self.database.transaction() as session:
            if not await outbox.hand_over(session, delivery):
                raise NotOurs

    async def _not_sent(self, delivery: Delivery, error: NotSent, key: str) -> None:
        age = clock.now() - delivery.tried_since
        give_up = error.fate is Fate.LATER and age > timedelta(hours=self.settings.delivery_give_up_h)
        log.warning(
            "send.not_sent",
            delivery=delivery.id,
            fate=error.fate.name.lower(),
            attempts=delivery.attempts,
            error=error.words,
        )
        if error.fate is Fate.LATER and not give_up:
            soon = error.soon and delivery.attempts <= SOON_AGAIN
            after = timedelta(seconds=delivery.attempts) if soon else back_off(delivery.attempts)
            busy = domains_of(error.busy)
            await self._settle(lambda session: outbox.requeue(session, delivery, error.words, after, busy))
            self._wake_at(delivery.id, clock.now() + after)
        else:
            words = NOT_KNOWN if error.fate is Fate.UNKNOWN else error.words
            failure = DeliveryFailure.GAVE_UP if give_up else error.failure
            await self._settle(lambda session: outbox.mark_failed(session, delivery, words, failure))
        outcome = "failed" if error.fate is Fate.REFUSED or give_up else error.fate.name.lower()
        metrics.DELIVERIES.labels(outcome).inc()
        if error.trouble is not None:
            await problems.report(self.database, key, error.trouble)
            self._well_keys.discard(key)
        else:
            await self._well(key)  # the server works; it is this mail that it does not take

    async def _settle(self, change: Callable[[AsyncSession], Awaitable[None]]) -> None:
        """Note the answer, also when the database restarts just now: losing it would leave the outcome unknown."""
        for attempt in range(ANSWER_RETRIES):
            try:
                async with self.database.transaction() as session:
                    await change(session)
                return
            except Exception as error:
                if attempt == ANSWER_RETRIES - 1:
                    raise
                log.warning("send.answer_not_noted", error=repr(error))
                await asyncio.sleep(1)

    async def _well(self, key: str) -> None:
        for each in {key, "smtp"} - self._well_keys:
            await problems.resolve(self.database, each)
            self._well_keys.add(each)


_farewells: set[asyncio.Task[None]] = set()


def back_off(attempts: int) -> timedelta:
    """Half a minute, doubling to an hour, with jitter."""
    seconds = min(3600.0, 30.0 * 2.0 ** min(max(attempts, 1) - 1, 12))
    return timedelta(seconds=seconds * random.uniform(0.75, 1.25))  # noqa: S311
