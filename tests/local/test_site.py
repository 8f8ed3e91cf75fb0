"""The demo's page: a customer writes, answers and calls through it, and what they received cannot do harm."""

import asyncio
import io
import re
import shutil
import wave
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from playwright.async_api import async_playwright

from local import sounds
from local.config import HELP_ADDRESS, LocalConfig
from local.morning import Morning
from local.site.app import Site
from local.stack import Stack
from shared.settings import Settings


@pytest.fixture
async def site(settings: Settings, tmp_path: Path) -> AsyncIterator[Site]:
    stack = Stack(LocalConfig(tmp_path / "demo", base_port=0))
    stack.settings = settings
    await stack.mail.start()
    yield Site(stack, Morning(stack.config, stack.mail), token="token")
    await stack.mail.stop()


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site.app), base_url="http://localhost") as client:
        yield client


def received(site: Site) -> list[EmailMessage]:
    return [mail.parsed() for mail in site._stack.mail.mails(HELP_ADDRESS)]


async def test_a_customer_writes_in(site: Site, browser: httpx.AsyncClient) -> None:
    answer = await browser.post(
        "/write",
        data={"name": "Ana", "address": "Ana@example.com", "subject": "Factura\r\nBcc: x@y.z", "text": "¿Por qué?"},
    )
    assert answer.status_code == 303
    (mail,) = received(site)
    assert mail["From"] == "Ana <ana@example.com>"
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Factura Bcc: x@y.z"
    assert mail.get_content().strip() == "¿Por qué?"
    assert "ana@example.com" in (await browser.get("/")).text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"address": "someone@gmail.com", "text": "x"}, "nothing leaves this machine"),
        ({"address": "ana@example.com\r\nBcc: x@y.z", "text": "x"}, "nothing leaves this machine"),
        ({"address": "ana@example.com", "text": "  "}, "Write something"),
        ({"address": "ana@example.com", "text": "x" * 20_001}, "too long"),
        ({}, "invented address"),
    ],
)
async def test_a_letter_that_cannot_be_sent_says_why(
    site: Site, browser: httpx.AsyncClient, fields: dict[str, str], words: str
) -> None:
    answer = await browser.post("/write", data=fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert received(site) == []


async def test_what_a_customer_received_is_shown_without_harm_and_answered(
    site: Site, browser: httpx.AsyncClient
) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "Valle Luz <help+t1@valleluz.example>",
        "ana@example.com",
        "<b>Re</b>: Factura",
    )
    mail["Message-ID"], mail["Reply-To"] = "<d1@valleluz.example>", "help+t1@valleluz.example"
    mail.set_content("Hola <script>alert(1)</script>")
    mail.add_alternative('<p>Hola</p><script>alert(1)</script><img src="https://x.example/p.gif">', subtype="html")
    uid = await site._stack.mail.deliver("ana@example.com", bytes(mail))

    page = await browser.get("/mailboxes/ana@example.com")
    assert "<b>Re</b>" not in page.text
    assert "<script>alert" not in page.text
    assert "sandbox title" in page.text
    framed = await browser.get(f"/mailboxes/ana@example.com/{uid}/html")
    assert "<p>Hola</p>" in framed.text
    assert "script" not in framed.text
    assert "x.example" not in framed.text
    assert framed.headers["content-security-policy"].startswith("sandbox;")

    await browser.post(f"/mailboxes/ana@example.com/{uid}/reply", data={"text": "Gracias"})
    (answer,) = received(site)
    assert answer["To"] == "help+t1@valleluz.example"
    assert answer["In-Reply-To"] == answer["References"] == "<d1@valleluz.example>"
    assert answer["From"] == "ana@example.com"


async def test_the_centers_own_mailbox_is_not_shown_here(site: Site, browser: httpx.AsyncClient) -> None:
    uid = await site._stack.mail.deliver(HELP_ADDRESS, b"Subject: secret\r\n\r\nx")
    assert "secret" not in (await browser.get(f"/mailboxes/{HELP_ADDRESS}")).text
    assert (await browser.get(f"/mailboxes/{HELP_ADDRESS}/{uid}/raw")).status_code == 422
    assert (await browser.get("/mailboxes/nobody@example.com/9/raw")).status_code == 422
    assert HELP_ADDRESS not in {box["address"] for box in site._mailboxes()}


async def test_a_call_lands_in_the_spool_as_asterisk_would_leave_it(site: Site, browser: httpx.AsyncClient) -> None:
    for number in range(2):
        answer = await browser.post(
            "/call",
            data={"name": 'Rosa "x" <y>', "number": "+1 707 555 0136", "mailbox": "2000"},
            files={"file": ("v2.ogg", sounds.recording("v2"), "audio/ogg")},
        )
        assert answer.status_code == 303, number
    folder = site._stack.config.spool / "default" / "2000" / "INBOX"
    assert sorted(path.name for path in folder.iterdir()) == [
        "msg0000.txt",
        "msg0000.wav",
        "msg0001.txt",
        "msg0001.wav",
    ]
    with wave.open(str(folder / "msg0001.wav")) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 8000)
    facts = dict(line.split("=", 1) for line in (folder / "msg0001.txt").read_text().splitlines() if "=" in line)
    assert facts["callerid"] == '"Rosa x y" <+1 707 555 0136>'
    assert facts["duration"] == "9"
    assert facts["msg_id"].partition("-")[0] == facts["origtime"]


@pytest.mark.parametrize(
    ("data", "file", "words"),
    [
        ({}, None, "choose a file"),
        ({}, b"", "choose a file"),
        ({}, b"no sound at all", "cannot be heard"),
        ({"mailbox": "../../etc"}, b"RIFF", "no such mailbox"),
        ({"number": "call me"}, b"RIFF", "should look like"),
        ({"door": "upload"}, b"RIFF", "does not answer yet"),
    ],
)
async def test_a_call_that_cannot_be_left_says_why(
    site: Site, browser: httpx.AsyncClient, data: dict[str, str], file: bytes | None, words: str
) -> None:
    files = {"file": ("a.wav", file, "audio/wav")} if file is not None else None
    answer = await browser.post("/call", data=data, files=files)
    assert answer.status_code == 422
    assert words in answer.text
    assert not list(site._stack.config.spool.rglob("msg*"))


async def test_what_the_page_is_built_of_is_in_the_sheets_that_it_links(site: Site, browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/")).text
    sheets = [(await browser.get(link)).text for link in re.findall(r'rel="stylesheet" href="([^"]+)"', page)]
    styled = {name for sheet in sheets for name in re.findall(r"\.([a-z][\w-]+)", sheet)}
    assert {name for names in re.findall(r'class="([^"]+)"', page) for name in names.split()} <= styled


async def test_other_websites_cannot_use_it(site: Site, browser: httpx.AsyncClient) -> None:
    letter = {"address": "ana@example.com", "text": "x"}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await browser.post("/write", data=letter, headers=headers)).status_code == 403
    assert (await browser.get("/", headers={"Host": "evil.example"})).status_code == 400
    assert received(site) == []
    assert (await browser.post("/write", data=letter, headers={"Origin": "http://localhost"})).status_code == 303


@pytest.mark.browser
async def test_a_voicemail_is_recorded_in_the_browser(site: Site) -> None:
    serving = asyncio.create_task(site.serve())
    config = site._stack.config
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    try:
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
            page = await (await chromium.new_context(permissions=["microphone"])).new_page()
            trouble: list[str] = []
            page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
            await page.goto(config.url("site"))
            await page.get_by_role("button", name="Record", exact=True).click()
            await page.get_by_text("Recording…").wait_for()
            await asyncio.sleep(1)
            await page.get_by_role("button", name="Stop", exact=True).click()
            await page.get_by_text("Recorded; listen").wait_for()
            await page.get_by_role("button", name="Leave the voicemail").click()
            await page.get_by_text("in the phone system's spool").wait_for()
            await chromium.close()
        assert trouble == []
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    sound = (config.spool / "default" / "1000" / "INBOX" / "msg0000.wav").read_bytes()
    with wave.open(io.BytesIO(sound)) as file:
        assert file.getnframes() / file.getframerate() > 0.5
