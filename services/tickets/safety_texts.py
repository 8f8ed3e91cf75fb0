"""What is sent at once to somebody in danger: written in both languages, approved by a supervisor, never else sent.

A version is never changed. Sent is the newest one that is approved and not withdrawn; what came at set-up counts as
approved by nobody and is sent, marked as such, until somebody decides on it: silence to a gas leak would be worse.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.tickets.locks import lock_names
from services.tickets.remembered import Remembered
from services.tickets.reply_templates import Text, fill, usual_values
from services.tickets.template_texts import LANGUAGES, USUAL, TemplateText, placeholders
from services.tickets.views.shapes import PersonRef
from shared import audit, clock
from shared.errors import Conflict, Invalid, NotFound
from shared.language import fold
from shared.models import Person, SafetyKey, SafetyText
from shared.people import Actor, Permission
from shared.settings import Settings
from shared.web.i18n import N_


class Standing(StrEnum):
    """How a version stands."""

    SENT = "sent"
    WAITING = "waiting"  # for approval
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


class FactView(BaseModel):
    """Something that the text must say, and whether it does in each language."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(examples=["911"])
    en: bool
    es: bool


class SafetyVersion(BaseModel):
    """One version in both languages: who wrote and who approved it, and when."""

    model_config = ConfigDict(frozen=True)

    id: int
    version: int
    standing: Standing
    from_setup: bool = Field(description="Came with the product, or was in use before texts were approved.")
    en: TemplateText
    es: TemplateText
    written_at: datetime
    written_by: PersonRef | None
    approved_at: datetime | None
    approved_by: PersonRef | None
    withdrawn_at: datetime | None
    withdrawn_by: PersonRef | None


class SafetyTextView(BaseModel):
    """A text with all its versions, the newest first. `approved`: a person here approved what is sent."""

    model_config = ConfigDict(frozen=True)

    key: SafetyKey
    approved: bool
    sent: SafetyVersion | None
    versions: list[SafetyVersion]
    facts: list[FactView] = Field(description="What must stand in it, and whether the newest version says it.")


@dataclass(frozen=True)
class Approved:
    """What may be sent: both languages of one version."""

    key: SafetyKey
    version: int
    texts: Mapping[str, Text]


# What each text must say, as words that a reader of the page knows, and how it is found in either language.
_UTILITY = N_("the utility’s telephone")
_FACTS: dict[SafetyKey, dict[str, tuple[str, str]]] = {
    SafetyKey.DANGER: {"911": ("911", "911"), N_("leave the place"): ("leave|get out|get away", "alej|salga|retir")},
    SafetyKey.GAS: {
        "911": ("911", "911"),
        N_("leave the building"): ("leave|get out|go outside", "salga|alej"),
        N_("no switches"): ("switch", "interruptor|apagador"),
    },
    SafetyKey.WIRE: {"911": ("911", "911"), N_("stay away"): ("stay away|keep away|leave", "alej|no se acerque")},
    SafetyKey.CRISIS: {"988": ("988", "988"), "911": ("911", "911")},
    SafetyKey.LIFE_SUPPORT: {"911": ("911", "911")},
    SafetyKey.SHUTOFF: {"211": ("211", "211"), "911": ("911", "911")},
}
_NO_UTILITY = (SafetyKey.CRISIS,)
_approved: Remembered[Approved | None] = Remembered(seconds=5)


@lru_cache(maxsize=1)
def shipped() -> dict[SafetyKey, dict[str, Text]]:
    """What the product comes with."""
    data = json.loads(files("services.tickets").joinpath("data/safety_texts.json").read_text("utf-8"))
    return {
        SafetyKey(entry["key"]): {
            language: Text(entry[language]["subject"], entry[language]["body"]) for language in LANGUAGES
        }
        for entry in data["texts"]
    }


async def seed(session: AsyncSession) -> None:
    """Put in what the product ships where no version stands yet, marked as from set-up."""
    rows = [
        {"key": key, "version": 1, "from_setup": True, **_columns(pair)}
        for key, pair in shipped().items()
    ]  # fmt: skip
    await session.execute(insert(SafetyText).values(rows).on_conflict_do_nothing())


async def approved(session: AsyncSession, key: SafetyKey) -> Approved | None:
    """What may be sent for this; None: nothing, nobody approved a version or all were withdrawn."""
    return await _approved.get(session, key, lambda: _load(session, key))


async def _load(session: AsyncSession, key: SafetyKey) -> Approved | None:
    rows = list(await session.scalars(select(SafetyText).where(SafetyText.key == key)))
    if not rows:  # of a store that nobody has set up yet
        return Approved(key, 0, shipped()[key])
    row = _sent(rows)
    if row is None:
        return None
    texts = {"en": Text(row.subject_en, row.body_en), "es": Text(row.subject_es, row.body_es)}
    return Approved(key, row.version, texts)


def _sent(rows: Sequence[SafetyText]) -> SafetyText | None:
    may = [row for row in rows if row.withdrawn_at is None and (row.from_setup or row.approved_at is not None)]
    return max(may, key=lambda row: row.version, default=None)


def _columns(pair: Mapping[str, Text]) -> dict[str, str]:
    return {
        f"{part}_{language}": getattr(pair[language], part) for language in LANGUAGES for part in ("subject", "body")
    }


def facts_in(settings: Settings, key: SafetyKey, pair: Mapping[str, Text]) -> list[FactView]:
    """What the text must say and whether it does, as customers will read it."""
    said = {
        language: fold(fill(f"{text.subject}\n{text.body}", usual_values(settings, language)))
        for language, text in pair.items()
    }
    views = [
        FactView(name=name, en=_finds(ways[0], said["en"]), es=_finds(ways[1], said["es"]))
        for name, ways in _FACTS[key].items()
    ]
    if key not in _NO_UTILITY:
        phone = fold(settings.utility_phone)
        views.append(FactView(name=_UTILITY, en=phone in said["en"], es=phone in said["es"]))
    return views


def _finds(way: str, text: str) -> bool:
    bound = rf"(?<!\d){way}(?!\d)" if way.isdigit() else way
    return re.search(bound, text) is not None


async def list_texts(session: AsyncSession, settings: Settings, me: Actor) -> list[SafetyTextView]:
    """All of them, in the order of their gravity."""
    me.require(Permission.SAFETY_TEXT_APPROVE)
    return [await _view(session, settings, key) for key in SafetyKey]


async def get_text(session: AsyncSession, settings: Settings, me: Actor, key: SafetyKey) -> SafetyTextView:
    """One of them with its history."""
    me.require(Permission.SAFETY_TEXT_APPROVE)
    return await _view(session, settings, key)


async def _view(session: AsyncSession, settings: Settings, key: SafetyKey) -> SafetyTextView:
    writer, approver, withdrawer = aliased(Person), aliased(Person), aliased(Person)
    statement = (
        select(SafetyText, writer.name, approver.name, withdrawer.name)
        .outerjoin(writer, writer.id == SafetyText.written_by_id)
        .outerjoin(approver, approver.id == SafetyText.approved_by_id)
        .outerjoin(withdrawer, withdrawer.id == SafetyText.withdrawn_by_id)
        .where(SafetyText.key == key)
        .order_by(SafetyText.version.desc())
    )
    found = list(await session.execute(statement))
    sent = _sent([row[0] for row in found])
    versions = [_version(row, sent, names) for row, *names in found]
    newest = versions[0] if versions else None
    pair = shipped()[key]
    if newest is not None:
        pair = {"en": Text(newest.en.subject, newest.en.body), "es": Text(newest.es.subject, newest.es.body)}
    return SafetyTextView(
        key=key,
        approved=sent is not None and sent.approved_at is not None,
        sent=next((each for each in versions if each.standing is Standing.SENT), None),
        versions=versions,
        facts=facts_in(settings, key, pair),
    )


def _version(row: SafetyText, sent: SafetyText | None, names: Sequence[str | None]) -> SafetyVersion:
    if row.withdrawn_at is not None:
        standing = Standing.WITHDRAWN
    elif sent is not None and row.id == sent.id:
        standing = Standing.SENT
    elif sent is not None and row.version < sent.version:
        standing = Standing.REPLACED
    else:
        standing = Standing.WAITING
    who = [
        None if person_id is None else PersonRef(id=person_id, name=name or "")
        for person_id, name in zip((row.written_by_id, row.approved_by_id, row.withdrawn_by_id), names, strict=True)
    ]
    return SafetyVersion(
        id=row.id,
        version=row.version,
        standing=standing,
        from_setup=row.from_setup,
        en=TemplateText.model_construct(subject=row.subject_en, body=row.body_en),
        es=TemplateText.model_construct(subject=row.subject_es, body=row.body_es),
        written_at=row.written_at,
        written_by=who[0],
        approved_at=row.approved_at,
        approved_by=who[1],
        withdrawn_at=row.withdrawn_at,
        withdrawn_by=who[2],
    )


async def unapproved(session: AsyncSession) -> int:
    """How many texts nobody here has approved in the version that is sent, or that have none that may be sent."""
    rows = list(await session.scalars(select(SafetyText)))
    sent = {key: _sent([row for row in rows if row.key == key]) for key in SafetyKey}
    return sum(row is None or row.approved_at is None for row in sent.values())


async def write(
    session: AsyncSession, settings: Settings, me: Actor, key: SafetyKey, *, en: TemplateText, es: TemplateText
) -> SafetyTextView:
    """A new version, which waits for approval. Refused where a language lacks something that it must say."""
    me.require(Permission.TEMPLATE_WRITE)
    pair = {
        language: Text(" ".join(text.subject.split()), text.body.replace("\r\n", "\n").strip())
        for language, text in (("en", en), ("es", es))
    }
    for language, text in pair.items():
        if not text.body or not text.subject:
            raise Invalid("The text is needed in both languages.", field=f"body_{language}")
        if strange := sorted((placeholders(text.subject) | placeholders(text.body)) - USUAL):
            raise Invalid("Nothing fills in {names} in this text.", field=f"body_{language}", names=", ".join(strange))
    for fact in facts_in(settings, key, pair):
        for language, said in (("en", fact.en), ("es", fact.es)):
            if not said:
                raise Invalid("This text must say: {fact}.", field=f"body_{language}", fact=fact.name)
    await lock_names(session, [f"safety_text:{key.value}"])
    newest = await session.scalar(select(func.max(SafetyText.version)).where(SafetyText.key == key)) or 0
    row = SafetyText(key=key, version=newest + 1, written_by_id=me.id, written_at=clock.now(), **_columns(pair))
    session.add(row)
    await session.flush()
    _note(session, me, "safety_text.write", row)
    return await _view(session, settings, key)


async def approve(session: AsyncSession, me: Actor, version_id: int) -> SafetyText:
    """From now on this version is sent, unless a newer one is. Conflict: it was withdrawn."""
    me.require(Permission.SAFETY_TEXT_APPROVE)
    row = await _locked(session, version_id)
    if row.withdrawn_at is not None:
        raise Conflict("This version was withdrawn. Write a new one.")
    if row.approved_at is None:
        row.approved_at, row.approved_by_id = clock.now(), me.id
        _note(session, me, "safety_text.approve", row)
    return row


async def withdraw(session: AsyncSession, me: Actor, version_id: int) -> SafetyText:
    """Never sent again; the newest of the approved ones before it is, if there is one."""
    me.require(Permission.SAFETY_TEXT_APPROVE)
    row = await _locked(session, version_id)
    if row.withdrawn_at is None:
        row.withdrawn_at, row.withdrawn_by_id = clock.now(), me.id
        _note(session, me, "safety_text.withdraw", row)
    return row


async def approve_from_setup(session: AsyncSession, me: Actor) -> int:
    """Approve what came at set-up and is sent. Returns how many texts that were."""
    me.require(Permission.SAFETY_TEXT_APPROVE)
    await seed(session)
    rows = list(await session.scalars(select(SafetyText)))
    waiting = [row for key in SafetyKey if (row := _sent([each for each in rows if each.key == key])) is not None]
    waiting = [row for row in waiting if row.approved_at is None]
    for row in waiting:
        await approve(session, me, row.id)
    return len(waiting)


async def _locked(session: AsyncSession, version_id: int) -> SafetyText:
    statement = select(SafetyText).where(SafetyText.id == version_id).with_for_update()
    row: SafetyText | None = await session.scalar(statement)
    if row is None:
        raise NotFound("There is no such version.")
    return row


def _note(session: AsyncSession, me: Actor, action: str, row: SafetyText) -> None:
    audit.record(
        session, me.id, action, object_type="safety_text", object_id=row.key.value,
        detail={"version": row.version}, ip=me.ip,
    )  # fmt: skip
