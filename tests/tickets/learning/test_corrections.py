"""A person's word on a decision: kept with what was decided, replaced by a later word, taken back, and counted."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from services.tickets import corrections
from services.tickets.learning.judgements import figures
from services.tickets.triage.model import model
from services.tickets.views.learning import learning, period
from services.tickets.views.learning_models import LearningView, Shares
from services.tickets.views.queue import QueueFilter, queue
from shared.errors import Conflict, Invalid
from shared.models import (
    AuditEvent,
    Correction,
    CorrectionKind,
    Customer,
    EntryKind,
    LanguageSource,
    Level,
    Priority,
    Role,
    Ticket,
    TicketState,
)
from shared.people import Actor
from tests.tickets.intake.conftest import Center, center  # noqa: F401

BILL = "Hello, I have a question about my bill: why is it higher than last month?"
BOTH = (
    "Quiero hacer un plan de pagos para mi recibo atrasado. También me mudo el viernes y necesito cancelar el servicio "
    "en mi casa vieja."
)


async def correct(center: Center, me: Actor, ticket: int, **to: str) -> Ticket:  # noqa: F811
    async with center.database.transaction() as session:
        for kind, value in to.items():
            if kind == "language":
                await corrections.set_language(session, center.settings, me, ticket, value)
            elif kind == "topic":
                await corrections.set_topic(session, center.settings, me, ticket, value)
            else:
                await corrections.set_priority(session, center.settings, me, ticket, Priority(value))
    return await center.ticket(ticket)


async def take_back(center: Center, me: Actor, ticket: int, kind: CorrectionKind) -> Ticket:  # noqa: F811
    async with center.database.transaction() as session:
        await corrections.take_back(session, center.settings, me, ticket, kind)
    return await center.ticket(ticket)


async def kept(center: Center) -> list[Correction]:  # noqa: F811
    async with center.database.transaction() as session:
        return list(await session.scalars(select(Correction).order_by(Correction.id)))


async def seen(center: Center) -> LearningView:  # noqa: F811
    async with center.database.transaction() as session:
        return await learning(session, center.settings, *period(center.settings, None, None))


async def test_a_correction_names_the_words_and_has_no_copy_of_them(center: Center) -> None:  # noqa: F811
    mail = await center.receive(BILL)
    me = await center.person()
    decided = mail.ticket.topic
    await correct(center, me, mail.ticket.id, topic="move_start_stop")
    (row,) = await kept(center)
    assert (row.kind, row.decided, row.corrected) == (CorrectionKind.TOPIC, decided, "move_start_stop")
    assert (row.person_id, row.model, row.message_id) == (me.id, model().version, mail.row.message_id)
    assert "shares" in row.evidence
    assert "bill" not in str({**row.evidence, "shares": 0, "phrases": 0}), "figures and codes, nobody's words"
    call = await center.call("Quiero saber por qué subió tanto mi recibo este mes.", "es")
    await correct(center, me, call.ticket.id, language="mixed")
    row = (await kept(center))[-1]
    assert (row.decided, row.corrected, row.transcript_id) == ("es", "mixed", call.row.transcript_id)


def test_evidence_is_kept_without_words() -> None:
    found = {
        "model": "1",
        "confidence": 0.7,
        "words": ["my bill"],
        "phrases": {"billing": ["my bill", "bill"]},
        "x": "y",
    }
    assert figures(found) == {"model": "1", "confidence": 0.7, "words": 1, "phrases": {"billing": 2}}


async def test_a_second_word_replaces_the_first_and_keeps_the_decision(center: Center) -> None:  # noqa: F811
    ticket = (await center.receive(BILL)).ticket
    one, other = await center.person(), await center.person()
    await correct(center, one, ticket.id, topic="shutoff_notice")
    await correct(center, one, ticket.id, topic="shutoff_notice")  # the same again says nothing new
    await correct(center, other, ticket.id, topic="scam_report")
    first, second = await kept(center)
    assert (first.ended_at is not None, first.ended_by_id) == (True, other.id)
    assert (second.decided, second.corrected, second.ended_at) == (ticket.topic, "scam_report", None)


async def test_taking_a_topic_back_restores_what_was_decided(center: Center) -> None:  # noqa: F811
    ticket = (await center.receive(BILL)).ticket
    me = await center.person()
    changed = await correct(center, me, ticket.id, topic="shutoff_notice")
    assert (changed.level, changed.priority) == (Level.CSR2, Priority.HIGH)
    back = await take_back(center, me, ticket.id, CorrectionKind.TOPIC)
    assert (back.topic, back.level, back.priority) == (ticket.topic, ticket.level, ticket.priority)
    assert not back.topic_corrected
    with pytest.raises(Conflict):
        await take_back(center, me, ticket.id, CorrectionKind.TOPIC)
    async with center.database.transaction() as session:
        actions = list(await session.scalars(select(AuditEvent.action).where(AuditEvent.ticket_id == ticket.id)))
    assert {"ticket.set_topic", "ticket.take_back_correction"} <= set(actions)


async def test_taking_a_language_back_forgets_it_for_the_customer(center: Center) -> None:  # noqa: F811
    ticket = (await center.receive(BILL)).ticket
    me = await center.person()
    await center.give(ticket.id, me)
    changed = await correct(center, me, ticket.id, language="es")
    assert changed.state is TicketState.QUEUED, "not verified in Spanish"
    back = await take_back(center, me, ticket.id, CorrectionKind.LANGUAGE)
    assert (back.language, back.language_source) == ("en", LanguageSource.TEXT)
    assert back.language_confidence == pytest.approx(ticket.language_confidence)
    async with center.database.transaction() as session:
        assert (await session.get_one(Customer, ticket.customer_id)).language is None


async def test_taking_a_priority_back_lets_the_machine_decide_again(center: Center) -> None:  # noqa: F811
    ticket = (await center.receive(BILL)).ticket
    me = await center.person()
    assert (await correct(center, me, ticket.id, priority="low")).priority is Priority.LOW
    back = await take_back(center, me, ticket.id, CorrectionKind.PRIORITY)
    assert back.priority is ticket.priority
    assert (await correct(center, me, ticket.id, topic="shutoff_notice")).priority is Priority.HIGH


async def test_what_the_machine_decided_anew_is_not_undone(center: Center) -> None:  # noqa: F811
    first = await center.receive(BILL)
    me = await center.person()
    await correct(center, me, first.ticket.id, topic="scam_report")
    message = await center.message(first.row.message_id)
    await center.receive(
        "There is a strong smell of gas in my kitchen right now!", subject="Re: A question",
        in_reply_to=[message.rfc_message_id],
    )  # fmt: skip
    assert (await center.ticket(first.ticket.id)).topic == "emergency_safety"
    with pytest.raises(Conflict):
        await take_back(center, me, first.ticket.id, CorrectionKind.TOPIC)
    await correct(center, me, first.ticket.id, topic="billing_dispute")
    assert (await kept(center))[-1].decided == "emergency_safety"


async def test_agreeing_is_kept_too_and_changes_nothing(center: Center) -> None:  # noqa: F811
    ticket = (await center.receive(BILL)).ticket
    me = await center.person()
    agreed = await correct(center, me, ticket.id, topic=ticket.topic, priority=ticket.priority.value)
    assert (agreed.topic, agreed.level, agreed.priority) == (ticket.topic, ticket.level, ticket.priority)
    assert [row.decided == row.corrected for row in await kept(center)] == [True, True]
    (entry,) = await center.entries(ticket.id, EntryKind.TOPIC)
    assert entry.detail["from"] == entry.detail["to"]
    whole = (await seen(center)).whole
    assert (whole.topic.judged, whole.topic.corrected, whole.topic.percent) == (1, 0, 0.0)


async def test_supervisors_see_what_is_taken_for_what(center: Center) -> None:  # noqa: F811
    me = await center.person()
    tickets = [(await center.receive(BILL, from_address=f"p{n}@example.com")).ticket for n in range(4)]
    for each in tickets[:3]:
        await center.give(each.id, me)
    topic = tickets[0].topic
    await correct(center, me, tickets[0].id, topic="scam_report")
    await correct(center, me, tickets[1].id, topic="scam_report", language="es")
    call = await center.call("Quiero saber por qué subió tanto mi recibo este mes.", "es")
    await correct(center, me, call.ticket.id, priority="high")
    found = await seen(center)
    assert found.handled == 4, "the fourth mail is in nobody's hand yet"
    (confusion,) = found.topics
    assert (confusion.decided, confusion.corrected, confusion.tickets) == (topic, "scam_report", 2)
    assert confusion.examples == [tickets[1].id, tickets[0].id]
    assert [(each.decided, each.corrected) for each in found.languages] == [("en", "es")]
    assert [(each.decided, each.corrected) for each in found.priorities] == [("normal", "high")]
    channels: dict[str, Shares] = {each.name: each for each in found.channels}
    assert (channels["email"].tickets, channels["email"].topic.corrected) == (3, 2)
    assert channels["email"].topic.percent == pytest.approx(66.7)
    assert (channels["voicemail"].topic.corrected, channels["voicemail"].priority.corrected) == (0, 1)
    assert [each.name for each in found.models] == [model().version]
    async with center.database.transaction() as session:
        last = period(center.settings, None, None)[0] - timedelta(days=1)
        assert (await learning(session, center.settings, last, last)).handled == 0
    with pytest.raises(Invalid):
        period(center.settings, last, last - timedelta(days=1))


async def test_a_second_topic_is_shown_found_and_decides_who_may_answer(center: Center) -> None:  # noqa: F811
    ticket = (await center.receive(BOTH, subject="Two questions")).ticket
    assert ticket.also_topics, ticket.topic_evidence
    (second,) = ticket.also_topics
    for topic in (ticket.topic, second):
        async with center.database.transaction() as session:
            page = await queue(session, QueueFilter(topics=[topic]))
        assert [row.id for row in page.items] == [ticket.id]
        assert page.items[0].also_topics == [second]
    me = await center.person(Role.CSR2)
    changed = await correct(center, me, ticket.id, topic=second)
    assert (changed.topic, changed.also_topics) == (second, [])
