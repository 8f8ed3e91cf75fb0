"""What came of a run: faults in the ledger and in customers' mailboxes, and all that two runs must have in common."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from local.mailboxes import base_address
from services.tickets import ingestion
from tests.soak.center import Center
from tests.soak.mails import ADDRESSES

# Entries that stand for mail; who was asked and how often something was tried may differ between two runs.
COUNTED = ("mail_in", "mail_out", "machine_mail", "bounce", "linked")
OPEN = {"queued", "offered", "assigned"}


@dataclass
class Outcome:
    """`common` is what a calm run and a soaked one must agree in: a multiset of plain lines."""

    faults: list[str]
    common: Counter[str] = field(repr=False)
    unknown: int  # deliveries that say that nobody knows whether they arrived
    arrived: int  # of these, those that did
    counts: dict[str, int]

    def differences(self, calm: "Outcome") -> list[str]:
        """Lines that only one of the runs has, those of one ticket side by side."""
        lost = [f"  calm only: {line}" for line in (calm.common - self.common).elements()]
        more = [f"  soak only: {line}" for line in (self.common - calm.common).elements()]
        return sorted(lost + more, key=lambda line: (line.partition(": ")[2], line))


async def outcome(center: Center) -> Outcome:
    """Of a center where nothing is under way any more."""
    letters, unknown, arrived = await _letters(center)
    return Outcome(
        faults=[*await unfinished(center), *await _ledger(center), *letters, *await _copies(center)],
        common=await _common(center),
        unknown=unknown,
        arrived=arrived,
        counts=await _counts(center),
    )


async def unfinished(center: Center) -> list[str]:
    """What is still under way: empty once everything is done."""
    found = []
    for what, statement in _UNFINISHED.items():
        ((count,),) = await center.fetch(statement)
        if count:
            found.append(f"{count} {what}")
    for address in ADDRESSES:
        here = len(center.stack.mail.store.box(address).inbox._messages)
        ((there,),) = await center.fetch(
            "SELECT count(*) FROM mail_receipt r JOIN mailbox b ON b.id = r.mailbox_id WHERE b.address = :address",
            address=address,
        )
        if here > there:
            found.append(f"{here - there} mails of {address} that the ledger lacks")
    return found


async def dying(receipts: int, messages: int, center: Center) -> list[str]:
    """What is still under way before the defects are repaired: they alone must have died of them, with the reason."""
    found = await center.fetch(
        "SELECT r.state, r.error, m.subject FROM mail_receipt r LEFT JOIN message m ON m.id = r.message_id"
        " WHERE r.state = 'dead'"
        " UNION ALL SELECT i.outcome, i.error, m.subject FROM intake i JOIN message m ON m.id = i.message_id"
        " WHERE i.outcome = 'failed'"
    )
    strange = [row for row in found if "soak_defect" not in (row.error or "")]
    dead = Counter(row.state for row in found)
    left = [f"{row.state}, and not of a defect: {_last(row.error)}" for row in strange]
    for state, wanted in (("dead", receipts), ("failed", messages)):
        if dead[state] != wanted:
            left.append(f"{dead[state]} {state} of {wanted}")
    return [*left, *(line for line in await unfinished(center) if "not taken in" not in line)]


_UNFINISHED = {
    "receipts not parsed": "SELECT count(*) FROM mail_receipt WHERE state = 'stored'",
    "messages not taken in": "SELECT count(*) FROM message m LEFT JOIN intake i ON i.message_id = m.id"
    " WHERE i.id IS NULL OR i.outcome = 'failed'",
    "deliveries on their way": "SELECT count(*) FROM delivery WHERE state IN ('queued', 'sending')",
    "deliveries not noted": "SELECT count(*) FROM delivery WHERE state IN ('sent', 'failed') AND NOT failure_noted",
    "copies not kept": "SELECT count(*) FROM sent_copy WHERE state = 'waiting'",
}


async def _ledger(center: Center) -> list[str]:
    """Every UID of the server has exactly one receipt, which ended as a message with exactly one fate."""
    faults = []
    for address in ADDRESSES:
        rows = await center.fetch(
            "SELECT r.uid, r.state, r.error FROM mail_receipt r JOIN mailbox b ON b.id = r.mailbox_id"
            " WHERE b.address = :address AND r.folder = 'INBOX'",
            address=address,
        )
        receipts = Counter(row.uid for row in rows)
        server = {mail.uid for mail in await asyncio.to_thread(center.stack.mail.mails, address)}
        faults += [f"{address} UID {uid}: no receipt" for uid in sorted(server - receipts.keys())]
        faults += [f"{address} UID {uid}: a receipt of no mail" for uid in sorted(receipts.keys() - server)]
        faults += [f"{address} UID {uid}: {count} receipts" for uid, count in sorted(receipts.items()) if count != 1]
        faults += [f"{address} UID {row.uid}: {row.state}: {_last(row.error)}" for row in rows if row.state != "parsed"]
    dead = await center.fetch("SELECT message_id, error FROM intake WHERE outcome = 'failed'")
    faults += await _health_page(center)
    faults += [f"message {row.message_id}: {_last(row.error)}" for row in dead]
    return faults


async def _health_page(center: Center) -> list[str]:
    """What a supervisor is told: every receipt accounted for, and as many mails in the ledger as on the server."""
    async with center.database.transaction() as session:
        account = await ingestion.account(session, center.supervisor)
    faults = []
    if account.receipts != account.ticketed + account.attached + sum(account.held.values()):
        faults.append(f"the health page does not account for all mail: {account}")
    for view in await center.compared():
        if view.missing or view.gone or view.refused or view.on_server != view.in_ledger:
            faults.append(f"the health page sees a mismatch: {view}")
    return faults


def _last(traceback: str | None) -> str:
    return (traceback or "").strip().rpartition("\n")[2][:300]


async def _letters(center: Center) -> tuple[list[str], int, int]:
    """What customers got against what we believe to have sent: faults, unknown fates, and those of them that came."""
    faults = []
    unknown = arrived = 0
    rows = await center.fetch(
        "SELECT id, kind, state, failure, last_error, rfc_message_id, to_addresses[0] #>> '{}' AS address FROM delivery"
    )
    got: dict[str, Counter[str]] = {}
    for address in {base_address(row.address) for row in rows}:
        mails = await asyncio.to_thread(center.stack.mail.mails, address)
        got[address] = Counter(str(mail.parsed()["Message-ID"]) for mail in mails)
    acknowledged: Counter[str] = Counter()
    for row in rows:
        count = got[base_address(row.address)].pop(row.rfc_message_id, 0)
        what = f"delivery {row.id} ({row.kind}, {row.state}) to {row.address}"
        acknowledged[row.address] += row.kind == "acknowledgement"
        if count > 1:
            faults.append(f"{what}: came {count} times")
        if row.state == "sent" and count != 1:
            faults.append(f"{what}: came {count} times")
        if row.state == "failed" and row.failure == "unknown":
            unknown += 1
            arrived += count
            if "not known" not in (row.last_error or ""):
                faults.append(f"{what}: does not say that its fate is not known: {row.last_error}")
        elif row.state != "sent":
            faults.append(f"{what}: {row.failure} {row.last_error}")
    for address, left in got.items():
        if address not in ADDRESSES:
            faults += [f"{address} has {mail_id}, which is nobody's" for mail_id in left.elements()]
    faults += [f"{address} was acknowledged {count} times" for address, count in acknowledged.items() if count > 1]
    return faults, unknown, arrived


async def _copies(center: Center) -> list[str]:
    """Every reply that was sent lies once in a Sent folder."""
    rows = await center.fetch("SELECT d.rfc_message_id FROM sent_copy c JOIN delivery d ON d.id = c.delivery_id")
    kept: Counter[str] = Counter()
    for address in ADDRESSES:
        mails = await asyncio.to_thread(center.stack.mail.mails, address, "Sent")
        kept.update(str(mail.parsed()["Message-ID"]) for mail in mails)
    return [f"{row[0]} lies {kept[row[0]]} times in Sent" for row in rows if kept[row[0]] != 1]


async def _common(center: Center) -> Counter[str]:
    tickets = await center.fetch(_TICKETS, counted=list(COUNTED))
    lines = [
        f"ticket «{row.subject}» of {row.customer}: {'open' if row.state in OPEN else row.state}, {row.language}, "
        f"{row.topic}, {row.priority}, {row.alarms} alarms, linked to {row.linked}, "
        f"entries {_flat(row.entries)}, mails {_flat(row.mails)}"
        for row in tickets
    ]
    held = await center.fetch(
        "SELECT m.from_address, m.subject, i.policy FROM intake i JOIN message m ON m.id = i.message_id"
        " WHERE i.outcome = 'held'"
    )
    lines += [f"held «{row.subject}» of {row.from_address}: {row.policy}" for row in held]
    acknowledged = await center.fetch(
        "SELECT to_addresses[0] #>> '{}' AS address FROM delivery WHERE kind = 'acknowledgement'"
    )
    lines += [f"acknowledged {row.address}" for row in acknowledged]
    return Counter(lines)


def _flat(counts: dict[str, Any] | None) -> str:
    return " ".join(f"{kind}={count}" for kind, count in sorted((counts or {}).items())) or "none"


_TICKETS = """
SELECT t.subject, t.state, t.language, t.topic, t.priority, l.subject AS linked,
  (SELECT string_agg(value, ' ' ORDER BY value) FROM customer_identity c
    WHERE c.customer_id = t.customer_id) AS customer,
  (SELECT jsonb_object_agg(kind, n) FROM (SELECT kind, count(*) AS n FROM entry
    WHERE ticket_id = t.id AND kind = ANY(:counted) GROUP BY kind) e) AS entries,
  (SELECT count(*) FROM alert a WHERE a.ticket_id = t.id AND a.kind = 'emergency') AS alarms,
  (SELECT jsonb_object_agg(kind, n) FROM (SELECT kind, count(*) AS n FROM delivery
    WHERE ticket_id = t.id AND kind <> 'acknowledgement' GROUP BY kind) d) AS mails
FROM ticket t LEFT JOIN ticket l ON l.id = t.linked_ticket_id
"""


async def _counts(center: Center) -> dict[str, int]:
    return {
        name: (await center.fetch(f"SELECT count(*) FROM {table}"))[0][0]
        for name, table in (
            ("mails", "mail_receipt"),
            ("messages", "message"),
            ("tickets", "ticket"),
            ("mails sent", "delivery WHERE state = 'sent'"),
        )
    }


def told(lines: Iterable[str], at_most: int = 40) -> str:
    """The first of many lines, and how many there are."""
    every = list(lines)
    more = [f"… and {len(every) - at_most} more"] if len(every) > at_most else []
    return "\n".join([*every[:at_most], *more])
