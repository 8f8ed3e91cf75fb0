"""Second thoughts about a reply, and what is done with one that did not arrive."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update

from services.inbox.trim import read_written
from services.tickets import deliveries, letter, reply_files, search, signatures, way_out
from services.tickets.signatures import Signature
from services.tickets.views.models import DeliveryStatus
from services.tickets.views.timeline import timeline
from shared import no_acknowledgement
from shared.blobs import Blobs
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.models import (
    AssignmentState,
    AuditEvent,
    Delivery,
    DeliveryFile,
    DeliveryKind,
    DeliveryState,
    EntryKind,
    IntakeOutcome,
    Participant,
    Role,
    Ticket,
    TicketState,
)
from tests.tickets.intake.conftest import Center
from tests.tickets.intake.test_desk import Desk

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


@pytest.fixture
async def mine(center: Center) -> Desk:
    center.settings = center.settings.model_copy(update={"undo_s": 10, "max_outgoing_bytes": 100})
    seen = await center.receive("¿Cómo se lee mi factura?", subject="Mi factura", from_name="Ana Ruiz")
    me = await center.person(Role.CSR2, spanish=True)
    return Desk(center, me, seen.ticket, await center.give(seen.ticket.id, me))


async def take_back(mine: Desk, delivery: Delivery) -> deliveries.Written:
    async with mine.center.database.transaction() as session:
        return await deliveries.take_back(session, mine.center.settings, mine.me, mine.ticket.id, delivery.id)


async def again(mine: Desk, delivery: Delivery, **values: Any) -> Delivery:
    async with mine.center.database.transaction() as session:
        return await deliveries.send_again(
            session, mine.center.settings, mine.me, mine.ticket.id, delivery.id, **values
        )


async def attach(mine: Desk, data: bytes = PNG, name: str = "foto.png", kind: str = "image/png") -> DeliveryFile:
    async with mine.center.database.transaction() as session:
        return await reply_files.upload(
            session, mine.center.settings, Blobs.from_settings(mine.center.settings), mine.me, mine.ticket.id,
            filename=name, content_type=kind, data=data,
        )  # fmt: skip


async def status(mine: Desk, delivery: Delivery) -> DeliveryStatus:
    async with mine.center.database.transaction() as session:
        entries = await timeline(session, mine.ticket.id)
    return next(e.delivery.status for e in entries if e.delivery is not None and e.delivery.id == delivery.id)


async def change(mine: Desk, delivery: Delivery, **values: Any) -> None:
    async with mine.center.database.transaction() as session:
        await session.execute(update(Delivery).where(Delivery.id == delivery.id).values(**values))


async def participants(mine: Desk) -> set[str]:
    async with mine.center.database.transaction() as session:
        return set(await session.scalars(select(Participant.address).where(Participant.ticket_id == mine.ticket.id)))


@pytest.mark.parametrize("then", [None, TicketState.WAITING, TicketState.CLOSED])
async def test_a_reply_is_taken_back_with_all_that_it_brought(mine: Desk, then: TicketState | None) -> None:
    file = await attach(mine)
    delivery = await mine.reply("Estimada zebra", to=["wrong@example.com"], then=then, file_ids=[file.id])
    assert delivery.undo_until is not None
    assert delivery.next_attempt_at == delivery.undo_until
    assert await status(mine, delivery) is DeliveryStatus.HELD
    assert "wrong@example.com" in await participants(mine)
    written = await take_back(mine, delivery)
    assert written == deliveries.Written(
        "Estimada zebra", ["wrong@example.com"], [], then.value if then else "", [file.id]
    )
    ticket = await mine.now()
    assert (ticket.state, ticket.assignee_id, ticket.closed_at) == (TicketState.ASSIGNED, mine.me.id, None)
    assert (await mine.center.assignment(mine.assignment)).state is AssignmentState.ACCEPTED
    assert await participants(mine) == {"ana@example.com"}
    assert await status(mine, delivery) is DeliveryStatus.CANCELLED
    (entry,) = await mine.center.entries(mine.ticket.id, EntryKind.DELIVERY_CANCELLED)
    assert (entry.actor_id, entry.delivery_id) == (mine.me.id, delivery.id)
    async with mine.center.database.transaction() as session:
        assert list(await session.scalars(select(Ticket.id).where(search.matching("zebra")))) == []
        resumed = await deliveries.taken_back(session, mine.me, mine.ticket.id, delivery.id)
        assert resumed == written
    with pytest.raises(Conflict):
        await take_back(mine, delivery)
    # It goes out again with the same file.
    second = await mine.reply("Estimada Ana", file_ids=written.file_ids)
    async with mine.center.database.transaction() as session:
        assert (await session.get_one(DeliveryFile, file.id)).delivery_id == second.id


async def test_what_happened_since_is_not_undone(mine: Desk) -> None:
    delivery = await mine.reply(then=TicketState.WAITING)
    await mine.state(TicketState.ASSIGNED)
    await mine.state(TicketState.WAITING)
    await take_back(mine, delivery)
    assert (await mine.now()).state is TicketState.WAITING


@pytest.mark.parametrize("state", [DeliveryState.SENDING, DeliveryState.SENT])
async def test_too_late(mine: Desk, state: DeliveryState) -> None:
    delivery = await mine.reply(then=TicketState.WAITING)
    await change(mine, delivery, state=state, sent_at=delivery.created_at if state is DeliveryState.SENT else None)
    with pytest.raises(Conflict, match="too late"):
        await take_back(mine, delivery)
    assert (await mine.now()).state is TicketState.WAITING


async def test_one_that_waits_for_its_next_try_can_still_be_taken_back(mine: Desk) -> None:
    delivery = await mine.reply()
    await change(mine, delivery, attempts=2, last_error="451 Later", undo_until=None)
    assert await status(mine, delivery) is DeliveryStatus.DELAYED
    await take_back(mine, delivery)
    assert await status(mine, delivery) is DeliveryStatus.CANCELLED


async def test_two_take_it_back_at_once(mine: Desk) -> None:
    delivery = await mine.reply(then=TicketState.CLOSED)
    results = await asyncio.gather(take_back(mine, delivery), take_back(mine, delivery), return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["Conflict", "Written"]
    assert len(await mine.center.entries(mine.ticket.id, EntryKind.DELIVERY_CANCELLED)) == 1


async def test_only_its_people_may(mine: Desk) -> None:
    delivery = await mine.reply()
    stranger = Desk(mine.center, await mine.center.person(Role.CSR2), mine.ticket, mine.assignment)
    with pytest.raises(Forbidden):
        await take_back(stranger, delivery)
    async with mine.center.database.transaction() as session:
        acknowledgement = await session.scalar(select(Delivery).where(Delivery.kind == DeliveryKind.ACKNOWLEDGEMENT))
    assert acknowledgement is not None
    with pytest.raises(NotFound):
        await take_back(mine, acknowledgement)
    supervisor = Desk(mine.center, await mine.center.person(Role.SUPERVISOR), mine.ticket, mine.assignment)
    await take_back(supervisor, delivery)


async def test_send_again_as_it_was_is_the_same_mail(mine: Desk) -> None:
    delivery = await mine.reply(then=TicketState.CLOSED)
    with pytest.raises(Conflict):
        await again(mine, delivery)
    await mine.center.sent(delivery.id, error="ana@example.com: 550 No")
    assert await status(mine, delivery) is DeliveryStatus.FAILED
    same = await again(mine, delivery)
    assert (same.id, same.rfc_message_id) == (delivery.id, delivery.rfc_message_id)
    assert (same.state, same.failure, same.failure_noted) == (DeliveryState.QUEUED, None, False)
    assert len(await mine.center.entries(mine.ticket.id, EntryKind.DELIVERY_AGAIN)) == 1
    await mine.center.sent(delivery.id)
    assert len(await mine.center.entries(mine.ticket.id, EntryKind.DELIVERY_SENT)) == 1


async def test_a_corrected_address_is_a_new_mail_with_the_same_words_and_files(mine: Desk) -> None:
    file = await attach(mine)
    delivery = await mine.reply(f"Mire: ![foto](cid:{file.content_id})", file_ids=[file.id])
    await mine.center.sent(delivery.id)
    await mine.center.bounced(delivery)
    assert await status(mine, delivery) is DeliveryStatus.BOUNCED
    with pytest.raises(Invalid):
        await again(mine, delivery, to=["nonsense"])
    new = await again(mine, delivery, to=["ana.ruiz@example.com"])
    assert new.id != delivery.id
    assert new.rfc_message_id != delivery.rfc_message_id
    assert (new.text, new.html, new.references) == (delivery.text, delivery.html, delivery.references)
    async with mine.center.database.transaction() as session:
        files = list(await session.scalars(select(DeliveryFile).where(DeliveryFile.delivery_id == new.id)))
    assert [(each.blob, each.content_id, each.inline) for each in files] == [(file.blob, file.content_id, True)]
    entries = await mine.center.entries(mine.ticket.id, EntryKind.MAIL_OUT)
    assert entries[-1].detail["again"] == delivery.id
    assert "ana.ruiz@example.com" in await participants(mine)


async def test_a_delay_is_not_a_return(mine: Desk) -> None:
    delivery = await mine.reply()
    await mine.center.sent(delivery.id)
    await mine.center.bounced(delivery, kind="delayed")
    assert await status(mine, delivery) is DeliveryStatus.SENT


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [(b"", "leer.pdf", "is empty"), (b"x" * 101, "grande.pdf", "too large")],
)
async def test_a_file_that_cannot_go(mine: Desk, data: bytes, name: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as raised:
        await attach(mine, data, name)
    assert raised.value.field == "files"


async def test_files_of_a_reply_are_checked(mine: Desk) -> None:
    image, text = await attach(mine), await attach(mine, b"x" * 80, "../../etc/leer\r\n.txt", "text/plain")
    fake = await attach(mine, b"<svg/>", "x.png", "image/png")
    assert text.filename == "leer.txt"
    assert fake.content_type == "application/octet-stream", "what is shown has to be an image"
    for text_of_reply, ids, field in (
        ("Hola", [image.id, text.id], "files"),  # too large together
        ("Hola", [99_999], "files"),
        (f"![x](cid:{image.content_id})", [], "text"),
    ):
        with pytest.raises(Invalid) as raised:
            await mine.reply(text_of_reply, file_ids=ids)
        assert raised.value.field == field
    delivery = await mine.reply(f"![la foto](cid:{image.content_id})", file_ids=[image.id])
    assert f'<img src="cid:{image.content_id}" alt="la foto">' in delivery.html
    assert "[la foto]" in delivery.text
    with pytest.raises(Invalid):
        await mine.reply("Hola", file_ids=[image.id])  # it belongs to that mail now


async def test_signature_and_quotation_in_the_customer_s_language(mine: Desk) -> None:
    async with mine.center.database.transaction() as session:
        await signatures.set_own(session, mine.me, Signature(es="**Lic. Mateo**\nAtención al cliente"))
    delivery = await mine.reply("La generación va en la segunda hoja de su factura.")
    written, _, rest = delivery.text.partition("\n-- \n")
    assert written == "La generación va en la segunda hoja de su factura.\n"
    signature, _, quoted = rest.partition("\n\n")
    assert signature.splitlines() == ["Lic. Mateo", "Atención al cliente", "Centro de Clientes"]
    head, line = quoted.strip().splitlines()
    assert head.startswith("El ")
    assert head.endswith("Ana Ruiz <ana@example.com> escribió:")
    assert line == "> ¿Cómo se lee mi factura?"
    assert '<blockquote type="cite">¿Cómo se lee mi factura?</blockquote>' in delivery.html
    assert "<strong>Lic. Mateo</strong>" in delivery.html
    # What the customer answers above all that is what they wrote, and nothing else.
    quoted_back = "\n".join(f"> {each}" for each in delivery.text.splitlines())
    answer = f"¡Gracias!\n\nEl mar, 17 nov 2026 a las 8:00, Centro <help@center.example.org> escribió:\n{quoted_back}"
    assert read_written(answer).new.strip() == "¡Gracias!"
    assert read_written(delivery.text).new.strip().startswith("La generación va en la segunda hoja")
    mine.center.settings = mine.center.settings.model_copy(update={"quote_last_mail": False})
    assert "escribió" not in (await mine.reply("Y otra cosa sobre su factura del mes.")).text


async def test_the_introduction_in_english(mine: Desk) -> None:
    message = (await mine.center.entries(mine.ticket.id, EntryKind.MAIL_IN))[0].message_id
    original = await mine.center.message(message)
    head = letter.introduction(original, "en", "America/Los_Angeles")
    assert head.startswith("On ")
    assert head.endswith("Ana Ruiz <ana@example.com> wrote:")
    assert read_written(f"Thanks!\n\n{head}\n> Hello").new.strip() == "Thanks!"


async def test_acknowledgements_stop_when_asked_by_mail(center: Center) -> None:
    """The mail that List-Unsubscribe makes is honoured, opens no ticket, and stops nobody else's."""
    secret = center.settings.secret_key.get_secret_value()
    tag = no_acknowledgement.tag(secret, "ana@example.com")
    other = await center.receive("Stop", subject="stop", reply_token=tag, from_address="bob@example.com")
    assert other.row.outcome is IntakeOutcome.TICKETED, "not the owner's wish"
    stop = await center.receive("", subject="stop", reply_token=tag)
    assert (stop.row.outcome, stop.row.policy) == (IntakeOutcome.HELD, way_out.POLICY)
    ticket = (await center.receive("My bill is wrong, please look.")).ticket
    assert await center.deliveries(ticket.id) == []
    gas = await center.receive("I smell gas in my kitchen and hear hissing!", subject="Gas")
    assert [each.kind for each in await center.deliveries(gas.ticket.id, DeliveryKind.SAFETY)] == [DeliveryKind.SAFETY]
    me = await center.person(Role.CSR1)
    async with center.database.transaction() as session:
        assert [each.address for each in await way_out.list_quiet(session, me)] == ["ana@example.com"]
        await way_out.allow_again(session, me, "Ana@example.com")
    async with center.database.transaction() as session:
        actions = set(await session.scalars(select(AuditEvent.action)))
    assert {"acknowledgement.stop", "acknowledgement.allow"} <= actions


async def test_an_unsent_file_is_forgotten_in_the_end(mine: Desk) -> None:
    file = await attach(mine)
    async with mine.center.database.transaction() as session:
        await session.execute(update(DeliveryFile).values(created_at=DeliveryFile.created_at - reply_files.UNSENT_KEPT))
        await reply_files.forget_old(session)
    async with mine.center.database.transaction() as session:
        assert await session.get(DeliveryFile, file.id) is None
