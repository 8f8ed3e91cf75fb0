"""What people do with greetings: publish, approve, roll back, end; alike from the page and the API, all audited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail.greetings import record, repository, resolve, rules
from services.voicemail.greetings.resolve import Standing
from services.voicemail.greetings.rules import Obstacle
from services.voicemail.greetings.versions import tell
from shared import clock
from shared.calendar import load_open_time
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.models import (
    ApprovalDecision,
    GreetingActivation,
    GreetingApproval,
    GreetingSlot,
    GreetingVersion,
    Situation,
)
from shared.people import Actor, Permission
from shared.settings import Settings

FARTHEST = timedelta(days=3660)  # a typing error in the year, and more than databases and calendars agree on
MAX_REASON = 500
# What callers have heard before may be heard again in a hurry, unless somebody found a fault in it since.
HEARD_BEFORE = rules.CONFIRMABLE | {Obstacle.NOT_APPROVED}


@dataclass(frozen=True)
class Order:
    """From when to when a version shall stand, with the other language's or why without, and what is answered for."""

    starts_at: datetime | None = None  # now
    ends_at: datetime | None = None  # until another; an emergency ends by itself after some hours
    pair_version_id: int | None = None
    alone_because: str = ""
    confirmed: frozenset[Obstacle] = frozenset()


async def publish(
    session: AsyncSession, settings: Settings, me: Actor, version_id: int, order: Order
) -> GreetingActivation:
    """Let a version stand in its slot, with its pair in the other language.

    Raises rules.NotPublishable, and Invalid or Conflict for times and pairs that cannot be.
    """
    me.require(Permission.GREETING_WRITE)
    version = await repository.version_or_error(session, version_id)
    slot = await repository.slot_or_error(session, version.slot_id)
    because = order.alone_because.strip()
    pair = await _pair(session, settings, slot, order.pair_version_id, because)
    for each in sorted({version.slot_id, *([pair.slot_id] if pair else [])}):
        await repository.slot_or_error(session, each, lock=True)
    for each_version in [version, *([pair] if pair else [])]:
        await _refuse_obstacles(session, settings, each_version, slot.situation, order)
    begins, ends = _times(settings, slot.situation, order)
    made = await _stand(session, me, version, begins, ends, order.confirmed, because="" if pair else because)
    if pair is not None:
        other = await _stand(session, me, pair, begins, ends, order.confirmed)
        made.pair_id, other.pair_id = other.id, made.id
        await session.flush()
    return made


async def decide(
    session: AsyncSession,
    settings: Settings,
    me: Actor,
    version_id: int,
    decision: ApprovalDecision,
    note: str = "",
) -> GreetingApproval:
    """Approve or reject somebody else's version. Raises Forbidden to its author: four eyes are two people."""
    me.require(Permission.GREETING_WRITE)
    version = await repository.version_or_error(session, version_id)
    slot = await repository.slot_or_error(session, version.slot_id, lock=True)
    if version.author_id == me.id:
        raise Forbidden("You made this version, so somebody else must approve it.")
    note = note.strip()
    if len(note) > MAX_REASON:
        raise Invalid("The note is too long: at most {limit} characters.", field="note", limit=MAX_REASON)
    if decision is ApprovalDecision.REJECTED and not note:
        raise Invalid("Say what is wrong with it, so that its author can put it right.", field="note")
    made = GreetingApproval(version_id=version.id, person_id=me.id, decision=decision, note=note)
    session.add(made)
    await session.flush()
    await session.refresh(made)
    verb = "approve" if decision is ApprovalDecision.APPROVED else "reject"
    record.audited(session, me, f"greeting.{verb}", slot, after=version, note=note)
    await tell(session, slot, verb)
    return made


async def roll_back(session: AsyncSession, settings: Settings, me: Actor, slot_id: int) -> GreetingActivation:
    """Publish again what stood in the slot before what stands there now; the pair goes back with it."""
    me.require(Permission.GREETING_WRITE)
    slot = await repository.slot_or_error(session, slot_id)
    now = clock.now()
    current = await _in_force(session, slot, now)
    if current is None:
        raise Conflict("Nothing is active here, so there is nothing to go back from.")
    pair = await repository.activation(session, current.pair_id) if current.pair_id else None
    other_slot = await repository.slot_or_error(session, pair.slot_id) if pair else None
    slots = sorted([slot, *([other_slot] if other_slot else [])], key=lambda each: each.id)
    for each in slots:
        await repository.slot_or_error(session, each.id, lock=True)
    current = await _in_force(session, slot, now)
    earlier = await _earlier(session, slot, current, now)
    if current is None or earlier is None:
        raise Conflict("There is no earlier greeting to go back to.")
    await _refuse_obstacles(session, settings, earlier, slot.situation, Order(), let=HEARD_BEFORE)
    begins, ends = _times(settings, slot.situation, Order())
    made = await _stand(session, me, earlier, begins, ends, frozenset(), action="greeting.roll_back")
    if other_slot is not None and pair is not None and (await _in_force(session, other_slot, now)) is pair:
        before = await _earlier(session, other_slot, pair, now)
        if before is not None:
            other = await _stand(session, me, before, begins, ends, frozenset(), action="greeting.roll_back")
            made.pair_id, other.pair_id = other.id, made.id
            await session.flush()
    return made


async def cancel(session: AsyncSession, settings: Settings, me: Actor, activation_id: int) -> GreetingActivation:
    """End an activation and its pair now, or keep them from beginning. What stood before stands again."""
    me.require(Permission.GREETING_WRITE)
    found = await repository.activation(session, activation_id)
    if found is None:
        raise NotFound("There is no such activation.")
    pair = await repository.activation(session, found.pair_id) if found.pair_id else None
    for each in sorted({found.slot_id, *([pair.slot_id] if pair else [])}):
        await repository.slot_or_error(session, each, lock=True)
    now = clock.now()
    await session.refresh(found)
    if found.cancelled_at is not None:
        raise Conflict("It is cancelled already.")
    if found.ends_at is not None and found.ends_at <= now:
        raise Conflict("It has ended already.")
    ended = [found]
    if pair is not None:
        await session.refresh(pair)
        if pair.cancelled_at is None and (pair.ends_at is None or pair.ends_at > now):
            ended.append(pair)
    for each_activation in ended:
        slot = await repository.slot_or_error(session, each_activation.slot_id)
        before = await _version_in_force(session, slot, now)
        each_activation.cancelled_at, each_activation.cancelled_by_id = now, me.id
        await session.flush()
        record.audited(
            session, me, "greeting.cancel", slot, before=before, after=await _version_in_force(session, slot, now),
            activation_id=each_activation.id,
        )  # fmt: skip
        await tell(session, slot, "cancelled")
    await _refuse_silence(session, settings, slot, found, now)
    return found


async def _pair(
    session: AsyncSession, settings: Settings, slot: GreetingSlot, pair_version_id: int | None, because: str
) -> GreetingVersion | None:
    """The other language's version, or None with a reason (or in a center of one language)."""
    if len(because) > MAX_REASON:
        raise Invalid("The reason is too long: at most {limit} characters.", field="alone_because", limit=MAX_REASON)
    if pair_version_id is None:
        if len(settings.languages) > 1 and len(because) < 3:
            raise Invalid(
                "English and Spanish are published together. Choose the version of the other language, or say why it "
                "is published alone.",
                field="alone_because",
            )
        return None
    pair = await repository.version(session, pair_version_id)
    other = await repository.slot(session, pair.slot_id) if pair is not None else None
    fits = other is not None and (other.line, other.situation) == (slot.line, slot.situation)
    if pair is None or other is None or not fits or other.language == slot.language:
        raise Invalid(
            "The pair must be a version of the same situation of this line in the other language.",
            field="pair_version_id",
        )
    return pair


async def _refuse_obstacles(
    session: AsyncSession,
    settings: Settings,
    version: GreetingVersion,
    situation: Situation,
    order: Order,
    let: frozenset[Obstacle] = frozenset(),
) -> None:
    approval = (await repository.approvals(session, [version.id])).get(version.id)
    check = (await repository.checks(session, [version.id])).get(version.id)
    found = rules.obstacles(version, situation, approval, check, settings)
    rules.refuse(version.id, [each for each in found if each not in let], order.confirmed)


def _times(settings: Settings, situation: Situation, order: Order) -> tuple[datetime, datetime | None]:
    now = clock.now()
    if any(instant is not None and instant - now > FARTHEST for instant in (order.starts_at, order.ends_at)):
        raise Invalid("That is too far in the future.", field="ends_at" if order.ends_at else "starts_at")
    begins, ends = max(order.starts_at or now, now), order.ends_at
    if ends is None and situation is Situation.EMERGENCY:
        ends = begins + timedelta(hours=settings.greeting_emergency_h)
    if ends is not None and ends <= begins:
        raise Invalid("The end must be after the beginning, and in the future.", field="ends_at")
    return begins, ends


async def _stand(
    session: AsyncSession,
    me: Actor,
    version: GreetingVersion,
    begins: datetime,
    ends: datetime | None,
    confirmed: frozenset[Obstacle],
    *,
    because: str = "",
    action: str = "greeting.activate",
) -> GreetingActivation:
    slot = await repository.slot_or_error(session, version.slot_id)
    before = await _version_in_force(session, slot, begins)
    approval = (await repository.approvals(session, [version.id])).get(version.id)
    made = GreetingActivation(
        slot_id=slot.id,
        version_id=version.id,
        starts_at=begins,
        ends_at=ends,
        created_by_id=me.id,
        alone_because=because,
        confirmed=sorted(confirmed),
    )
    session.add(made)
    await session.flush()
    await session.refresh(made)
    record.audited(
        session, me, action, slot, before=before, after=version,
        activation_id=made.id, starts_at=begins.isoformat(), ends_at=ends.isoformat() if ends else None,
        approved_by=approval.person_id if approval else None, confirmed=sorted(confirmed), alone_because=because,
    )  # fmt: skip
    await tell(session, slot, "activated")
    return made


async def _earlier(
    session: AsyncSession, slot: GreetingSlot, current: GreetingActivation | None, now: datetime
) -> GreetingVersion | None:
    """What was heard in the slot before the version that stands there."""
    for each in await repository.activations(session, [slot.id]):
        began = each.starts_at <= now and (each.cancelled_at is None or each.cancelled_at > each.starts_at)
        if began and current is not None and each.version_id != current.version_id:
            return await repository.version(session, each.version_id)
    return None


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


async def _in_force(session: AsyncSession, slot: GreetingSlot, at: datetime) -> GreetingActivation | None:
    standings = await repository.standings(session, at, slot.line)
    found = resolve.standing_in_slot(standings, slot.line, slot.language, slot.situation, at)
    return await repository.activation(session, found.id) if found else None


async def _version_in_force(session: AsyncSession, slot: GreetingSlot, at: datetime) -> GreetingVersion | None:
    found = await _in_force(session, slot, at)
    return await repository.version(session, found.version_id) if found else None
