"""The audit log of greetings: who did what to which slot, with the hashes before and after."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import audit
from shared.models import GreetingSlot, GreetingVersion
from shared.people import Actor


def audited(
    session: AsyncSession,
    me: Actor,
    action: str,
    slot: GreetingSlot,
    *,
    before: GreetingVersion | None = None,
    after: GreetingVersion | None = None,
    **more: object,
) -> None:
    """One event, in the transaction of what it tells of."""
    audit.record(
        session, me.id, action, object_type="greeting_slot", object_id=slot.id, ip=me.ip,
        detail={
            "line": slot.line, "language": slot.language, "situation": slot.situation.value,
            "before": _facts(before), "after": _facts(after), **more,
        },
    )  # fmt: skip


def _facts(version: GreetingVersion | None) -> dict[str, object] | None:
    if version is None:
        return None
    return {"version_id": version.id, "number": version.number, "sha256": version.master_blob}
