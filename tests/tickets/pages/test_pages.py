"""The screens without a browser: who may see what, what is said about mistakes, and what customers' files may do."""

import re
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import select, update

from services.tickets.app import create
from services.tickets.pages import wording
from services.tickets.pages.ticket import CARDS
from services.tickets.views.models import EntryView, PersonRef
from shared import clock
from shared.database import Database
from shared.models import (
    Assignment,
    AssignmentState,
    AuditEvent,
    Delivery,
    DeliveryState,
    Entry,
    EntryKind,
    Mailbox,
    MailFolder,
    Message,
    Person,
    Presence,
    Recording,
    Ticket,
    TicketState,
)
from shared.settings import Settings
from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import ENGLISH, GAS, SPANISH, Office, spoken

CSR_PAGES = ("/work", "/queue", "/contacts/new", "/account")
SUPERVISOR_PAGES = (
    "/board", "/language-balance", "/learning", "/people", "/shifts", "/forecast", "/hours", "/templates",
    "/templates/new", "/held", "/health",
)  # fmt: skip
MANAGER_PAGES = ("/audit", "/people/new")


async def test_each_role_sees_its_screens_and_no_others(as_person: SignIn) -> None:
    for name, seen, refused in (
        ("ines", CSR_PAGES, SUPERVISOR_PAGES + MANAGER_PAGES),
        ("mateo", CSR_PAGES, SUPERVISOR_PAGES + MANAGER_PAGES),
        ("sofia", CSR_PAGES + SUPERVISOR_PAGES, MANAGER_PAGES),
        ("marta", CSR_PAGES + SUPERVISOR_PAGES + MANAGER_PAGES, ()),
    ):
        client = await as_person(name)
        for path in seen:
            assert (await client.get(path)).status_code == 200, (name, path)
        for path in refused:
            assert (await client.get(path)).status_code == 403, (name, path)
        navigation = (await client.get("/work")).text
        for path in SUPERVISOR_PAGES[:1] + MANAGER_PAGES[:1]:
            assert (f'href="{path}"' in navigation) == (path in seen)


async def test_a_stranger_is_sent_to_the_door_and_back(desk_settings: Settings) -> None:
    app = create(desk_settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=desk_settings.public_url) as client:
        answer = await client.get("/tickets/7", headers={"Accept": "text/html"})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?next=%2Ftickets%2F7"
        page = await client.get("/sign-in?next=https://evil.example/", headers={"Accept-Language": "es"})
        assert "Iniciar sesión" in page.text
    await app.state.database.close()


async def test_an_id_that_does_not_exist_gets_a_clear_page_in_the_readers_language(as_person: SignIn) -> None:
    client = await as_person("mateo")
    answer = await client.get("/tickets/999999")
    assert answer.status_code == 404
    assert "No existe el caso 999999." in answer.text
    for path in ("/tickets/1/messages/1/html", "/tickets/1/attachments/1", "/tickets/1/recordings/1/audio"):
        assert (await client.get(path)).status_code == 404, path


async def test_a_form_with_mistakes_comes_back_with_its_text(as_person: SignIn) -> None:
    client = await as_person("mateo")
    answer = await client.post(
        "/contacts/new", data={"channel": "phone", "language": "es", "text": "Llamó por su recibo", "phone": "not one"}
    )
    assert answer.status_code == 400
    assert "not one no es un número de teléfono." in answer.text
    assert "Llamó por su recibo" in answer.text
    assert re.search(r'id="f-phone"[^>]*aria-invalid="true"', answer.text)


async def test_a_phone_call_becomes_a_ticket_of_mine(as_person: SignIn, office: Office, database: Database) -> None:
    client = await as_person("mateo")
    answer = await client.post(
        "/contacts/new",
        data={"channel": "phone", "language": "es", "subject": "Mudanza", "text": "Se muda a Petaluma.",
              "name": "Rosario Peñaloza", "phone": "707 555 0142", "take": "1"},
    )  # fmt: skip
    assert answer.status_code == 303
    async with database.transaction() as session:
        ticket = (await session.scalars(select(Ticket))).one()
    assert answer.headers["location"] == f"/tickets/{ticket.id}"
    assert (ticket.state, ticket.assignee_id, ticket.language) == (TicketState.ASSIGNED, office["mateo"], "es")


async def test_formatted_mail_is_harmless_even_when_opened_alone(
    as_person: SignIn, office: Office, database: Database
) -> None:
    ticket = await office.mail(
        "Hola", SPANISH,
        html="<p onclick=alert(1)>Hola</p><script>alert(1)</script><img src='http://tracker.example/x.png'>"
             "<img src='cid:part0'><form action='http://evil.example'><input></form>",
        attachments=(("logo.png", "image/png", b"\x89PNG"),),
    )  # fmt: skip
    other = await office.mail("Another", ENGLISH)
    async with database.transaction() as session:
        message = await session.scalar(select(Message.id).order_by(Message.id))
    client = await as_person("mateo")
    answer = await client.get(f"/tickets/{ticket}/messages/{message}/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    for bad in ("<script", "onclick", "tracker.example", "<form", "<input"):
        assert bad not in answer.text
    assert "data:image/png;base64," in answer.text
    # A mail is seen through its own ticket only.
    assert (await client.get(f"/tickets/{other}/messages/{message}/html")).status_code == 404
    assert (
        (await client.get(f"/tickets/{ticket}/messages/{message}/raw"))
        .headers["content-disposition"]
        .startswith("attachment")
    )
    async with database.transaction() as session:
        actions = list(await session.scalars(select(AuditEvent.action).where(AuditEvent.actor_id == office["mateo"])))
    assert sorted(actions) == ["message.html", "message.raw"]


async def test_a_recording_can_be_sought_in_and_listening_is_audited_once(
    as_person: SignIn, office: Office, database: Database
) -> None:
    ticket = await office.voicemail([spoken("Buenos días, soy Rosario.")], flags=[])
    async with database.transaction() as session:
        recording = await session.scalar(select(Recording.id))
    client = await as_person("mateo")
    url = f"/tickets/{ticket}/recordings/{recording}/audio"
    whole = await client.get(url)
    part = await client.get(url, headers={"Range": "bytes=1000-1999"})
    assert whole.headers["content-type"] == "audio/wav"
    assert (part.status_code, part.content) == (206, whole.content[1000:2000])
    async with database.transaction() as session:
        events = list(await session.scalars(select(AuditEvent.action).where(AuditEvent.action == "recording.listen")))
    assert len(events) == 1


async def test_words_that_were_not_heard_well_are_marked_in_words(as_person: SignIn, office: Office) -> None:
    ticket = await office.voicemail(
        [spoken("Mi número es cinco cinco cinco", unsure=("cinco",), flags=("doubtful_digits",))],
        flags=["doubtful_digits"],
    )
    page = (await (await as_person("mateo")).get(f"/tickets/{ticket}")).text
    assert page.count("(dudoso)") == 3
    assert "Un número no se oyó bien: escuche antes de llamar." in page
    assert 'data-start="1.2"' in page


async def test_spanish_goes_to_an_unverified_person_only_when_confirmed(
    as_person: SignIn, office: Office, database: Database
) -> None:
    ticket = await office.mail("Mi recibo", SPANISH)
    client = await as_person("sofia")
    form = {"ticket": str(ticket), "person_id": str(office["carla"]), "reason": "Nobody else is here"}
    refused = await client.post(f"/tickets/{ticket}/assign", data=form)
    assert refused.status_code == 409
    assert "Confirm it to do it all the same." in refused.text
    assert f'<option value="{office["carla"]}" selected>' in refused.text, "what was chosen and written is still there"
    assert 'value="Nobody else is here"' in refused.text
    looked = await client.post("/board/assign", data=form)
    assert looked.status_code == 200
    assert "Not verified in the ticket&#39;s language" in looked.text
    await client.post("/board/assign", data={**form, "confirmed": "true", "override": "leave"})
    assert f"not verified in the language: #{ticket}" in (await client.get("/board")).text
    await client.post("/board/assign", data={**form, "confirmed": "true", "override": "move"})
    assert "not verified in the language, on purpose" in (await client.get("/board")).text
    async with database.transaction() as session:
        assignment = (await session.scalars(select(Assignment))).one()
    assert (assignment.person_id, assignment.state) == (office["carla"], AssignmentState.ACCEPTED)


async def test_search_marks_what_it_found(as_person: SignIn, office: Office) -> None:
    await office.mail("Mi recibo", SPANISH)
    page = (await (await as_person("carla")).get("/queue?q=facturas")).text
    assert "<mark>factura</mark>" in page
    empty = (await (await as_person("carla")).get("/queue?q=nowhere")).text
    assert "Nothing matches" in empty


async def test_a_filter_that_makes_no_sense_shows_no_error(as_person: SignIn) -> None:
    client = await as_person("carla")
    for query in ("state=nonsense", "assignee=x", "priority=", "language=zz", "q=%00", "q='%20OR%201=1"):
        assert (await client.get(f"/queue?{query}")).status_code == 200, query
    assert (await client.get("/queue?cursor=nonsense")).status_code == 400


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_kind_of_entry_has_its_sentence(language: str) -> None:
    details: dict[EntryKind, dict[str, object]] = {
        EntryKind.LANGUAGE: {"from": "unknown", "to": "es"},
        EntryKind.TOPIC: {"from": "other", "to": "opt_out"},
        EntryKind.PRIORITY: {"from": "normal", "to": "high"},
        EntryKind.STATE: {"from": "closed", "to": "queued", "cause": "customer_mail"},
        EntryKind.ALERT: {"alert": "emergency"},
        EntryKind.LINKED: {"ticket_id": 7, "cause": "stranger"},
    }
    for kind in EntryKind:
        for actor in (None, PersonRef(id=1, name="Ana")):
            detail = {"person": "Mateo", "was": "offered", "to": ["a@example.com"], **details.get(kind, {})}
            entry = EntryView(
                id=1, ticket_id=1, kind=kind, at=datetime(2026, 1, 1, tzinfo=UTC), actor=actor, text="", detail=detail
            )
            sentence = wording.sentence(language, entry, lambda key: key)
            assert sentence or kind in CARDS, kind
            assert "{" not in sentence
            assert "None" not in sentence
    said = set()
    for last in ("mail_out", "call", "contact", "note", None):
        note = {"since": "2026-01-01T08:00:00+00:00"} | (
            {"last": last, "last_at": "2026-01-01T09:30:00+00:00"} if last else {}
        )
        entry = EntryView(
            id=1, ticket_id=1, kind=EntryKind.RELEASED, at=datetime(2026, 1, 1, tzinfo=UTC), actor=None, text="",
            detail={"person": "Mateo", "was": "accepted", "handover": note},
        )  # fmt: skip
        said.add(wording.sentence(language, entry, lambda key: key))
    assert len(said) == 5  # the hand-over note, for whoever goes on with it
    assert all("Mateo" in sentence and "8:00" in sentence and "{" not in sentence for sentence in said)
    for cause in wording.REASONS:
        assert wording.reasons(language, {"cause": cause})[0]


async def test_a_refused_action_leaves_nothing_behind(as_person: SignIn, office: Office, database: Database) -> None:
    ticket = await office.mail("Mi recibo", SPANISH)
    client = await as_person("carla")
    answer = await client.post(f"/tickets/{ticket}/take", follow_redirects=True)
    assert answer.url.path == f"/tickets/{ticket}", "one stays where one was"
    assert "needs somebody who is verified" in answer.text
    async with database.transaction() as session:
        assert (await session.get_one(Ticket, ticket)).state is TicketState.QUEUED
        assert await session.scalar(select(Entry.id).where(Entry.kind == EntryKind.ASSIGNED)) is None


async def test_the_notice_of_an_offer_says_how_urgent_it_is_and_a_name_once(as_person: SignIn, office: Office) -> None:
    await office.offer(await office.mail("Smell of gas", GAS, "k.osei@example.com", "Kwame Osei"), "mateo")
    await office.offer(await office.mail("Ana Beltrán", SPANISH, "ana@example.com", "Ana Beltrán"), "mateo")
    notice = (await (await as_person("mateo")).get("/offers/notice")).text
    assert "badge--emergency" in notice.partition("Smell of gas")[0]
    assert notice.count("Kwame Osei") == notice.count("Ana Beltrán") == 1  # as a voicemail's subject is its caller


async def test_the_language_of_the_screens_is_ones_own(as_person: SignIn, office: Office, database: Database) -> None:
    client = await as_person("carla")
    answer = await client.post("/language", data={"language": "es", "next": "https://evil.example/"})
    assert answer.headers["location"] == "/work"
    assert "Mi trabajo" in (await client.get("/work")).text
    async with database.transaction() as session:
        assert await session.scalar(select(Person.ui_language).where(Person.id == office["carla"])) == "es"
        await session.execute(update(Person).values(ui_language="en"))


async def test_what_is_said_after_a_reply_is_in_the_readers_language(as_person: SignIn, office: Office) -> None:
    ticket = await office.mail("Mi recibo", SPANISH)
    client = await as_person("mateo")
    await client.post(f"/tickets/{ticket}/take")
    await client.get("/work")
    sent = await client.post(f"/tickets/{ticket}/reply", data={"text": "Estimada señora: ya lo revisamos."})
    page = await client.get(sent.headers["location"])
    assert "Su respuesta va en camino." in page.text
    assert "Your reply is on its way" not in page.text


@pytest.mark.parametrize(
    ("state", "words", "shown"),
    [
        (
            DeliveryState.SENT,
            "b@example.com: 550 no such user",
            "El servidor de correo dijo: b@example.com: 550 no such user",
        ),
        (
            DeliveryState.FAILED,
            "The connection ended after the mail was handed over and before the server confirmed it. It is not known "
            "whether it was delivered, so it was not sent again.",
            "La conexión terminó después de entregar el correo",
        ),
    ],
)
async def test_what_the_mail_server_refused_is_told_with_the_mail(
    as_person: SignIn, office: Office, database: Database, state: DeliveryState, words: str, shown: str
) -> None:
    ticket = await office.mail("Mi recibo", SPANISH)
    client = await as_person("mateo")
    await client.post(f"/tickets/{ticket}/take")
    await client.post(f"/tickets/{ticket}/reply", data={"text": "Estimada señora: ya lo revisamos."})
    async with database.transaction() as session:
        await session.execute(
            update(Delivery)
            .where(Delivery.created_by_id == office["mateo"])
            .values(
                state=state,
                failure="unknown" if state is DeliveryState.FAILED else None,
                last_error=words,
                sent_at=clock.now() if state is DeliveryState.SENT else None,
            )
        )
    page = (await client.get(f"/tickets/{ticket}")).text
    assert shown in " ".join(re.sub("<[^>]+>", " ", page).split())
    assert "Corregir la dirección y enviarlo otra vez" in page
    assert ("Enviarlo otra vez sin cambios" in page) == (state is DeliveryState.FAILED)


@pytest.mark.parametrize(
    ("cause", "english", "spanish"),
    [
        ("stranger", "who is not part of that ticket", "alguien que no es parte de ese caso"),
        ("closed_long_ago", "that ticket was closed long ago", "ese caso se cerró hace mucho"),
    ],
)
async def test_a_link_says_why(
    as_person: SignIn, office: Office, database: Database, cause: str, english: str, spanish: str
) -> None:
    one, other = await office.mail("Mi recibo", SPANISH), await office.mail("Two companies?", ENGLISH)
    async with database.transaction() as session:
        session.add(Entry(ticket_id=one, kind=EntryKind.LINKED, detail={"ticket_id": other, "cause": cause}))
    for name, words in (("carla", english), ("mateo", spanish)):
        assert words in (await (await as_person(name)).get(f"/tickets/{one}")).text


async def test_any_click_says_that_somebody_is_there_and_no_heartbeat_does(
    as_person: SignIn, office: Office, database: Database
) -> None:
    async def missed(person: str) -> bool:
        async with database.transaction() as session:
            return (await session.get_one(Presence, office[person])).unresponsive_since is not None

    ticket = await office.mail("Two companies?", ENGLISH)
    async with database.transaction() as session:
        await session.execute(update(Presence).values(unresponsive_since=clock.now()))
    client = await as_person("carla")
    await client.post("/presence/heartbeat", data={"tab_id": "one"})
    await client.get(f"/tickets/{ticket}")
    forged = await client.post(f"/tickets/{ticket}/note", data={"text": "x"}, headers={"X-CSRF-Token": "forged"})
    assert forged.status_code == 403
    assert await missed("carla")
    assert (await client.post(f"/tickets/{ticket}/note", data={"text": "I looked at it."})).status_code == 303
    assert not await missed("carla")
    by_api = await as_person("ines")
    assert (await by_api.post("/api/v1/tickets/999999/notes", json={"text": "x"})).status_code == 404
    assert not await missed("ines")
    assert await missed("mateo")


async def test_health_says_what_the_mail_server_cannot_deliver_and_compares_again(
    as_person: SignIn, office: Office, database: Database
) -> None:
    await office.mail("Two companies?", ENGLISH)
    async with database.transaction() as session:
        mailbox_id = (await session.scalars(select(Mailbox.id))).one()
        session.add(
            MailFolder(
                mailbox_id=mailbox_id, name="INBOX", uidvalidity=7, reconciled_at=clock.now(), on_server=12,
                in_ledger=10, missing=3, repaired=1, gone=2, refused_uids=[41, 42],
            )
        )  # fmt: skip
    sofia = await as_person("sofia")
    page = (await sofia.get("/health")).text
    assert "41, 42" in page
    assert "The server cannot deliver 2 mails" in page
    assert "Nobody reads it now" in page
    answer = await sofia.post(f"/health/mailboxes/{mailbox_id}/compare")
    assert answer.status_code == 303
    assert "is being compared" in (await sofia.get("/health")).text
    assert (await (await as_person("mateo")).post(f"/health/mailboxes/{mailbox_id}/compare")).status_code == 403


async def test_a_mail_too_large_to_display_says_so_beside_its_bytes(
    as_person: SignIn, office: Office, database: Database
) -> None:
    number = await office.mail("Forty megabytes", ENGLISH)
    async with database.transaction() as session:
        message = (await session.scalars(select(Message))).one()
        message.defects = ["too large to display"]
    page = (await (await as_person("sofia")).get(f"/tickets/{number}")).text
    notice = page[page.index("too large to be displayed") :]
    assert f"/tickets/{number}/messages/{message.id}/raw" in notice[: notice.index("</div>")]
