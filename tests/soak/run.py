"""One run: the stories of a seed, lived through in rounds, with or without the monkey, until nothing is under way."""

import asyncio
import functools
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from tests.soak.center import Center
from tests.soak.desk import Desk
from tests.soak.mails import Known, Letter, Story, stories
from tests.soak.monkey import Monkey
from tests.soak.outcome import Outcome, dying, outcome, told, unfinished

ROUND = 500  # stories at a time
POSTING = 6  # mails on their way to us at the same moment
ANSWERING = 4
STUCK_S = 240.0  # without anything new


@dataclass
class Told:
    """A run's outcome, and what was done to it."""

    outcome: Outcome
    mails: int
    faults_caused: Counter[str]
    cuts: int
    repeated: int  # requests of CSRs whose answer was lost
    seconds: float
    replayed: int  # dead letters


async def run(
    seed: int, size: int, *, pause_s: float | None, spread_s: float = 0.0, say: Callable[[str], None] = lambda _: None
) -> Told:
    """`pause_s`: from one fault to the next, None for a calm run. `spread_s`: over how long a round's mails arrive, so
    that more kinds of faults hit them; every kind happens at least once before a run ends.

    Raises AssertionError when something stays under way for minutes.
    """
    told_stories = stories(seed, size)
    began = monotonic()
    async with Center(staff=max(2, len(told_stories) // 100)) as center:
        desk = Desk(center)
        monkey = Monkey(center, seed, pause_s=pause_s or 0)
        stop = asyncio.Event()
        rampage = asyncio.create_task(monkey.rampage(stop)) if pause_s is not None else None
        try:
            for start in range(0, len(told_stories), ROUND):
                part = told_stories[start : start + ROUND]
                await _Round(center, desk, part, spread_s).live()
                done = sum(story.mails for story in told_stories[: start + len(part)])
                say(f"{done:6} mails, {monkey.done.total():4} faults, {monotonic() - began:6.0f} s")
            if rampage is not None:  # a few mails may be through sooner
                await asyncio.wait_for(monkey.every_fault.wait(), STUCK_S)
        finally:
            stop.set()
            if rampage is not None:
                await rampage
            await desk.close()
        if rampage is not None:
            await center.as_after_a_power_cut()
        refused = Counter(story.shape for story in told_stories)
        await _until(center, functools.partial(dying, refused["refused_by_inbox"], refused["refused_by_desk"]))
        replayed = await center.repair()
        await _until(center, unfinished)
        return Told(
            outcome=await outcome(center),
            mails=sum(story.mails for story in told_stories),
            faults_caused=monkey.done,
            cuts=center.imap.cuts + center.smtp.cuts,
            repeated=desk.repeated,
            seconds=monotonic() - began,
            replayed=replayed,
        )


async def _until(center: Center, left_over: Callable[[Center], Awaitable[list[str]]]) -> None:
    watch = _Stuck()
    while left := await left_over(center):
        watch.look(left, f"still under way:\n{told(left)}")
        await asyncio.sleep(0.5)


class _Stuck:
    """Complains when what it is shown does not change any more."""

    def __init__(self) -> None:
        self._last: object = None
        self._since = monotonic()

    def look(self, state: object, words: str) -> None:
        if state != self._last:
            self._last, self._since = state, monotonic()
        elif monotonic() - self._since > STUCK_S:
            raise AssertionError(f"nothing new for {STUCK_S:.0f} s; {words}")


class _Round:
    """Stories that begin together; each goes on as soon as it can."""

    def __init__(self, center: Center, desk: Desk, told_stories: Sequence[Story], spread_s: float) -> None:
        self._center, self._desk = center, desk
        self._stories = told_stories
        self._spread_s = spread_s
        self._posting = asyncio.Semaphore(POSTING)
        self._answering = asyncio.Semaphore(ANSWERING)
        self._tickets: dict[str, asyncio.Future[tuple[int, str]]] = {}  # by subject
        self._left: dict[int, asyncio.Future[str]] = {}  # by delivery: its Message-ID, once it is sent or failed

    async def live(self) -> None:
        looking = asyncio.create_task(self._look())
        telling = asyncio.create_task(self._tell_all())
        try:
            await asyncio.wait({looking, telling}, return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                await looking  # says what does not move
            await telling
        finally:
            looking.cancel()
            telling.cancel()
            await asyncio.gather(looking, telling, return_exceptions=True)

    async def _tell_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for place, story in enumerate(self._stories):
                group.create_task(self._tell(place, story))

    async def _tell(self, place: int, story: Story) -> None:
        await asyncio.sleep(self._spread_s * place / len(self._stories))
        for letter in story.opening:
            await self._post(letter)
        if not story.answer:
            return
        ticket, token = await self._tickets.setdefault(story.subject, asyncio.Future())
        async with self._answering:
            delivery = await self._desk.answer(story, ticket)
        if story.after:
            reply_id = await self._left.setdefault(delivery, asyncio.Future())
            await self._post(story.follow_up(Known(ticket, token, reply_id)))

    async def _post(self, letter: Letter) -> None:
        async with self._posting:
            await self._center.post(letter)

    async def _look(self) -> None:
        """What became of the mails that a story waits for."""
        watch = _Stuck()
        while True:
            tickets = {key: future for key, future in self._tickets.items() if not future.done()}
            left = {key: future for key, future in self._left.items() if not future.done()}
            watch.look(
                (tickets.keys(), left.keys()), f"no ticket of {told(tickets)}, or deliveries {told(map(str, left))}"
            )
            if tickets:
                for row in await self._center.fetch(
                    "SELECT subject, id, reply_token FROM ticket WHERE subject = ANY(:subjects)"
                    " AND linked_ticket_id IS NULL",
                    subjects=list(tickets),
                ):
                    if not tickets[row.subject].done():
                        tickets[row.subject].set_result((row.id, row.reply_token))
            if left:
                for row in await self._center.fetch(
                    "SELECT id, rfc_message_id FROM delivery WHERE id = ANY(:ids) AND state IN ('sent', 'failed')",
                    ids=list(left),
                ):
                    left[row.id].set_result(row.rfc_message_id)
            await asyncio.sleep(0.3)
