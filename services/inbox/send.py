"""Sending deliveries: lease, talk to the server, note the answer. See outbox.py for the one window that remains."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import perf_counter

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.inbox import metrics, outbox, problems
from services.inbox.compose import Outgoing, compose
from services.inbox.credentials import Credentials
from services.inbox.problems import N_
from services.inbox.smtp import Conversation, Fate, NotSent
from shared import clock
from shared.database import Database
from shared.models import Delivery
from shared.settings import Settings

log = structlog.get_logger(__name__)

CONCURRENT = 4  # conversations at a time
WAIT_FOR_ALL_ATTEMPTS = 5  # so often all are kept waiting for one recipient that is refused for now
ANSWER_RETRIES = 60  # seconds that an answer is held in hand while the database restarts

NOT_KNOWN = N_(
    "The connection ended after the mail was handed over and before the server confirmed it. It is not known "
    "whether it was delivered, so it was not sent again."
)


class Sender:
    def __init__(self, database: Database, settings: Settings, credentials: dict[str, Credentials]) -> None:
        self.database = database
        self.settings = settings
        self.credentials = credentials  # by mailbox name
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._well_keys: set[str] = set()  # known to have no open problem; an earlier process may have left one
        self._busy: set[int] = set()

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

    async def sweep(self) -> int:
        """Send what is due and was not rung for, and settle what a dead process left behind."""
        async with self.database.transaction() as session:
            unanswered = await outbox.unanswered(session)
            due = await outbox.due(session, limit=100)
        for delivery_id in unanswered:
            log.error("send.outcome_unknown", delivery=delivery_id)
            async with self.database.transaction() as session:
                await outbox.mark_failed(session, delivery_id, NOT_KNOWN)
            metrics.DELIVERIES.labels("unknown").inc()
        await asyncio.gather(*(self.send(delivery_id) for delivery_id in due))
        return len(due) + len(unanswered)

    async def _attempt(self, delivery_id: int) -> None:
        started = perf_counter()
        async with self.database.transaction() as session:
            delivery = await outbox.lease(session, delivery_id)
            name = await outbox.mailbox_name(session, delivery.mailbox_id) if delivery is not None else None
        if delivery is None:
            return
        credentials = self._choose(name)
        key = f"smtp:{credentials.mailbox.name}" if credentials else "smtp"
        try:
            if credentials is None:
                raise NotSent(Fate.LATER, "no mailbox with an SMTP server", problems.NO_SMTP)
            try:
                outgoing = compose(delivery, credentials.mailbox, self.settings.secret_key.get_secret_value())
            except ValueError as error:
                raise NotSent(Fate.REFUSED, str(error)) from error
            note = await self._converse(credentials, delivery, outgoing)
        except NotSent as error:
            await self._not_sent(delivery, error, key)
            return
        await self._settle(lambda session: outbox.mark_sent(session, delivery.id, note))
        metrics.DELIVERIES.labels("sent" if note is None else "partly_sent").inc()
        metrics.SEND_TIME.observe(perf_counter() - started)
        log.info("send.sent", delivery=delivery.id, attempts=delivery.attempts, note=note)
        await self._well(key)

    def _choose(self, name: str | None) -> Credentials | None:
        """The mailbox the delivery names, else the first one that can send."""
        if name is not None and (named := self.credentials.get(name)) is not None and named.mailbox.smtp is not None:
            return named
        return next((one for one in self.credentials.values() if one.mailbox.smtp is not None), None)

    async def _converse(self, credentials: Credentials, delivery: Delivery, outgoing: Outgoing) -> str | None:
        """The note about recipients left out, once the server has taken the mail. Raises NotSent."""
        conversation = Conversation(credentials)
        try:
            await conversation.open()
            envelope = await conversation.envelope(outgoing, f"centralita-{delivery.id}")
            if envelope.postponed and delivery.attempts <= WAIT_FOR_ALL_ATTEMPTS:
                # Nothing is handed over yet: wait for all, so that nobody gets it twice or late.
                await conversation.abort()
                raise NotSent(Fate.LATER, envelope.note() or "")
            async with self.database.transaction() as session:
                mine = await outbox.hand_over(session, delivery)
            if not mine:
                await conversation.abort()
                raise NotSent(Fate.LATER, "another process has taken this delivery")
            await conversation.content(outgoing)
            return envelope.note()
        finally:
            # The answer is noted first; the farewell may take its time.
            closing = asyncio.create_task(conversation.close())
            _farewells.add(closing)
            closing.add_done_callback(_farewells.discard)

    async def _not_sent(self, delivery: Delivery, error: NotSent, key: str) -> None:
        age = clock.now() - delivery.created_at
        give_up = age > timedelta(hours=self.settings.delivery_give_up_h)
        log.warning(
            "send.not_sent",
            delivery=delivery.id,
            fate=error.fate.name.lower(),
            attempts=delivery.attempts,
            error=error.words,
        )
        if error.fate is Fate.UNKNOWN:
            await self._settle(lambda session: outbox.mark_failed(session, delivery.id, NOT_KNOWN))
        elif error.fate is Fate.REFUSED or give_up:
            await self._settle(lambda session: outbox.mark_failed(session, delivery.id, error.words))
        else:
            after = back_off(delivery.attempts)
            await self._settle(lambda session: outbox.requeue(session, delivery.id, error.words, after))
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
