"""What the customer hears back at once: in their language, once, and in an emergency what to do."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from services.tickets import intake, reply_templates
from services.tickets.acknowledge import answers_by_itself, languages_for
from shared import clock
from shared.models import (
    Alert,
    AlertKind,
    Channel,
    DeliveryKind,
    DeliveryState,
    EntryKind,
    Machine,
    Priority,
    Role,
    Template,
)
from tests.tickets.intake.conftest import HELP, Center

SPANISH = "Buenas tardes, quisiera saber por qué mi factura llegó tan alta este mes. Gracias."
GAS = "There is a really strong rotten egg smell by the gas meter. What should I do?"
GAS_ES = "¡Huele a gas en mi cocina, muy fuerte! ¿Qué hago?"


async def test_in_the_customers_language_with_everything_a_thread_needs(center: Center) -> None:
    english = await center.receive(subject="My bill", references=["<root@example.com>"])
    (mail,) = await center.deliveries(english.ticket.id)
    message = await center.message(english.row.message_id)
    assert (mail.kind, mail.state, mail.language) == (DeliveryKind.ACKNOWLEDGEMENT, DeliveryState.QUEUED, "en")
    assert mail.to_addresses == ["ana@example.com"]
    assert mail.subject == f"Re: My bill [#{english.ticket.id}]"
    assert "Thank you for writing" in mail.text
    assert "Gracias" not in mail.text
    assert f"#{english.ticket.id}" in mail.html
    assert "1-800-743-5000" in mail.text
    assert "{" not in mail.text
    assert mail.rfc_message_id.endswith("@center.example.org>")
    assert mail.in_reply_to == message.rfc_message_id
    assert mail.references == ["<root@example.com>", message.rfc_message_id]
    assert (mail.reply_token, mail.mailbox_id) == (english.ticket.reply_token, message.mailbox_id)
    (entry,) = await center.entries(english.ticket.id, EntryKind.ACKNOWLEDGEMENT)
    assert entry.delivery_id == mail.id

    spanish = await center.receive(SPANISH, from_address="lupe@example.com")
    (mail,) = await center.deliveries(spanish.ticket.id)
    assert (mail.language, "Gracias por escribir" in mail.text) == ("es", True)
    assert "Thank you" not in mail.text


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", ("en",)), ("es", ("es",)), ("mixed", ("en", "es")), ("unknown", ("en", "es")), ("tl", ("en",))],
)
def test_languages(language: str, expected: tuple[str, ...]) -> None:
    assert languages_for(language) == expected


async def test_bilingual_when_we_cannot_tell_and_a_spanish_line_for_other_languages(center: Center) -> None:
    seen = await center.receive("", subject="bill")
    (mail,) = await center.deliveries(seen.ticket.id)
    assert mail.language == "mixed"
    assert "Thank you" in mail.text
    assert "Gracias" in mail.text
    french = await center.receive(
        "Bonjour, je voudrais savoir pourquoi ma facture est si élevée ce mois-ci.", from_address="a@example.fr"
    )
    (mail,) = await center.deliveries(french.ticket.id)
    assert (french.ticket.language, mail.language) == ("fr", "en")
    assert "Hablamos español" in mail.text


async def test_at_most_one_an_hour_for_one_sender_even_at_once(center: Center) -> None:
    ids = [await center.store(f"Question {n}", subject=f"Q{n}") for n in range(6)]
    await asyncio.gather(*(intake.take_in_message(center.database, center.settings, id_) for id_ in ids))
    assert len(await center.tickets()) == 6
    assert len(await center.deliveries()) == 1
    async with center.database.transaction() as session:
        await session.execute(text("UPDATE delivery SET created_at = now() - interval '61 minutes'"))
    await center.receive("Another question", subject="Later")
    assert len(await center.deliveries()) == 2


@pytest.mark.parametrize(
    "values",
    [
        {"from_address": "noreply@shop.example"},
        {"from_address": "MAILER-DAEMON@mail.example".lower()},
        {"from_address": ""},
        {"reply_to": ["no-reply@shop.example"]},
    ],
)
async def test_nobody_behind_the_address(center: Center, values: dict[str, Any]) -> None:
    seen = await center.receive("Your order has shipped", **values)
    assert seen.ticket.id
    assert not await center.deliveries()


def test_reply_to_is_honoured_and_machines_are_known() -> None:
    assert answers_by_itself("no-reply+123@x.example")
    assert answers_by_itself("bounces-7@x.example")
    assert not answers_by_itself("norma@x.example")


async def test_reply_to_gets_the_answer_but_is_nobody(center: Center) -> None:
    seen = await center.receive(reply_to=["office@example.com"])
    (mail,) = await center.deliveries(seen.ticket.id)
    assert mail.to_addresses == ["office@example.com"]
    stranger = await center.receive(from_address="office@example.com", reply_token=seen.ticket.reply_token)
    assert stranger.ticket.id != seen.ticket.id


async def test_an_emergency_before_everything_else(center: Center) -> None:
    center.settings.shift_lead_address = "lead@center.example.org"
    seen = await center.receive(GAS, subject="Re: Your class registration", in_reply_to=["<unknown@example.org>"])
    ticket = seen.ticket
    assert (ticket.topic, ticket.priority) == ("emergency_safety", Priority.EMERGENCY)
    assert ticket.due_at == ticket.queued_at + timedelta(minutes=30)
    safety, page = await center.deliveries(ticket.id)
    assert (safety.kind, page.kind) == (DeliveryKind.SAFETY, DeliveryKind.PAGE)
    assert "911" in safety.subject
    assert safety.text.index("leave the building") < safety.text.index("911") < safety.text.index("1-800-743-5000")
    assert page.to_addresses == ["lead@center.example.org"]
    assert f"/tickets/{ticket.id}" in page.text
    assert "rotten egg" in page.text
    (alert,) = await center.alerts()
    assert (alert.kind, alert.ticket_id, alert.taken_at) == (AlertKind.EMERGENCY, ticket.id, None)
    assert await center.entries(ticket.id, EntryKind.ALERT)


@pytest.mark.parametrize(("hours", "kinds"), [(23, [DeliveryKind.SAFETY, DeliveryKind.PAGE]), (25, [])])
async def test_mail_found_in_a_full_mailbox_is_ticketed_and_nobody_is_written_to(
    center: Center, hours: int, kinds: list[DeliveryKind]
) -> None:
    center.settings.shift_lead_address = "lead@center.example.org"
    then = clock.now() - timedelta(hours=hours)
    seen = await center.receive(GAS, received_at=then)
    assert (seen.ticket.priority, seen.ticket.queued_at) == (Priority.EMERGENCY, then)
    assert [each.kind for each in await center.deliveries(seen.ticket.id)] == kinds
    assert [each.ticket_id for each in await center.alerts()] == [seen.ticket.id]
    plain = await center.receive("How do I read my bill?", from_address="lupe@example.com", received_at=then)
    assert len(await center.deliveries(plain.ticket.id)) == (1 if kinds else 0)
    call = await center.call(GAS, called_at=then)
    assert [each.kind for each in await center.deliveries(call.ticket.id)] == kinds[1:]
    assert len(await center.alerts()) == 2


async def test_an_emergency_in_spanish_and_without_a_shift_lead(center: Center) -> None:
    seen = await center.receive(GAS_ES)
    (safety,) = await center.deliveries(seen.ticket.id)
    assert (safety.kind, safety.language) == (DeliveryKind.SAFETY, "es")
    assert "salga ahora mismo" in safety.text
    assert len(await center.alerts()) == 1


async def test_an_emergency_in_a_later_mail_still_warns(center: Center) -> None:
    first = await center.receive("I have a question about my bill, please.")
    assert first.ticket.priority is Priority.NORMAL
    person = await center.person(Role.CSR2)
    await center.give(first.ticket.id, person)
    seen = await center.receive(GAS, reply_token=first.ticket.reply_token)
    assert (seen.ticket.topic, seen.ticket.priority) == ("emergency_safety", Priority.EMERGENCY)
    assert seen.ticket.due_at is not None
    kinds = [delivery.kind for delivery in await center.deliveries(seen.ticket.id)]
    assert kinds == [DeliveryKind.ACKNOWLEDGEMENT, DeliveryKind.SAFETY]
    # Saying it again adds neither mail nor alarm, also when the alert was taken meanwhile.
    async with center.database.transaction() as session:
        await session.execute(update(Alert).values(taken_at=clock.now(), taken_by_id=person.id))
    await center.receive(GAS, reply_token=first.ticket.reply_token)
    assert len(await center.deliveries(seen.ticket.id)) == 2
    assert len(await center.alerts()) == 1


async def test_the_subject_and_the_quote_are_no_emergency(center: Center) -> None:
    seen = await center.receive(
        "Thank you, all is well now.", subject="Re: gas leak", in_reply_to=["<x@example.com>"],
        text_full="Thank you, all is well now.\n> there is a gas leak",
    )  # fmt: skip
    assert seen.ticket.topic != "emergency_safety"
    # But a mail that is nothing except its subject says it there.
    empty = await center.receive("", subject="gas leak in my kitchen", from_address="b@example.com")
    assert empty.ticket.topic == "emergency_safety"


async def test_machines_and_voicemails_get_none(center: Center) -> None:
    await center.receive(GAS, machine=Machine.AUTO_REPLY)
    assert not await center.deliveries()
    seen = await center.call("There is a gas leak in my garage.", "en")
    assert seen.ticket.channel is Channel.VOICEMAIL
    assert seen.ticket.priority is Priority.EMERGENCY
    assert not await center.deliveries()
    assert len(await center.alerts()) == 1


async def test_templates_stand_in_both_languages_and_staff_may_change_them(center: Center) -> None:
    keys = {key for key, _ in reply_templates.shipped()}
    assert {"acknowledgement", "page"} <= keys
    for key in keys:
        texts = [reply_templates.shipped()[key, language] for language in reply_templates.LANGUAGES]
        assert all(one.subject and one.body for one in texts)
        names = [set(reply_templates._PLACEHOLDER.findall(one.subject + one.body)) for one in texts]
        assert names[0] == names[1], key
    async with center.database.transaction() as session:
        assert await reply_templates.seed(session) == 2 * len(keys)
    async with center.database.transaction() as session:
        assert await reply_templates.seed(session) == 0
        await session.execute(
            update(Template)
            .where(Template.key == "acknowledgement", Template.language == "en")
            .values(body="We have it, {center}. {unheard} {{braces}} {number}")
        )
    seen = await center.receive()
    (mail,) = await center.deliveries(seen.ticket.id)
    assert mail.text == f"We have it, Customer Center. {{unheard}} {{braces}} {seen.ticket.id}\n"


async def test_the_mailbox_it_came_to_is_the_one_it_leaves_from(center: Center) -> None:
    seen = await center.receive()
    (mail,) = await center.deliveries(seen.ticket.id)
    assert mail.mailbox_id == (await center.message(seen.row.message_id)).mailbox_id
    assert mail.rfc_message_id.partition("@")[2] == HELP.partition("@")[2] + ">"
