"""`python -m services.tickets export-corrections FOLDER`: what people corrected, as lines of JSON that training reads.

The words are read now, from where they are kept, and masked; what the store no longer has is not exported. The file is
written anew each time, so that what is gone from the store goes from it too.
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import shell
from services.tickets.intake_reading import words_of
from services.tickets.learning import repository
from services.tickets.learning.masking import masked
from services.tickets.topics import EMERGENCY
from shared import audit
from shared.database import Database
from shared.models import Channel, Correction, CorrectionKind, Message, Priority, Ticket
from shared.settings import Settings

FILE = "corrections.jsonl"
MAX_CHARACTERS = 20_000  # of one text; a model reads less


@dataclass(frozen=True)
class Words:
    """A text that was judged, and by what its author is known."""

    subject: str
    text: str
    names: tuple[str, ...]


def line(key: str, ticket: Ticket, judged: Mapping[CorrectionKind, Correction], words: Words) -> dict[str, Any]:
    """What is exported of one text: labels where somebody gave them, null where nobody did. Pure."""
    topic = judged.get(CorrectionKind.TOPIC)
    priority = judged.get(CorrectionKind.PRIORITY)
    language = judged.get(CorrectionKind.LANGUAGE)
    # Of gas, wires, fire: the topic says so. An urgent priority alone may also mean a person in crisis.
    emergency: bool | None = None
    if topic is not None:
        emergency = topic.corrected == EMERGENCY
    elif priority is not None and priority.corrected != Priority.EMERGENCY:
        emergency = False
    return {
        "id": key,
        "channel": "voicemail" if ticket.channel is Channel.VOICEMAIL else "email",
        "topic": topic.corrected if topic is not None else None,
        "emergency": emergency,
        "priority": priority.corrected if priority is not None else None,
        "language": language.corrected if language is not None else None,
        "about": ticket.topic,  # as it stands: what is urgent depends on it
        "decided": {kind.value: row.decided for kind, row in sorted(judged.items())},
        "model": next((row.model for row in judged.values() if row.model), ""),
        "subject": masked(words.subject, words.names),
        "text": masked(words.text[:MAX_CHARACTERS], words.names),
    }


async def lines(session: AsyncSession) -> list[dict[str, Any]]:
    """Of every text that somebody judged and that the store still has, in the order of their names."""
    tickets: dict[str, Ticket] = {}
    judged: dict[str, dict[CorrectionKind, Correction]] = defaultdict(dict)
    for row, ticket in await repository.exportable(session):
        key = _key(row)
        tickets[key], judged[key][row.kind] = ticket, row
    found = []
    for key in sorted(judged):
        row = next(iter(judged[key].values()))
        words = await _words(session, row, tickets[key])
        if words is not None and (words.text.strip() or words.subject.strip()):
            found.append(line(key, tickets[key], judged[key], words))
    return found


def _key(row: Correction) -> str:
    """Names the text, whatever was said of it and however often."""
    if row.message_id is not None:
        return f"message/{row.message_id}"
    return f"transcript/{row.transcript_id}" if row.transcript_id is not None else f"entry/{row.entry_id}"


async def _words(session: AsyncSession, row: Correction, ticket: Ticket) -> Words | None:
    known = await repository.known_as(session, ticket)
    if row.message_id is not None:
        message = await session.get(Message, row.message_id)
        if message is None:
            return None
        text, subject = words_of(message)
        return Words(subject, text, (*known, message.from_name, message.from_address))
    found = await repository.spoken_or_noted(session, row)
    return None if found is None else Words("", found[0], (*known, *found[1]))


def write(folder: Path, found: Iterable[Mapping[str, Any]]) -> Path:
    """Whole or not at all, and for nobody else's eyes. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path, new = folder / FILE, folder / f".{FILE}.new"
    with open(new, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in found)
    new.replace(path)
    return path


async def export(database: Database, folder: Path) -> int:
    """Write the file and say in the audit log that it was; how many texts."""
    async with database.transaction() as session:
        found = await lines(session)
        write(folder, found)
        audit.record(
            session, None, "corrections.export", object_type="correction",
            detail={"texts": len(found), "by": "command line"},
        )  # fmt: skip
    return len(found)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `python -m services.tickets export-corrections`."""
    parser.add_argument("folder", type=Path, help=f"where {FILE} is written")


def command(settings: Settings, options: argparse.Namespace) -> int:
    """0, or 1 and a sentence when the folder cannot be written."""

    try:
        texts = shell.run(settings, lambda database: export(database, options.folder))
    except OSError as error:
        sys.stderr.write(f"{options.folder}: {error.strerror}\n")
        return 1
    sys.stdout.write(f"{texts} texts that people judged are in {options.folder / FILE}, without names and numbers.\n")
    return 0
