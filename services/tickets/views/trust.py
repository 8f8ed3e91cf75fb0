"""Who really writes on a ticket: the newest mail's verdict, checked identities, senders who look like others."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import trust_repository as repository
from services.tickets.protected import protected
from services.tickets.trust import Mail, ended_by, standing
from services.tickets.views.models import IdentityCheckView, PersonRef, SuspicionView, TrustView
from shared.models import IdentityCheck, Person
from shared.settings import Settings


async def trust_view(session: AsyncSession, settings: Settings, ticket_id: int) -> TrustView:
    wrote = await repository.mails_of(session, ticket_id)
    rows = await repository.checks_of(session, ticket_id)
    mails = [each.mail for each in wrote]
    checks = [repository.as_check(row) for row in rows]
    known = await protected(session, settings)
    newest = wrote[-1] if wrote else None
    address = newest.mail.address if newest else ""
    staff = {email for _, email in known.staff}
    alike = repository.pretenders(wrote, known)
    return TrustView(
        address=address,
        verdict=newest.mail.verdict if newest else None,
        domain=newest.domain if newest else None,
        standing=standing(address, mails, checks, staff, alike) if newest else None,
        checks=await _checks(session, rows, mails),
        suspicions=[
            SuspicionView(kind=each.kind, found=each.found, like=each.like, trick=each.trick, message_id=message_id)
            for message_id, found in repository.look_alikes(wrote, known).items()
            for each in found
        ],
        spam=newest.spam if newest else None,
        closed_as_spam=await repository.closed_as_spam(session, ticket_id),
    )


async def _checks(
    session: AsyncSession, rows: Sequence[IdentityCheck], mails: Sequence[Mail]
) -> list[IdentityCheckView]:
    if not rows:
        return []
    ids = {row.checked_by_id for row in rows} | {row.ended_by_id for row in rows if row.ended_by_id is not None}
    people = {
        person_id: PersonRef(id=person_id, name=name)
        for person_id, name in await session.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
    }
    checks = [repository.as_check(row) for row in rows]
    views = []
    for row, check in zip(rows, checks, strict=True):
        ended = ended_by(check, mails, checks)
        views.append(
            IdentityCheckView(
                id=row.id,
                address=row.address,
                method=row.method,
                note=row.note,
                by=people[row.checked_by_id],
                at=row.checked_at,
                counts=ended is None and not check.taken_back,
                taken_back_at=row.ended_at,
                taken_back_by=people[row.ended_by_id] if row.ended_by_id is not None else None,
                ended_by=ended.address if ended else None,
            )
        )
    return views
