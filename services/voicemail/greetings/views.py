"""Puts together what screens and programs see of greetings: versions, what is live and what is wanted, what comes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail.greetings import airings, drift, promises, repository, rules
from services.voicemail.greetings.doors import door_of
from services.voicemail.greetings.resolve import Choice, Standing, situation_at, standing_in_slot, upcoming, wanted
from services.voicemail.greetings.schemas import (
    ActivationState,
    ActivationView,
    AiringView,
    ApprovalView,
    CheckView,
    DriftView,
    GreetingRef,
    LineView,
    LiveState,
    LiveView,
    ObstacleView,
    SlotView,
    StretchView,
    UpcomingView,
    VersionView,
)
from shared import clock
from shared.calendar import OpenTime, load_open_time
from shared.errors import NotFound
from shared.greeting_targets import AnyGreetingTarget
from shared.models import (
    GreetingActivation,
    GreetingApproval,
    GreetingCheck,
    GreetingDrift,
    GreetingLive,
    GreetingSlot,
    GreetingVersion,
    Situation,
)
from shared.settings import Settings
from shared.web.i18n import translate


@dataclass(frozen=True)
class _Reading:
    """What is needed to show versions, and for whom."""

    settings: Settings
    reader: str  # the language of sentences
    now: datetime
    hours: OpenTime
    names: Mapping[int, str]
    approvals: Mapping[int, GreetingApproval]
    checks: Mapping[int, GreetingCheck]


async def overview(session: AsyncSession, settings: Settings, reader: str, line: str | None = None) -> list[LineView]:
    """Every line, or one. `reader` is the language of sentences."""
    await repository.ensure_slots(session, settings)
    now = clock.now()
    lines = repository.lines(settings)
    if line is not None and line not in lines:
        raise NotFound("There is no such line.")
    lines = [each for each in lines if line in (None, each)]
    slots = [s for s in await repository.slots(session) if s.line in lines and s.language in settings.languages]
    hours = await load_open_time(session, settings)
    shown = await _slots(session, settings, slots, now, hours, reader)
    standings = await repository.standings(session, now)
    live = await repository.live(session)
    refs = await _refs(session, standings, live.values())
    drifts = {(each.line, each.language, each.target): each for each in await drift_views(session)}
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
                _place(
                    target,
                    language,
                    standings,
                    hours,
                    live.get((each, language, target.name)),
                    refs,
                    now,
                    drifts.get((each, language, target.name)),
                )
                for target in repository.targets_of(settings, each)
                for language in settings.languages
                if language in door_of(target).languages(settings.languages)
            ],
        )
        for each in lines
    ]


async def slot_view(session: AsyncSession, settings: Settings, reader: str, slot_id: int) -> SlotView:
    slot = await repository.slot_or_error(session, slot_id)
    hours = await load_open_time(session, settings)
    return (await _slots(session, settings, [slot], clock.now(), hours, reader))[0]


async def other_language(session: AsyncSession, settings: Settings, reader: str, slot_id: int) -> SlotView | None:
    """The slot that is published together with this one; None in a center of one language."""
    slot = await repository.slot_or_error(session, slot_id)
    for each in await repository.slots(session, slot.line):
        if each.situation is slot.situation and each.language != slot.language and each.language in settings.languages:
            return await slot_view(session, settings, reader, each.id)
    return None


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


async def version_view(session: AsyncSession, settings: Settings, version: GreetingVersion, reader: str) -> VersionView:
    slot = await slot_view(session, settings, reader, version.slot_id)
    return next(each for each in slot.versions if each.id == version.id)


async def activation_view(
    session: AsyncSession, settings: Settings, activation: GreetingActivation, reader: str
) -> ActivationView:
    slot = await slot_view(session, settings, reader, activation.slot_id)
    return next(each for each in slot.activations if each.id == activation.id)


async def drift_views(session: AsyncSession, drifts: Sequence[GreetingDrift] | None = None) -> list[DriftView]:
    """The given changes, or all that are not settled."""
    found = await drift.open_drifts(session) if drifts is None else drifts
    names = await repository.names(session, [each.decided_by_id for each in found])
    ids = {each.version_id for each in found} | {each.adopted_version_id for each in found if each.adopted_version_id}
    refs = await refs_of(session, ids)
    return [
        DriftView(
            id=each.id,
            line=each.line,
            language=each.language,
            target=each.target,
            expected=refs[each.version_id],
            name=each.name,
            found_sha256=each.found_sha256,
            noticed_at=each.noticed_at,
            decision=each.decision,
            decided_by=names.get(each.decided_by_id) if each.decided_by_id else None,
            adopted=refs.get(each.adopted_version_id) if each.adopted_version_id else None,
            settled_at=each.settled_at,
            outcome=each.outcome,
            audio_url=f"/api/v1/greetings/drifts/{each.id}/audio" if each.blob else None,
        )
        for each in found
    ]


async def history(session: AsyncSession, since: datetime, until: datetime, line: str | None) -> list[AiringView]:
    found = await airings.between(session, since, until, line)
    refs = await refs_of(session, {each.version_id for each in found if each.version_id})
    return [
        AiringView(
            line=each.line,
            language=each.language,
            target=each.target,
            situation=each.situation,
            greeting=refs.get(each.version_id) if each.version_id else None,
            drift_id=each.drift_id,
            starts_at=each.started_at,
            ends_at=each.ended_at,
        )
        for each in found
    ]


async def _slots(
    session: AsyncSession,
    settings: Settings,
    slots: Sequence[GreetingSlot],
    now: datetime,
    hours: OpenTime,
    reader: str,
) -> list[SlotView]:
    ids = [slot.id for slot in slots]
    versions = await repository.versions(session, ids)
    activations = await repository.activations(session, ids)
    approvals = await repository.approvals(session, [version.id for version in versions])
    checks = await repository.checks(session, [version.id for version in versions])
    names = await repository.names(
        session,
        [*(v.author_id for v in versions), *(a.created_by_id for a in activations),
         *(a.cancelled_by_id for a in activations), *(a.person_id for a in approvals.values())],
    )  # fmt: skip
    reading = _Reading(settings, reader, now, hours, names, approvals, checks)
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
                versions=[_version(v, slot, reading) for v in versions if v.slot_id == slot.id],
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
        pair_id=activation.pair_id,
        alone_because=activation.alone_because,
        confirmed=activation.confirmed,
    )


def _version(version: GreetingVersion, slot: GreetingSlot, reading: _Reading) -> VersionView:
    reader = reading.reader
    approval, check = reading.approvals.get(version.id), reading.checks.get(version.id)
    contradictions = promises.contradictions(version.script, slot.language, reading.hours, reading.now)
    return VersionView(
        id=version.id,
        slot_id=version.slot_id,
        number=version.number,
        original_name=version.original_name,
        duration_s=version.duration_s,
        loudness_lufs=version.loudness_lufs,
        script=version.script,
        warnings=[_worded(reader, **each) for each in version.warnings],
        calendar=[_worded(reader, each.message, each.values) for each in contradictions],
        source=version.source,
        treatment=version.treatment,
        measured=version.measured,
        check=_check(check, reader) if check is not None else None,
        approval=ApprovalView(
            decision=approval.decision,
            by=reading.names.get(approval.person_id, ""),
            note=approval.note,
            at=approval.at,
        )
        if approval is not None
        else None,
        obstacles=[
            ObstacleView(
                obstacle=each,
                message=translate(reader, rules.SENTENCES[each]),
                confirmable=each in rules.CONFIRMABLE,
            )
            for each in rules.obstacles(version, slot.situation, approval, check, reading.settings)
        ],
        author=reading.names.get(version.author_id, ""),
        author_id=version.author_id,
        created_at=version.created_at,
        audio_url=audio_url(version.id),
    )


def _check(check: GreetingCheck, reader: str) -> CheckView:
    return CheckView(
        state=check.state,
        text=check.text,
        language=check.language,
        language_confidence=check.language_confidence,
        wrong_language=check.wrong_language,
        remarks=[_worded(reader, **each) for each in check.remarks],
        model=check.model,
        checked_at=check.checked_at,
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
    return await refs_of(session, ids)


async def refs_of(session: AsyncSession, ids: Iterable[int]) -> dict[int, GreetingRef]:
    """By version."""
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
    target: AnyGreetingTarget,
    language: str,
    standings: Sequence[Standing],
    hours: OpenTime,
    row: GreetingLive | None,
    refs: dict[int, GreetingRef],
    now: datetime,
    changed: DriftView | None,
) -> LiveView:
    choice = wanted(standings, hours, target.line, language, now, target.fallback_language)
    if choice is None:
        state = LiveState.NOTHING
    elif row is None or row.wanted_version_id != choice.version_id:
        state = LiveState.PENDING
    else:
        state = LiveState(row.state.value)
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
        drift=changed if state is LiveState.DRIFTED else None,
    )
