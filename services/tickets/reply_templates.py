"""The texts that the product itself sends: shipped as data, seeded into the template table, filled in safely."""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.remembered import Remembered
from shared.models import Template
from shared.settings import Settings

LANGUAGES = ("en", "es")
# Sent by themselves: no representative chooses one of these for a reply.
AUTOMATIC = ("acknowledgement", "page", "page_urgent", "language_wait", "language_wait_unknown")
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\w+)\}")


@dataclass(frozen=True)
class Text:
    """One template in one language: a subject line and a body in Markdown."""

    subject: str
    body: str


_texts: Remembered[dict[str, Text]] = Remembered(seconds=5)


@lru_cache(maxsize=1)
def shipped() -> dict[tuple[str, str], Text]:
    """What the product comes with, by key and language."""
    data = json.loads(files("services.tickets").joinpath("data/templates.json").read_text("utf-8"))
    return {
        (entry["key"], language): Text(entry[language]["subject"], entry[language]["body"])
        for entry in data["templates"]
        for language in LANGUAGES
    }


async def seed(session: AsyncSession) -> int:
    """Put the shipped templates into the table where they are not yet. Returns how many were missing."""
    rows = [
        {"key": key, "language": language, "subject": text.subject, "body": text.body}
        for (key, language), text in shipped().items()
    ]
    added = await session.scalars(insert(Template).values(rows).on_conflict_do_nothing().returning(Template.key))
    return len(list(added))


async def load(session: AsyncSession, key: str) -> dict[str, Text]:
    """Both languages of a template: what staff made of it, else what was shipped."""
    return await _texts.get(session, key, lambda: _load(session, key))


async def _load(session: AsyncSession, key: str) -> dict[str, Text]:
    rows = await session.scalars(select(Template).where(Template.key == key))
    stored = {row.language: Text(row.subject, row.body) for row in rows}
    texts = {language: stored.get(language) or shipped().get((key, language)) for language in LANGUAGES}
    missing = [language for language, text in texts.items() if text is None]
    if missing:
        raise KeyError(f"template {key} has no text in {', '.join(missing)}")
    return {language: text for language, text in texts.items() if text is not None}


def fill(text: str, values: dict[str, str]) -> str:
    """Put values in place of {names}; a doubled brace is a brace.

    What has no value stays as it is: a typing error must not stop a mail.
    """

    def value_of(found: re.Match[str]) -> str:
        name = found.group(1)
        return values.get(name, found.group()) if name else found.group()[0]

    return _PLACEHOLDER.sub(value_of, text)


def usual_values(settings: Settings, language: str) -> dict[str, str]:
    """What every template may use."""
    return {
        "center": settings.center_name_es if language == "es" else settings.center_name_en,
        "utility_phone": settings.utility_phone,
        "outage_phone": settings.outage_phone,
    }
