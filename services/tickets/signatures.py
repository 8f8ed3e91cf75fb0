"""What stands under replies: the center's template, and in it what a person wrote for themselves, or their name."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import reply_templates
from services.tickets.new_ticket import storable
from shared import audit, clock
from shared.models import Person, PersonSignature
from shared.people import Actor, Permission
from shared.settings import Settings

TEMPLATE = "signature"
LONGEST = 2000


class Signature(BaseModel):
    """Markdown, in each language; empty: the name alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: str = Field(default="", max_length=LONGEST, examples=["Carla Whitfield\nCustomer service representative"])
    es: str = Field(default="", max_length=LONGEST, examples=["Carla Whitfield\nRepresentante de servicio al cliente"])


async def of_person(session: AsyncSession, person_id: int) -> Signature:
    rows = await session.scalars(select(PersonSignature).where(PersonSignature.person_id == person_id))
    return Signature(**{row.language: row.body for row in rows})


async def set_own(session: AsyncSession, me: Actor, wanted: Signature) -> Signature:
    me.require(Permission.TICKET_WORK)
    bodies: Mapping[str, str] = {
        language: storable(body).replace("\r\n", "\n").strip() for language, body in wanted.model_dump().items()
    }
    for language, body in bodies.items():
        if body:
            await session.execute(
                insert(PersonSignature)
                .values(person_id=me.id, language=language, body=body, updated_at=clock.now())
                .on_conflict_do_update(
                    index_elements=["person_id", "language"], set_={"body": body, "updated_at": clock.now()}
                )
            )
        else:
            await session.execute(
                delete(PersonSignature).where(PersonSignature.person_id == me.id, PersonSignature.language == language)
            )
    audit.record(session, me.id, "signature.change", object_type="person", object_id=me.id, ip=me.ip)
    return Signature(**bodies)


async def under_a_reply(session: AsyncSession, settings: Settings, person_id: int, language: str) -> str:
    """The whole signature of a person's reply, in `en` or `es`, as Markdown."""
    own = getattr(await of_person(session, person_id), language)
    if not own:
        own = await session.scalar(select(Person.name).where(Person.id == person_id)) or ""
    texts = await reply_templates.load(session, TEMPLATE)
    values = {**reply_templates.usual_values(settings, language), "signature": own}
    return reply_templates.fill(texts[language].body, values)
