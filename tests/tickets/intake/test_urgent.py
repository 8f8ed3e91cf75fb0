"""What is urgent beside gas and wires: kept on the ticket, told to supervisors, answered with the approved text."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from services.tickets import safety_texts
from services.tickets.remembered import Remembered
from services.tickets.template_texts import TemplateText
from shared.calendar import day_of
from shared.models import AlertKind, AuditEvent, DeliveryKind, EntryKind, Level, Priority, Role, SafetyKey
from shared.people import Actor
from shared.settings import Settings
from tests.tickets.intake.conftest import Center

CRISIS = "I don't want to live anymore. I owe you 640 dollars and I see no way out."
SHUTOFF = "Buenas tardes, me cortan la luz mañana y no tengo para pagar todo. ¿Qué puedo hacer?"


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety_texts, "_approved", Remembered(seconds=0))


async def test_a_person_in_crisis_is_told_of_at_once_and_discreetly(center: Center) -> None:
    center.settings.shift_lead_address = "lead@center.example.org"
    seen = await center.receive(CRISIS, subject="The bill of my late husband")
    assert (seen.ticket.priority, seen.ticket.level) == (Priority.EMERGENCY, Level.CSR1)
    assert seen.ticket.topic != "emergency_safety"
    mail, page = await center.deliveries(seen.ticket.id)
    assert (mail.kind, page.kind) == (DeliveryKind.SAFETY, DeliveryKind.PAGE)
    assert mail.subject == f"We received your message [#{seen.ticket.id}]"
    assert "988" in mail.text
    assert "gas" not in mail.text
    assert "somebody may harm themselves" in page.subject
    (alert,) = await center.alerts()
    assert (alert.kind, alert.ticket_id) == (AlertKind.CRISIS, seen.ticket.id)
    [kept] = seen.ticket.urgency
    quote = kept["quotes"][0]
    assert (kept["kind"], kept["message_id"]) == ("crisis", seen.row.message_id)
    assert CRISIS[quote["start"] : quote["end"]] == quote["words"]
    (entry,) = await center.entries(seen.ticket.id, EntryKind.ACKNOWLEDGEMENT)
    assert (entry.detail["text"], entry.detail["version"]) == ("crisis", 0)
    # A second mail of theirs alerts nobody again.
    await center.receive(CRISIS, reply_token=seen.ticket.reply_token)
    assert len(await center.alerts()) == 1


async def test_a_shut_off_is_answered_with_its_text_and_its_day(center: Center) -> None:
    seen = await center.receive(SHUTOFF)
    assert (seen.ticket.priority, seen.ticket.topic) == (Priority.HIGH, "shutoff_notice")
    (mail,) = await center.deliveries(seen.ticket.id)
    assert (mail.kind, mail.language, "211" in mail.text) == (DeliveryKind.ACKNOWLEDGEMENT, "es", True)
    [kept] = seen.ticket.urgency
    tomorrow = day_of(center.settings, seen.ticket.queued_at) + timedelta(1)
    assert (kept["kind"], kept["on"]) == ("disconnection", tomorrow.isoformat())


async def test_a_later_mail_adds_what_it_says_and_a_voicemail_does_too(center: Center) -> None:
    first = await center.receive("I have a question about my bill, please.")
    await center.receive("I'm going to shoot the next one you send here.", reply_token=first.ticket.reply_token)
    (ticket,) = await center.tickets()
    assert ([each["kind"] for each in ticket.urgency], ticket.priority) == (["threat"], Priority.HIGH)
    call = await center.call("my husband is on oxygen and the power has been out since noon", "en")
    assert [each["kind"] for each in call.ticket.urgency] == ["life_support", "vulnerable"]
    assert call.ticket.urgency[0]["recording_id"]
    assert {alert.kind for alert in await center.alerts()} == {AlertKind.THREAT, AlertKind.LIFE_SUPPORT}


async def test_only_what_was_approved_is_sent(center: Center) -> None:
    person = await center.person(Role.SUPERVISOR)
    me = Actor(person.id, person.name, person.email, person.role)
    gas = "There is a strong smell of gas in my kitchen, what should I do?"
    text = TemplateText(subject="Get out", body="Leave the building. Use no switch. 911, then {utility_phone}.")
    spanish = TemplateText(subject="Salga", body="Salga del edificio. Ningún interruptor. 911 y {utility_phone}.")
    async with center.database.transaction() as session:
        await safety_texts.seed(session)
        view = await safety_texts.write(session, center.settings, me, SafetyKey.GAS, en=text, es=spanish)
        assert view.sent is not None
        assert (view.sent.version, view.versions[0].standing.value) == (1, "waiting")
    seen = await center.receive(gas)
    assert "Get out" not in (await center.deliveries(seen.ticket.id))[0].subject
    async with center.database.transaction() as session:
        await safety_texts.approve(session, me, view.versions[0].id)
    seen = await center.receive(gas, from_address="second@example.com")
    (mail,) = await center.deliveries(seen.ticket.id)
    assert mail.subject.startswith("Get out")
    (entry,) = await center.entries(seen.ticket.id, EntryKind.ACKNOWLEDGEMENT)
    assert (entry.detail["text"], entry.detail["version"]) == ("gas", 2)
    async with center.database.transaction() as session:
        for key in (SafetyKey.GAS, SafetyKey.DANGER):
            for version in (await safety_texts.get_text(session, center.settings, me, key)).versions:
                await safety_texts.withdraw(session, me, version.id)
        assert await safety_texts.unapproved(session) == len(SafetyKey)
        actions = list(await session.scalars(select(AuditEvent.action).where(AuditEvent.object_id == "gas")))
    assert actions[:2] == ["safety_text.write", "safety_text.approve"]
    seen = await center.receive(gas, from_address="third@example.com")
    (mail,) = await center.deliveries(seen.ticket.id)
    assert "We received your message" in mail.text
    async with center.database.transaction() as session:
        assert await safety_texts.approve_from_setup(session, me) == len(SafetyKey) - 2


def test_what_is_shipped_says_what_it_must() -> None:
    settings = Settings.model_construct(
        utility_phone="1-800-743-5000", outage_phone="1-800-743-5002", center_name_en="Center", center_name_es="Centro"
    )
    assert set(safety_texts.shipped()) == set(SafetyKey)
    for key, pair in safety_texts.shipped().items():
        for fact in safety_texts.facts_in(settings, key, pair):
            assert fact.en, (key, fact.name)
            assert fact.es, (key, fact.name)
