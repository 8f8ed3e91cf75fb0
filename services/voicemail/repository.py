"""The queries of the transcription queue: leases, so that two workers never hear the same recording."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shared import clock
from shared.models import Recording, RecordingState

RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=10))  # after the first and second failure; then given up
MAX_ATTEMPTS = len(RETRY_AFTER) + 1
DOOR_TIME = timedelta(seconds=15)


def _unleased(now: datetime) -> ColumnElement[bool]:
    return or_(Recording.leased_until.is_(None), Recording.leased_until < now)


def _unheard(now: datetime) -> ColumnElement[bool]:
    """Recordings that have no transcript and should have one now, whoever may be at it."""
    return and_(
        or_(
            Recording.state.in_((RecordingState.RECEIVED, RecordingState.NO_ENGINE)),
            and_(Recording.state == RecordingState.FAILED, Recording.next_attempt_at <= now),
        ),
        Recording.same_as.is_(None),
    )


def _waiting(now: datetime) -> ColumnElement[bool]:
    """Recordings that a transcriber should take up."""
    return and_(
        _unheard(now),
        Recording.compare_until.is_(None),
        # Its door is still decoding it, unless that took so long that the door must have died.
        or_(Recording.playback_blob.is_not(None), Recording.received_at < now - DOOR_TIME),
        _unleased(now),
    )


async def lease_next(session: AsyncSession, lease: timedelta) -> Recording | None:
    """The next waiting recording, leased to us, its attempt counted before anything can go wrong.

    Urgent ones first. Among the others mailboxes take turns, the one that waited longest since its last turn first:
    a hundred recordings in one mailbox do not hold up the single one in another. Within a mailbox, the oldest.
    """
    now = clock.now()
    same_mailbox = aliased(Recording)
    last_turn = (
        select(func.max(same_mailbox.taken_up_at))
        .where(same_mailbox.line == Recording.line, same_mailbox.mailbox == Recording.mailbox)
        .scalar_subquery()
    )
    recording = await session.scalar(
        select(Recording)
        .where(_waiting(now))
        .order_by(Recording.urgent.desc(), last_turn.asc().nulls_first(), Recording.received_at, Recording.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Recording)
    )
    if recording is None:
        return None
    recording.leased_until = now + lease
    recording.taken_up_at = now
    recording.attempts += 1
    return recording


async def unheard(session: AsyncSession) -> bool:
    """Whether any caller is not heard yet: those whose turn it is, who are being heard, and who have only arrived."""
    return bool(await session.scalar(select(select(Recording.id).where(_unheard(clock.now())).exists())))


async def renew(session: AsyncSession, recording_id: int, held_until: datetime, lease: timedelta) -> datetime | None:
    """Hold on to a lease; None when it is no longer ours."""
    until = clock.now() + lease
    renewed = await session.scalar(
        update(Recording)
        .where(Recording.id == recording_id, Recording.leased_until == held_until)
        .values(leased_until=until)
        .returning(Recording.id)
    )
    return until if renewed is not None else None


async def held(session: AsyncSession, recording_id: int, held_until: datetime) -> Recording | None:
    """The recording, locked, if our lease still stands."""
    found: Recording | None = await session.scalar(
        select(Recording)
        .where(Recording.id == recording_id, Recording.leased_until == held_until)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def mark_without_engine(session: AsyncSession) -> Sequence[int]:
    """Say of every recording that has just arrived that nobody can transcribe it yet."""
    changed = await session.scalars(
        update(Recording)
        .where(
            Recording.state == RecordingState.RECEIVED,
            Recording.playback_blob.is_not(None),
            Recording.same_as.is_(None),
            _unleased(clock.now()),
        )
        .values(state=RecordingState.NO_ENGINE, leased_until=None)
        .returning(Recording.id)
    )
    return changed.all()


async def lease_unprepared(session: AsyncSession, lease: timedelta) -> Sequence[int]:
    """Recordings whose bytes were kept but never looked into: their process died at that moment.

    Counted as an attempt beforehand: bytes that kill their decoder must not do so for ever.
    """
    now = clock.now()
    forgotten = (
        select(Recording.id)
        .where(
            Recording.state.in_((RecordingState.RECEIVED, RecordingState.NO_ENGINE)),
            Recording.playback_blob.is_(None),
            Recording.attempts < MAX_ATTEMPTS,
            Recording.received_at < now - DOOR_TIME,
            _unleased(now),
        )
        .order_by(Recording.id)
        .limit(20)
        .with_for_update(skip_locked=True)
    )
    leased = await session.scalars(
        update(Recording)
        .where(Recording.id.in_(forgotten))
        .values(attempts=Recording.attempts + 1, leased_until=now + lease)
        .returning(Recording.id)
    )
    return leased.all()


async def waiting(session: AsyncSession) -> int:
    count = await session.scalar(select(func.count()).select_from(Recording).where(_waiting(clock.now())))
    return count or 0
