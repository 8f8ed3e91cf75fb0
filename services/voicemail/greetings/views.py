"""What screens and programs see of greetings: slots and versions, what is live against what is wanted, what comes."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail.greetings import repository
from services.voicemail.greetings.resolve import Choice, Standing, situation_at, standing_in_slot, upcoming, wanted
from shared import clock
from shared.calendar import OpenTime, load_open_time
from shared.errors import NotFound
from shared.models import (
    GreetingActivation,
    GreetingLive,
    GreetingSlot,
    GreetingVersion,
    PublicationState,
    Situation,
)
from shared.settings import GreetingTarget, Settings
from shared.web.i18n import translate


class ActivationState(StrEnum):
    IN_FORCE = "in_force"  # stands in its slot now
    COVERED = "covered"  # runs, but one that began later stands before it
    SCHEDULED = "scheduled"
    ENDED = "ended"
    CANCELLED = "cancelled"


class LiveState(StrEnum):
    LIVE = "live"  # read back from the phone system and equal
    PENDING = "pending"  # about to be published
    FAILED = "failed"  # the old greeting stays; `error` says why
    NOTHING = "nothing"  # nothing is active for this language, nor for the fallback language


class VersionView(BaseModel):
    id: int
    slot_id: int
    number: int = Field(description="1, 2, 3… within the slot")
    original_name: str
    duration_s: float
    loudness_lufs: float
    script: str
    warnings: list[str] = Field(description="What was remarked when it was made, in the reader's language")
    author: str
    created_at: datetime
    audio_url: str


class ActivationView(BaseModel):
    id: int
    slot_id: int
    version_id: int
    number: int
    state: ActivationState
    starts_at: datetime
    ends_at: datetime | None
    cancelled_at: datetime | None
    by: str
    cancelled_by: str | None


class SlotView(BaseModel):
    id: int
    line: str
    language: str
    situation: Situation
    in_force: ActivationView | None
    activations: list[ActivationView]
    versions: list[VersionView]

    @property
    def current(self) -> VersionView | None:
        return next((v for v in self.versions if self.in_force and v.id == self.in_force.version_id), None)

    @property
    def scheduled(self) -> list[ActivationView]:
        return [each for each in reversed(self.activations) if each.state is ActivationState.SCHEDULED]

    @property
    def can_roll_back(self) -> bool:
        began = (ActivationState.IN_FORCE, ActivationState.COVERED, ActivationState.ENDED, ActivationState.CANCELLED)
        return self.in_force is not None and any(
            each.version_id != self.in_force.version_id and each.state in began and _ever_began(each)
            for each in self.activations
        )


class GreetingRef(BaseModel):
    """Which greeting; its language and situation may be borrowed."""

    version_id: int
    number: int
    slot_id: int
    language: str
    situation: Situation
    audio_url: str


class LiveView(BaseModel):
    """One language on one target: what callers hear, and what they should."""

    target: str
    language: str
    state: LiveState
    live: GreetingRef | None
    wanted: GreetingRef | None
    live_since: datetime | None
    checked_at: datetime | None
    sha256: str | None
    error: str | None


class LineView(BaseModel):
    line: str
    situation: Situation = Field(description="What the calendar says now, emergencies aside")
    emergency_languages: list[str] = Field(description="Languages in which an emergency greeting is in force")
    fallback_language: str
    slots: list[SlotView]
    places: list[LiveView]

    def slot(self, language: str, situation: Situation) -> SlotView:
        return next(s for s in self.slots if s.language == language and s.situation is situation)


class StretchView(BaseModel):
    starts_at: datetime
    ends_at: datetime | None
    situation: Situation
    greeting: GreetingRef | None


class UpcomingView(BaseModel):
    line: str
    language: str
    stretches: list[StretchView]


async def overview(session: AsyncSession, settings: Settings, reader: str, line: str | None = None) -> list[LineView]:
    """Every line, or one. `reader` is the language of sentences."""
    await repository.ensure_slots(session, settings)
    now = clock.now()
    lines = repository.lines(settings)
    if line is not None and line not in lines:
        raise NotFound("There is no such line.")
    lines = [each for each in lines if line in (None, each)]
    slots = [s for s in await repository.slots(session) if s.line in lines and s.language in settings.languages]
    shown = await _slots(session, slots, now, reader)
    standings = await repository.standings(session, now)
    hours = await load_open_time(session, settings)
    live = await repository.live(session)
    refs = await _refs(session, standings, live.values())
    return [
        LineView(
            line=each,
            situation=situation_at(hours, now),
            emergency_languages=[
                language
                for language in settings.languages
                if standing_in_slot(standings, each, language, Situation.EMERGENCY, now)
            ],
            fallback_language=repository.fallback_language(settings, each),
            slots=[s for s in shown if s.line == each],
            places=[
                _place(target, language, standings, hours, live.get((each, language, target.name)), refs, now)
                for target in repository.targets_of(settings, each)
                for language in settings.languages
            ],
        )
        for each in lines
    ]


async def slot_view(session: AsyncSession, reader: str, slot_id: int) -> SlotView:
    slot = await repository.slot(session, slot_id)
    if slot is None:
        raise NotFound("There is no such greeting slot.")
    return (await _slots(session, [slot], clock.now(), reader))[0]


async def schedule(session: AsyncSession, settings: Settings, days: int) -> list[UpcomingView]:
    """What callers will hear on each line in each language from now on."""
    now = clock.now()
    standings = await repository.standings(session, now)
    hours = await load_open_time(session, settings)
    refs = await _refs(session, standings, ())
    return [
        UpcomingView(
            line=line,
            language=language,
            stretches=[
                StretchView(
                    starts_at=each.start,
                    ends_at=each.end,
                    situation=each.situation,
                    greeting=_ref(refs, each.choice),
                )
                for each in upcoming(
                    standings, hours, line, language, now, timedelta(days=days),
                    repository.fallback_language(settings, line),
                )
            ],
        )
        for line in repository.lines(settings)
        for language in settings.languages
    ]  # fmt: skip


async def version_view(session: AsyncSession, version: GreetingVersion, reader: str) -> VersionView:
    return _version(version, await repository.names(session, [version.author_id]), reader)


async def activation_view(session: AsyncSession, activation: GreetingActivation, reader: str) -> ActivationView:
    slot = await slot_view(session, reader, activation.slot_id)
    return next(each for each in slot.activations if each.id == activation.id)


async def _slots(session: AsyncSession, slots: Sequence[GreetingSlot], now: datetime, reader: str) -> list[SlotView]:
    ids = [slot.id for slot in slots]
    versions = await repository.versions(session, ids)
    activations = await repository.activations(session, ids)
    names = await repository.names(
        session,
        [*(v.author_id for v in versions), *(a.created_by_id for a in activations),
         *(a.cancelled_by_id for a in activations)],
    )  # fmt: skip
    numbers = {version.id: version.number for version in versions}
    shown = []
    for slot in slots:
        own = [a for a in activations if a.slot_id == slot.id]
        in_force = next((a for a in own if _covers(a, now)), None)  # they come with the latest beginning first
        views = [_activation(a, in_force, numbers, names, now) for a in own]
        shown.append(
            SlotView(
                id=slot.id,
                line=slot.line,
                language=slot.language,
                situation=slot.situation,
                in_force=next((view for view in views if view.state is ActivationState.IN_FORCE), None),
                activations=views,
                versions=[_version(v, names, reader) for v in versions if v.slot_id == slot.id],
            )
        )
    order = list(Situation)
    return sorted(shown, key=lambda s: (s.line, order.index(s.situation), s.language))


def _covers(activation: GreetingActivation, at: datetime) -> bool:
    ended = activation.ends_at is not None and activation.ends_at <= at
    return activation.starts_at <= at and not ended and activation.cancelled_at is None


def _activation(
    activation: GreetingActivation,
    in_force: GreetingActivation | None,
    numbers: dict[int, int],
    names: dict[int, str],
    now: datetime,
) -> ActivationView:
    if activation.cancelled_at is not None:
        state = ActivationState.CANCELLED
    elif activation.starts_at > now:
        state = ActivationState.SCHEDULED
    elif not _covers(activation, now):
        state = ActivationState.ENDED
    else:
        state = ActivationState.IN_FORCE if activation is in_force else ActivationState.COVERED
    return ActivationView(
        id=activation.id,
        slot_id=activation.slot_id,
        version_id=activation.version_id,
        number=numbers[activation.version_id],
        state=state,
        starts_at=activation.starts_at,
        ends_at=activation.ends_at,
        cancelled_at=activation.cancelled_at,
        by=names.get(activation.created_by_id, ""),
        cancelled_by=names.get(activation.cancelled_by_id) if activation.cancelled_by_id else None,
    )


def _ever_began(activation: ActivationView) -> bool:
    return activation.cancelled_at is None or activation.cancelled_at > activation.starts_at


def _version(version: GreetingVersion, names: dict[int, str], reader: str) -> VersionView:
    return VersionView(
        id=version.id,
        slot_id=version.slot_id,
        number=version.number,
        original_name=version.original_name,
        duration_s=version.duration_s,
        loudness_lufs=version.loudness_lufs,
        script=version.script,
        warnings=[_worded(reader, **each) for each in version.warnings],
        author=names.get(version.author_id, ""),
        created_at=version.created_at,
        audio_url=audio_url(version.id),
    )


def _worded(reader: str, message: str, values: dict[str, str | float]) -> str:
    return translate(reader, message, **values)


def audio_url(version_id: int) -> str:
    return f"/api/v1/greetings/versions/{version_id}/audio"


async def _refs(
    session: AsyncSession, standings: Sequence[Standing], live: Iterable[GreetingLive]
) -> dict[int, GreetingRef]:
    """Every version that is or will be heard, by id."""
    ids = {s.version_id for s in standings} | {i for r in live for i in (r.version_id, r.wanted_version_id) if i}
    return {
        version.id: GreetingRef(
            version_id=version.id,
            number=version.number,
            slot_id=slot.id,
            language=slot.language,
            situation=slot.situation,
            audio_url=audio_url(version.id),
        )
        for version, slot in await repository.versions_with_slots(session, ids)
    }


def _ref(refs: dict[int, GreetingRef], choice: Choice | None) -> GreetingRef | None:
    return refs[choice.version_id] if choice is not None else None


def _place(
    target: GreetingTarget,
    language: str,
    standings: Sequence[Standing],
    hours: OpenTime,
    row: GreetingLive | None,
    refs: dict[int, GreetingRef],
    now: datetime,
) -> LiveView:
    choice = wanted(standings, hours, target.line, language, now, target.fallback_language)
    if choice is None:
        state = LiveState.NOTHING
    elif row is None or row.wanted_version_id != choice.version_id:
        state = LiveState.PENDING
    else:
        state = LiveState.LIVE if row.state is PublicationState.LIVE else LiveState.FAILED
    return LiveView(
        target=target.name,
        language=language,
        state=state,
        live=refs.get(row.version_id) if row is not None and row.version_id is not None else None,
        wanted=_ref(refs, choice),
        live_since=row.live_since if row is not None else None,
        checked_at=row.checked_at if row is not None else None,
        sha256=row.sha256 if row is not None else None,
        error=row.error if row is not None and state is LiveState.FAILED else None,
    )
