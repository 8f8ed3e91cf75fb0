"""Texts sent to customers, in both languages: reading and editing them."""

import re
from datetime import datetime
from string import Formatter

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.reply_templates import shipped
from shared import audit, clock
from shared.errors import Invalid, NotFound
from shared.models import Template
from shared.people import Actor, Permission

KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
LANGUAGES = ("en", "es")
USUAL = frozenset({"center", "number", "utility_phone", "outage_phone"})  # filled in everywhere


class TemplateText(BaseModel):
    model_config = ConfigDict(frozen=True)

    subject: str = Field(max_length=300)
    body: str = Field(min_length=1, max_length=20_000, description="Markdown with {placeholders}.")


class TemplateView(BaseModel):
    """A text in both languages; `usable` when both stand."""

    model_config = ConfigDict(frozen=True)

    key: str
    en: TemplateText | None
    es: TemplateText | None
    usable: bool
    updated_at: datetime


def placeholders(text: str) -> set[str]:
    """The names in braces. Raises Invalid for braces that do not pair or hold more than a name."""
    found = set()
    try:
        for _, name, form, conversion in Formatter().parse(text):
            if name is None:
                continue
            if not name.isidentifier() or form or conversion:
                raise ValueError(name)
            found.add(name)
    except ValueError:
        raise Invalid(
            "Braces hold the name of a placeholder; double a brace to write it itself.", field="body"
        ) from None
    return found


def filled_in(key: str) -> set[str]:
    """The names that code fills in where this text is sent, and no others."""
    texts = [shipped()[key, language] for language in LANGUAGES if (key, language) in shipped()]
    return set(USUAL).union(*(placeholders(part) for text in texts for part in (text.subject, text.body)))


async def list_templates(session: AsyncSession) -> list[TemplateView]:
    rows: dict[str, dict[str, Template]] = {}
    for row in await session.scalars(select(Template).order_by(Template.key)):
        rows.setdefault(row.key, {})[row.language] = row
    return [_view(key, pair) for key, pair in rows.items()]


async def get_template(session: AsyncSession, key: str) -> TemplateView:
    pair = {row.language: row for row in await session.scalars(select(Template).where(Template.key == key))}
    if not pair:
        raise NotFound("There is no such template.")
    return _view(key, pair)


def _view(key: str, pair: dict[str, Template]) -> TemplateView:
    texts = {
        language: TemplateText.model_construct(subject=row.subject, body=row.body) for language, row in pair.items()
    }
    return TemplateView(
        key=key,
        en=texts.get("en"),
        es=texts.get("es"),
        usable=set(pair) >= set(LANGUAGES),
        updated_at=max(row.updated_at for row in pair.values()),
    )


async def set_template(
    session: AsyncSession, me: Actor, key: str, *, en: TemplateText, es: TemplateText
) -> TemplateView:
    """Both languages at once, with the same placeholders: no customer gets half a thought."""
    me.require(Permission.TEMPLATE_WRITE)
    if not KEY.fullmatch(key):
        raise Invalid("A key is made of small letters, digits and underscores.", field="key")
    for language, text in (("en", en), ("es", es)):
        if not text.body.strip():
            raise Invalid("The text is needed in both languages.", field=f"{language}/body")
    names = {
        language: placeholders(text.subject) | placeholders(text.body) for language, text in (("en", en), ("es", es))
    }
    before = {row.language: row for row in await session.scalars(select(Template).where(Template.key == key))}
    if unknown := sorted((names["en"] | names["es"]) - filled_in(key)):
        raise Invalid("Nothing fills in {names} in this text.", field="body", names=", ".join(unknown))
    now = clock.now()
    for language, text in (("en", en), ("es", es)):
        values = {"subject": " ".join(text.subject.split()), "body": text.body.replace("\r\n", "\n"), "updated_at": now}
        await session.execute(
            insert(Template)
            .values(key=key, language=language, **values)
            .on_conflict_do_update(index_elements=["key", "language"], set_=values)
        )
    audit.record(
        session, me.id, "template.change" if before else "template.create", object_type="template", object_id=key,
        detail={"before": {language: row.body for language, row in before.items()}}, ip=me.ip,
    )  # fmt: skip
    session.expire_all()
    return await get_template(session, key)
