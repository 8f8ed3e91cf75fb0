"""Account facts leave only towards somebody who is known, or with a person's word on why: the step before sending."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import account_facts
from services.tickets import trust_repository as repository
from services.tickets.account_facts import Fact
from services.tickets.new_ticket import storable
from services.tickets.protected import protected
from services.tickets.trust import MAY_BE_TOLD, Standing, standing
from shared import audit
from shared.errors import CentralitaError, Invalid
from shared.models import Ticket
from shared.people import Actor
from shared.settings import Settings

MAX_REASON = 500


class ConfirmRelease(CentralitaError):
    """The reply has facts of an account and it is not known who gets them. Take them out, or say why they may go.

    `found` lists the facts with the words around them, `unverified` the recipients. Send the same request again with
    `confirm_release: {"reason": "…"}`; the reason is written down.
    """

    status = 428
    slug = "confirm-release"

    def __init__(self, message: str, *, found: Sequence[Fact], unverified: dict[str, Standing]) -> None:
        super().__init__(message, addresses=", ".join(unverified))
        self.found = list(found)
        self.unverified = unverified

    def extension(self) -> dict[str, object]:
        return {
            "found": [{"kind": fact.kind.value, "found": fact.found, "quote": fact.quote} for fact in self.found],
            "unverified": [{"address": address, "standing": each.value} for address, each in self.unverified.items()],
        }


@dataclass(frozen=True)
class Release:
    """Facts that may go to somebody who is not known, because a person says so."""

    found: list[Fact]
    unverified: dict[str, Standing]
    reason: str

    def detail(self) -> dict[str, object]:
        return {
            "facts": [{"kind": fact.kind.value, "quote": fact.quote} for fact in self.found],
            "unverified": {address: each.value for address, each in self.unverified.items()},
            "reason": self.reason,
        }


async def look(
    session: AsyncSession, settings: Settings, ticket: Ticket, text: str, recipients: Sequence[str],
    *, reason: str | None, files: Sequence[str] = (),
) -> Release | None:  # fmt: skip
    """None: nothing to confirm. Raises ConfirmRelease without a reason. The caller holds the lock on the ticket."""
    wrote = await repository.mails_of(session, ticket.id)
    mails = [each.mail for each in wrote]
    checks = [repository.as_check(row) for row in await repository.checks_of(session, ticket.id)]
    known = await protected(session, settings)
    staff = {email for _, email in known.staff}
    alike = repository.pretenders(wrote, known)
    standings = {address: standing(address, mails, checks, staff, alike) for address in dict.fromkeys(recipients)}
    unverified = {address: each for address, each in standings.items() if each not in MAY_BE_TOLD}
    if not unverified:
        return None
    # What every unknown recipient wrote themselves; a copy to somebody else is news to them.
    told = [each.text for each in wrote if {each.mail.address} == set(unverified)]
    found = account_facts.find(text, files=files, told=told)
    if not found:
        return None
    reason = storable(reason or "").strip()
    if not reason:
        raise ConfirmRelease(
            "This reply has facts of the account, and nobody has made sure that {addresses} is the customer.",
            found=found,
            unverified=unverified,
        )
    if len(reason) > MAX_REASON:
        raise Invalid("Please keep the text under {limit} characters.", field="release_reason", limit=MAX_REASON)
    return Release(found, unverified, reason)


def record(session: AsyncSession, me: Actor, ticket: Ticket, delivery_id: int, release: Release) -> None:
    audit.record(
        session, me.id, "facts.release", object_type="delivery", object_id=delivery_id, ticket_id=ticket.id,
        detail=release.detail(), ip=me.ip,
    )  # fmt: skip
