"""How each door of recordings is: written down by whoever keeps it, shown on the page Health.

A state is written when it changes, and once a minute while it stays: a door whose process died is seen by its silence.
"""

import time
from collections import Counter
from dataclasses import dataclass

import structlog
from sqlalchemy import case, delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.database import Database
from shared.models import Door, DoorKind, DoorState
from shared.settings import Settings

log = structlog.get_logger(__name__)

REPEAT_S = 60.0
REFUSALS_S = 1.0
KINDS = {kind.value: kind for kind in DoorKind}


def kind_of(name: str) -> DoorKind:
    return KINDS[name.partition(":")[0]]


async def came(session: AsyncSession, name: str, recording_id: int) -> None:
    """A recording has just come through."""
    now = clock.now()
    row = insert(Door).values(
        name=name, kind=kind_of(name), state=DoorState.OPEN, state_at=now, seen_at=now, last_message_at=now,
        last_recording_id=recording_id, messages=1,
    )  # fmt: skip
    await session.execute(
        row.on_conflict_do_update(
            index_elements=["name"],
            set_={
                "last_message_at": now,
                "last_recording_id": recording_id,
                "messages": Door.messages + 1,
                "seen_at": now,
            },
        )
    )


class Refusals:
    """Counts, in one web process, who knocked and could not show that they may.

    Anybody may knock, as often as they like: what is not written at once is written with a later one, a second later or
    when it is as many as were written before. A flood costs a write a second, and Health shows at least half of it.
    """

    def __init__(self) -> None:
        self._written: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._wrote_at: dict[str, float] = {}

    async def note(self, database: Database, name: str) -> None:
        self._waiting[name] += 1
        soon = time.monotonic() < self._wrote_at.get(name, 0.0) + REFUSALS_S
        if soon and self._waiting[name] < self._written[name]:
            return
        count = self._waiting.pop(name)
        self._written[name] += count
        self._wrote_at[name] = time.monotonic()
        log.warning("door.refused", door=name, times=count)
        now = clock.now()
        row = insert(Door).values(
            name=name, kind=kind_of(name), state=DoorState.OPEN, state_at=now, seen_at=now, refused=count,
            last_refused_at=now,
        )  # fmt: skip
        more = {"refused": Door.refused + count, "last_refused_at": now, "seen_at": now}
        async with database.transaction() as session:
            await session.execute(row.on_conflict_do_update(index_elements=["name"], set_=more))


@dataclass
class Keeper:
    """Writes the state of one door that a process keeps open."""

    database: Database
    name: str
    _told: tuple[DoorState, str] | None = None
    _told_at: float = 0.0

    async def open(self) -> None:
        await self._tell(DoorState.OPEN, "")

    async def failed(self, error: str) -> None:
        await self._tell(DoorState.FAILED, error)

    async def _tell(self, state: DoorState, error: str) -> None:
        if self._told == (state, error) and time.monotonic() - self._told_at < REPEAT_S:
            return
        now = clock.now()
        row = insert(Door).values(
            name=self.name, kind=kind_of(self.name), state=state, state_at=now, seen_at=now, error=error or None
        )
        since = case((Door.state == state, Door.state_at), else_=now)
        async with self.database.transaction() as session:
            await session.execute(
                row.on_conflict_do_update(
                    index_elements=["name"],
                    set_={"state": state, "state_at": since, "seen_at": now, "error": error or None},
                )
            )
        self._told, self._told_at = (state, error), time.monotonic()


def configured(settings: Settings) -> list[str]:
    """The doors that there should be, by these settings."""
    names = [f"spool:{spool.name}" for spool in settings.spools]
    names += [f"ami:{spool.name}" for spool in settings.spools if spool.ami is not None]
    names += [f"freeswitch:{each.name}" for each in settings.freeswitches]
    names += [f"esl:{each.name}" for each in settings.freeswitches if each.host is not None]
    names += [f"callback:{each.name}" for each in settings.recording_callbacks]
    return [*names, "email", "upload"]


async def prepare(database: Database, settings: Settings) -> None:
    """A row for each door of the settings, and none for those that were taken out of them."""
    wanted = configured(settings)
    now = clock.now()
    async with database.transaction() as session:
        await session.execute(delete(Door).where(Door.name.not_in(wanted)))
        await session.execute(
            insert(Door)
            .values([{"name": name, "kind": kind_of(name), "state_at": now, "seen_at": now} for name in wanted])
            .on_conflict_do_nothing()
        )
        called = [name for name in wanted if kind_of(name) in (DoorKind.EMAIL, DoorKind.CALLBACK, DoorKind.UPLOAD)]
        await session.execute(
            update(Door)
            .where(Door.name.in_(called), Door.state == DoorState.STARTING)
            .values(state=DoorState.OPEN, state_at=now, seen_at=now)
        )
