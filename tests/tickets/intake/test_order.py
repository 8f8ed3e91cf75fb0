"""The same mails make the same tickets, in whatever order they are taken in."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from services.tickets import corrections
from services.tickets.priority import URGENCY
from services.tickets.said import Mail, Said, in_order, together
from services.tickets.topics import EMERGENCY, OTHER
from shared import clock
from shared.models import EntryKind, Intake, Level, Message, Priority, Role, Ticket
from tests.tickets.intake.conftest import Center

BEGAN = clock.now().replace(microsecond=0) - timedelta(hours=3)
SPANISH = "Me llegó la factura y no entiendo el cargo de generación. ¿Me lo pueden explicar, por favor?"
ENGLISH = "I forgot to say: the meter is in the garage, and we would like you to call us tomorrow morning."


def thread(*mails: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Each answers the one before, a minute later, and refers to all before it as mail programs do."""
    made: list[dict[str, Any]] = []
    for number, (words, more) in enumerate(mails):
        ids = [str(each["rfc_message_id"]) for each in made]
        moment = BEGAN + timedelta(minutes=number)
        made.append(
            {
                "text": words,
                "rfc_message_id": f"<{number}@customer.example>",
                "subject": "Mi factura" if number == 0 else "Re: Mi factura",
                "in_reply_to": ids[-1:],
                "references": ids,
                "sent_at": moment,
                "received_at": moment,
                "blob": f"{number:08x}",
                **more,
            }
        )
    return made


THREADS = {
    "an afterthought in English": thread((SPANISH, {}), (ENGLISH, {})),
    "and back to Spanish": thread((SPANISH, {}), (ENGLISH, {}), ("Perdón: ¿me pueden llamar mañana, por favor?", {})),
    "nothing is clear": thread(("?", {}), ("Bill 7", {}), ("Gracias", {})),
    "one second, one Date": thread(
        (SPANISH, {"sent_at": BEGAN, "received_at": BEGAN}), (ENGLISH, {"sent_at": BEGAN, "received_at": BEGAN})
    ),
    "a clock that is years behind": thread((SPANISH, {}), (ENGLISH, {"sent_at": BEGAN - timedelta(days=4000)})),
    "delivered late, sent first": thread(
        (SPANISH, {"received_at": BEGAN + timedelta(minutes=30)}), (ENGLISH, {"in_reply_to": []})
    ),
    "more urgent with every mail": thread(
        ("Hola, una pregunta.", {"subject": "Hola"}),
        ("We had solar panels installed last week. Please tell us what we have to do.", {}),
        ("I got a 48-hour notice that you will shut off my power, I cannot pay the bill.", {}),
    ),
    "an emergency in the middle": thread(
        (SPANISH, {}),
        ("Hay un fuerte olor a gas en nuestra cocina.", {}),
        ("Ya salimos, gracias. Teléfono 707 555 0142.", {}),
    ),
    "angry first": thread(
        ("I AM WRITING TO YOU BECAUSE NOBODY IN YOUR OFFICE EVER ANSWERS ME AND I HAVE HAD ENOUGH OF ALL THIS.", {}),
        ("Please call me at 707-555-0142.", {}),
        ("We are moving next month, how do we stop service? Call (707) 555-0199.", {}),
    ),
}  # fmt: skip


async def take_in(center: Center, run: int, mails: Sequence[dict[str, Any]]) -> list[tuple[object, ...]]:
    """The tickets that these mails make, told without what every run has of its own."""

    def own(words: str) -> str:
        return words.replace("@", f"@{run}.")

    for mail in mails:
        lists = {key: [own(each) for each in mail[key]] for key in ("in_reply_to", "references")}
        names = {key: own(mail.get(key, "ana@example.com")) for key in ("rfc_message_id", "from_address")}
        await center.receive(**{**mail, **lists, **names, "blob": mail["blob"] + f"{run:056x}"})
    async with center.database.transaction() as session:
        rows = await session.execute(
            select(Ticket, Message.rfc_message_id)
            .join(Intake, Intake.ticket_id == Ticket.id)
            .join(Message, Message.id == Intake.message_id)
            .where(Message.rfc_message_id.contains(f"@{run}."))
            .order_by(Message.rfc_message_id)
        )
        tickets: dict[int, Ticket] = {}
        stands: dict[int, list[str]] = {}
        for ticket, rfc_id in rows:
            tickets[ticket.id] = ticket
            stands.setdefault(ticket.id, []).append((rfc_id or "").replace(f"@{run}.", "@"))
        told: list[tuple[object, ...]] = [
            (
                stands[ticket.id],
                ticket.subject,
                ticket.state.value,
                ticket.language,
                round(ticket.language_confidence, 3),
                str(ticket.language_evidence.get("thread")),
                ticket.topic,
                ticket.level.value,
                ticket.priority.value,
                ticket.callback_number,
                ticket.queued_at,
                ticket.due_at,
                stands.get(ticket.linked_ticket_id or 0),
            )
            for ticket in tickets.values()
        ]
        return sorted(told, key=str)


@pytest.mark.parametrize("name", THREADS)
async def test_any_order_gives_the_same_ticket(center: Center, name: str) -> None:
    mails = THREADS[name]
    _first, *others = permutations(range(len(mails)))
    as_written = await take_in(center, 0, mails)
    assert len(as_written) == 1
    for run, order in enumerate(others, 1):
        assert await take_in(center, run, [mails[place] for place in order]) == as_written, f"in the order {order}"


async def test_a_stranger_s_answer_is_linked_to_what_it_answers_also_when_that_comes_last(center: Center) -> None:
    mails = thread((SPANISH, {}), (ENGLISH, {"from_address": "bruno@example.net"}))
    as_written = await take_in(center, 0, mails)
    assert len(as_written) == 2
    assert await take_in(center, 1, mails[::-1]) == as_written


async def test_an_older_mail_does_not_undo_what_a_person_decided(center: Center) -> None:
    older, newer = thread((SPANISH, {}), (ENGLISH, {}))
    ticket = (await center.receive(**newer)).ticket
    supervisor = await center.person(Role.SUPERVISOR)
    async with center.database.transaction() as session:
        await corrections.set_language(session, center.settings, supervisor, ticket.id, "mixed")
        await corrections.set_topic(session, center.settings, supervisor, ticket.id, "move_start_stop")
        await corrections.set_priority(session, center.settings, supervisor, ticket.id, Priority.HIGH)
    after = (await center.receive(**older)).ticket
    assert (after.id, after.language, after.topic, after.priority) == (
        ticket.id,
        "mixed",
        "move_start_stop",
        Priority.HIGH,
    )
    assert await center.entries(ticket.id, EntryKind.TOPIC, EntryKind.LANGUAGE, EntryKind.PRIORITY)


async def test_a_mail_of_before_anything_was_kept_is_read_again(center: Center) -> None:
    older, newer = thread((SPANISH, {}), (ENGLISH, {}))
    ticket = (await center.receive(**newer)).ticket
    async with center.database.transaction() as session:
        await session.execute(update(Intake).values(said=None))
    after = (await center.receive(**older)).ticket
    assert (after.id, after.language, after.subject) == (ticket.id, "en", "Mi factura")


moments = st.integers(0, 5).map(lambda minutes: BEGAN + timedelta(minutes=minutes))
says = st.builds(
    Said,
    language=st.sampled_from(["en", "es", "unknown"]),
    confidence=st.sampled_from([0.6, 0.9]),
    topic=st.sampled_from([OTHER, "move_start_stop", "nem_netgreen", EMERGENCY]),
    level=st.sampled_from(Level),
    priority=st.sampled_from(Priority),
    raised=st.booleans(),
    number=st.sampled_from([None, "+17075550142"]),
)


@st.composite
def some_mails(draw: st.DrawFn) -> list[Mail]:
    count = draw(st.integers(1, 6))
    ids = [f"<{number}>" for number in range(count)]
    return [
        Mail(
            message_id=number,
            said=draw(says),
            subject=f"subject {number}",
            sent_at=draw(st.none() | moments),
            received_at=draw(moments),
            uid=draw(st.integers(0, 3)),
            blob=f"{number:04x}",
            rfc_message_id=ids[number],
            answers=tuple(draw(st.lists(st.sampled_from(ids), max_size=2))),  # also rings, which only forgers make
        )
        for number in range(count)
    ]


@given(some_mails(), st.randoms())
def test_what_mails_say_together_is_a_matter_of_the_mails(mails: list[Mail], random: Any) -> None:
    shuffled = random.sample(mails, len(mails))
    assert in_order(shuffled) == in_order(mails)
    assert together(shuffled) == together(mails)
    found = together(mails)
    assert found is not None
    assert all(URGENCY.index(found.priority) <= URGENCY.index(each.said.priority) for each in mails if each.said.raised)
    assert (found.topic.said.topic == EMERGENCY) is any(each.said.topic == EMERGENCY for each in mails)
