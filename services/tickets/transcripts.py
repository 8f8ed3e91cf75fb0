"""A person listens and writes what was said. What the machine heard stays beside it, and so does every version."""

import re

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import corrections, search
from services.tickets.locks import lock_ticket
from services.tickets.thread_repository import family
from services.tickets.views.models import TranscriptView
from services.tickets.views.timeline import recording_views
from shared import audit, clock
from shared.database import ring
from shared.errors import Conflict, Invalid, NotFound
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import Entry, EntryKind, Recording, Transcript, TranscriptCorrection
from shared.people import Actor, Permission
from shared.settings import Settings

MAX_CHARACTERS = 20_000
_LANGUAGE = re.compile(r"[a-z]{2}|mixed|unknown")


async def correct(
    session: AsyncSession,
    settings: Settings,
    me: Actor,
    ticket_id: int,
    recording_id: int,
    text: str,
    *,
    language: str = "",
    based_on: int | None = None,
) -> TranscriptCorrection:
    """What was really said; empty when nobody said anything. The same again makes no new version.

    `language`, when it is given, is the ticket's from now on, as by `corrections.set_language`. `based_on` is the
    version that the writer saw (0: the machine's); a newer one is a Conflict. Facts and topic follow by the ring.
    """
    me.require(Permission.TICKET_WORK)
    text = "\n".join(line.rstrip() for line in text.replace("\x00", "").strip().splitlines())
    if len(text) > MAX_CHARACTERS:
        raise Invalid("This is too long for a voicemail.", field="text")
    if language and not _LANGUAGE.fullmatch(language):
        raise Invalid("Please choose a language.", field="language")
    ticket = await lock_ticket(session, ticket_id)
    recording = await _recording(session, ticket_id, recording_id)
    transcript = await _newest(session, recording_id)
    latest = await session.scalar(
        select(TranscriptCorrection)
        .where(TranscriptCorrection.transcript_id == transcript.id)
        .order_by(TranscriptCorrection.version.desc())
        .limit(1)
    )
    version = latest.version if latest is not None else 0
    if based_on is not None and based_on != version:
        raise Conflict("Somebody corrected this transcript meanwhile. Look at it again.")
    if latest is not None and latest.text == text and (not language or language == ticket.language):
        return latest
    correction = TranscriptCorrection(
        recording_id=recording_id,
        transcript_id=transcript.id,
        version=version + 1,
        text=text,
        language=language or None,
        person_id=me.id,
        created_at=clock.now(),
    )
    session.add(correction)
    await session.flush()
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.TRANSCRIPT_CORRECTED,
            actor_id=me.id,
            recording_id=recording_id,
            transcript_id=transcript.id,
            detail={"version": correction.version, "correction_id": correction.id},
        )
    )
    audit.record(
        session, me.id, "transcript.correct", object_type="recording", object_id=recording_id, ticket_id=ticket.id,
        detail={"version": correction.version, "language": language or None}, ip=me.ip,
    )  # fmt: skip
    if language and language != ticket.language:
        ticket = await corrections.set_language(session, settings, me, ticket_id, language)
    ticket.updated_at = clock.now()
    await search.index(
        session,
        ticket_id=ticket.id,
        source="recording",
        source_id=recording_id,
        language=ticket.language,
        body=f"{recording.caller_name} {recording.caller_id or ''}\n{text}",
    )
    ring(session, Job.TAKE_IN_RECORDING, recording_id)
    people = (ticket.assignee_id,) if ticket.assignee_id is not None else ()
    await publish(session, Event("ticket", ticket.id, people=people, what="transcript"))
    return correction


async def transcript_of(session: AsyncSession, me: Actor, ticket_id: int, recording_id: int) -> TranscriptView:
    """What the machine heard, and every correction of it."""
    me.require(Permission.TICKET_READ)
    await _recording(session, ticket_id, recording_id)
    view = (await recording_views(session, [recording_id]))[recording_id].transcript
    if view is None:
        raise NotFound("This voicemail has no transcript yet.")
    audit.record(
        session, me.id, "ticket.view", object_type="recording", object_id=recording_id, ticket_id=ticket_id,
        detail={"what": "transcript"}, ip=me.ip,
    )  # fmt: skip
    return view


async def _recording(session: AsyncSession, ticket_id: int, recording_id: int) -> Recording:
    """Only one that stands on this ticket, or on one that goes on in it."""
    recording: Recording | None = await session.scalar(
        select(Recording)
        .join(Entry, Entry.recording_id == Recording.id)
        .where(Recording.id == recording_id, Entry.ticket_id.in_(family(ticket_id)))
        .limit(1)
    )
    if recording is None:
        raise NotFound("There is no such recording.")
    return recording


async def _newest(session: AsyncSession, recording_id: int) -> Transcript:
    found: Transcript | None = await session.scalar(
        select(Transcript).where(Transcript.recording_id == recording_id).order_by(Transcript.id.desc()).limit(1)
    )
    if found is None:
        raise Conflict("This voicemail has no transcript yet.")
    return found
