"""The reply form in a real browser and without scripts: files, second thoughts, and what came of a mail."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import FilePayload, expect
from sqlalchemy import select, update

from services.tickets.app import create
from shared import no_acknowledgement
from shared.database import Database
from shared.models import Delivery, DeliveryFile, NoAcknowledgement, Person
from shared.settings import Settings
from tests.browser import OpenAs
from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import SPANISH, Office
from tests.tickets.pages.test_accessibility import RULES

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645"
    "400000000049454e44ae426082"
)


@pytest.fixture
def desk_settings(desk_settings: Settings) -> Settings:
    """With a moment for second thoughts, long enough for a slow machine."""
    return desk_settings.model_copy(update={"undo_s": 300, "max_outgoing_bytes": 1000})


async def deliveries_of(database: Database, person_id: int) -> list[Delivery]:
    async with database.transaction() as session:
        found = select(Delivery).where(Delivery.created_by_id == person_id).order_by(Delivery.id)
        return list(await session.scalars(found))


async def mine(office: Office, as_person: SignIn) -> tuple[httpx.AsyncClient, int]:
    ticket = await office.mail("Mi recibo", SPANISH, "rosario@example.com", "Rosario Peñaloza")
    client = await as_person("mateo")
    await client.post(f"/tickets/{ticket}/take")
    return client, ticket


async def test_undo_without_scripts_puts_everything_back(
    as_person: SignIn,
    office: Office,
    database: Database,
) -> None:
    client, ticket = await mine(office, as_person)
    text = "Estimada señora: ya revisamos su recibo."
    sent = await client.post(
        f"/tickets/{ticket}/reply", data={"text": text, "then": "closed"},
        files={"files": ("hoja año.pdf", b"%PDF-1.4", "application/pdf")},
    )  # fmt: skip
    assert sent.headers["location"] == "/work"
    (delivery,) = await deliveries_of(database, office["mateo"])
    work = (await client.get("/work")).text
    action = f"/tickets/{ticket}/replies/{delivery.id}/undo"
    assert f'action="{action}"' in work, "the ticket is closed, and undo is where one is now"
    undone = await client.post(action)
    page = (await client.get(undone.headers["location"].partition("#")[0])).text
    assert text in page.partition('id="reply-text"')[2].partition("</textarea>")[0]
    assert re.search(r'name="then" value="closed"\s+checked', page)
    assert "hoja año.pdf" in page.partition('id="reply-uploads"')[2].partition("</ul>")[0]
    assert "nadie la recibió" in page
    (file_id,) = re.findall(r'name="file_id" value="(\d+)"', page)
    await client.post(f"/tickets/{ticket}/reply", data={"text": text, "file_id": file_id})
    async with database.transaction() as session:
        file = await session.get_one(DeliveryFile, int(file_id))
    assert file.delivery_id == (await deliveries_of(database, office["mateo"]))[-1].id
    shown = (await client.get(f"/tickets/{ticket}")).text
    assert f"/tickets/{ticket}/files/{file_id}" in shown
    download = await client.get(f"/tickets/{ticket}/files/{file_id}")
    assert download.content == b"%PDF-1.4"
    assert (await client.post(action)).headers["location"].startswith(f"/tickets/{ticket}")


@pytest.mark.parametrize(
    ("fields", "upload", "words"),
    [
        ({"text": "Estimada señora: sí.", "to": "nonsense"}, b"%PDF-1.4", "no es una dirección"),
        ({"text": "Estimada señora: sí."}, b"x" * 1001, "demasiado grande"),
        ({"text": ""}, b"%PDF-1.4", "Escriba algo"),
    ],
)
async def test_a_mistake_loses_neither_text_nor_files(
    as_person: SignIn,
    office: Office,
    fields: dict[str, str],
    upload: bytes,
    words: str,
) -> None:
    client, ticket = await mine(office, as_person)
    answer = await client.post(
        f"/tickets/{ticket}/reply", data=fields,
        files=[("files", ("leer.txt", b"hola", "text/plain")), ("files", ("hoja.pdf", upload, "application/pdf"))],
    )  # fmt: skip
    assert answer.status_code == 400
    assert words in answer.text
    assert fields["text"] in answer.text
    kept = answer.text.partition('id="reply-uploads"')[2].partition("</ul>")[0]
    assert "leer.txt" in kept
    assert ("hoja.pdf" in kept) == (len(upload) < 1000)
    # «Attach and go on writing», and removing, without scripts.
    (first, *_) = re.findall(r'name="file_id" value="(\d+)"', kept)
    again = await client.post(
        f"/tickets/{ticket}/reply/files", data={**fields, "file_id": first, "remove": first},
        files={"files": ("otro.txt", b"x", "text/plain")},
    )  # fmt: skip
    kept = again.text.partition('id="reply-uploads"')[2].partition("</ul>")[0]
    assert "otro.txt" in kept
    assert "leer.txt" not in kept


@pytest.mark.browser
@pytest.mark.parametrize(("language", "width"), [("es", 360), ("en", 1280)])
async def test_the_form_in_a_browser(
    office: Office, open_as: OpenAs, database: Database, language: str, width: int
) -> None:
    """Files go up while one writes, a pasted picture stands in the text, and one key takes the reply back."""
    async with database.transaction() as session:
        await session.execute(update(Person).values(ui_language=language))
    ticket = await office.mail("Mi recibo", SPANISH, "rosario@example.com", "Rosario Peñaloza")
    page = await open_as(office["mateo"], f"/tickets/{ticket}", viewport={"width": width, "height": 900})
    await page.locator(f"form[action='/tickets/{ticket}/take'] button").click()
    await page.locator("#reply-files").set_input_files(FilePayload(name="foto.png", mimeType="image/png", buffer=PNG))
    line = page.locator("#reply-uploads li")
    await expect(line).to_contain_text("foto.png")
    assert await page.locator("#reply-files").input_value() == "", "it is not sent twice"
    await page.fill("#reply-text", "Estimada señora: mire la foto.\n\n")
    await line.locator("[data-show-image]").click()
    await expect(page.locator("#reply-text")).to_have_value(re.compile(r"!\[foto\.png\]\(cid:"))
    await page.locator("#reply details summary").last.click()
    await page.evaluate("window.scrollTo(0, 0)")  # what happens to lie under the bar is not too small
    violations = (await Axe().run(page, options=RULES)).response["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['html']}" for each in violations] == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.focus("#reply-text")
    await page.keyboard.press("Control+Enter")
    image = page.locator(".timeline img")
    await image.wait_for()
    assert await image.evaluate("each => each.complete && each.naturalWidth") == 1
    undo = page.locator(".delivery [data-key='u']")
    await expect(undo).to_be_visible()
    await page.evaluate("window.scrollTo(0, 0)")  # what happens to lie under the bar is not too small
    violations = (await Axe().run(page, options=RULES)).response["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['html']}" for each in violations] == []
    await page.locator("h1").click()
    await page.keyboard.press("u")
    await expect(page.locator("#reply-text")).to_have_value(re.compile("mire la foto"))
    await expect(page.locator("#reply-text")).to_be_focused()
    await expect(page.locator("#reply-uploads li")).to_contain_text("foto.png")


CARRIED = """([type, name, mime, bytes, selector]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], name, { type: mime }));
  const field = document.querySelector(selector);
  const more = { bubbles: true, cancelable: true };
  const event = type === "paste" ? new ClipboardEvent(type, { ...more, clipboardData: transfer })
                                 : new DragEvent(type, { ...more, dataTransfer: transfer });
  return !field.dispatchEvent(event);
}"""


@pytest.mark.browser
async def test_files_are_dropped_on_the_reply_and_pictures_pasted_into_it(
    office: Office, open_as: OpenAs, database: Database
) -> None:
    """What a mouse and a clipboard bring, as the browser hands it to the page; no test can move the real ones."""
    ticket = await office.mail("Mi recibo", SPANISH, "rosario@example.com", "Rosario Peñaloza")
    page = await open_as(office["mateo"], f"/tickets/{ticket}")
    await page.locator(f"form[action='/tickets/{ticket}/take'] button").click()
    await page.fill("#reply-text", "Mire: \n")
    lines = page.locator("#reply-uploads li")

    assert await page.evaluate(CARRIED, ["dragover", "a.pdf", "application/pdf", [1], "#reply-text"]), (
        "it may drop here"
    )
    assert "is-dropped-on" in (await page.locator("#reply").get_attribute("class") or "")
    assert await page.evaluate(CARRIED, ["drop", "aviso.pdf", "application/pdf", list(b"%PDF-1"), "#reply-text"])
    await expect(lines).to_have_count(1)
    await expect(lines.first).to_contain_text("aviso.pdf")
    assert "is-dropped-on" not in (await page.locator("#reply").get_attribute("class") or "")
    await expect(page.locator("#reply-text")).to_have_value("Mire: \n")

    assert await page.evaluate(CARRIED, ["paste", "image.png", "image/png", list(PNG), "#reply-text"])
    await expect(lines).to_have_count(2)
    await expect(page.locator("#reply-text")).to_have_value(re.compile(r"!\[image\.png\]\(cid:"))
    # A file that is no picture is not taken from the clipboard: whoever pastes text wants the text.
    assert not await page.evaluate(CARRIED, ["paste", "a.txt", "text/plain", [65], "#reply-text"])
    # Too large together: it says so, and the others stay.
    assert await page.evaluate(CARRIED, ["drop", "big.bin", "application/octet-stream", [7] * 2000, "#reply-text"])
    await expect(page.locator("#reply-uploads")).to_contain_text("big.bin")
    assert not await page.evaluate(CARRIED, ["drop", "x.bin", "application/octet-stream", [7], "h1"]), "not elsewhere"
    await page.focus("#reply-text")
    await page.keyboard.press("Control+Enter")
    await page.locator(".timeline img").wait_for()
    async with database.transaction() as session:
        sent = select(DeliveryFile.filename, DeliveryFile.inline).where(DeliveryFile.delivery_id.is_not(None))
        found = sorted(tuple(row) for row in await session.execute(sent))
    assert found == [("aviso.pdf", False), ("image.png", True)]


@pytest.fixture
async def stranger(desk_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create(desk_settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=desk_settings.public_url) as client:
        yield client
    await app.state.database.close()


async def test_one_click_stops_acknowledgements(
    stranger: httpx.AsyncClient, database: Database, desk_settings: Settings
) -> None:
    """As a mail program does it (RFC 8058): a POST without cookies. Looking at the link changes nothing."""
    token = no_acknowledgement.token(desk_settings.secret_key.get_secret_value(), "ana@example.com")
    path = f"/acknowledgements/{token}"
    page = await stranger.get(path, headers={"Accept-Language": "es"})
    assert "ana@example.com" in page.text
    assert "Dejar de enviar confirmaciones" in page.text

    async def quiet() -> list[Any]:
        async with database.transaction() as session:
            return list(await session.scalars(select(NoAcknowledgement.address)))

    assert await quiet() == []
    for _ in range(2):
        done = await stranger.post(path, data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
    assert await quiet() == ["ana@example.com"]
    assert (await stranger.post(path + "x")).status_code == 404


async def test_a_template_says_what_it_is_for_and_which_names_are_filled_in(as_person: SignIn) -> None:
    client = await as_person("sofia")
    text = {f"{part}_{language}": "{what}, #{number}" for part in ("subject", "body") for language in ("en", "es")}
    assert (await client.post("/templates", data={"key": "page_urgent", **text})).status_code == 303
    page = (await client.get("/templates/page_urgent")).text
    assert "<h1>To the shift lead: an urgent matter</h1>" in page
    for name in ("{what}", "{link}", "{center}"):  # each may be used in it, whether it is or not
        assert name in page.partition('class="lead"')[2].partition("</p>")[0]
    assert "{what}" not in (await client.get("/templates/new")).text
