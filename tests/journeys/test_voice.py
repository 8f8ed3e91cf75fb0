"""Voice journeys: a spoken message becomes a ticket with text, and a greeting reaches the phone system."""

import asyncio
import hashlib
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from local.phone import leave_voicemail
from local.speech.phrases import with_number
from local.speech.synthesis import message, ulaw, wav
from services.voicemail.doubt import plain
from shared.models import AccessToken, Role
from shared.web.auth import digest
from tests.factories import make_person
from tests.journeys.house import PASSWORD, House, eventually

pytestmark = [
    pytest.mark.journey,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(150),  # the first test waits until the house is there
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with House(speech=True) as house:
        yield house


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def clear_desks(house: House) -> AsyncIterator[None]:
    yield
    await house.clear_desks()


async def recording_ticket(house: House, caller: str) -> int:
    async def look() -> int | None:
        found = await house.fetch(
            "SELECT i.ticket_id FROM recording r JOIN intake i ON i.recording_id = r.id WHERE r.caller_id = :caller",
            caller=caller,
        )
        return found[0][0] if found else None

    return await eventually(look, what="a ticket of the recording")


async def test_a_spanish_voicemail_is_a_ticket_at_once_and_text_a_little_later(house: House) -> None:
    spoken = message(["Buenos días.", "Mi nombre es María García.", "Llamo por mi factura de luz."], "es")
    async with house.at_desk("ben", "carla") as (ben, carla):
        leave_voicemail(house.stack.config.spool, "2000", wav(spoken), caller="7075550142", name="M GARCIA")
        ticket = await recording_ticket(house, "+17075550142")
        offer = carla.locator("article.offer", has=carla.locator(f"a[href='/tickets/{ticket}']"))
        await offer.wait_for()
        await offer.locator("form[action$='/accept'] button").click()
        await carla.wait_for_url("**/tickets/*")

        async def transcribed() -> list[Any]:
            return await house.fetch(
                "SELECT t.text, t.language FROM transcript t JOIN intake i ON i.transcript_id = t.id "
                "WHERE i.ticket_id = :id", id=ticket,
            )  # fmt: skip

        ((text, language),) = await eventually(transcribed, what="the transcript on the ticket", within_s=60)
        assert language == "es"
        assert "factura" in text.lower()
        await carla.locator(".timeline", has_text="factura").wait_for()
        audio = carla.locator("audio").first
        word = carla.locator("[data-start]").last
        await word.click()  # nothing is loaded before
        await audio.evaluate(
            "audio => new Promise((done, late) => { setTimeout(late, 20000); "
            "audio.readyState ? done() : audio.addEventListener('loadedmetadata', done, {once: true}) })"
        )
        assert 4 < await audio.evaluate("element => element.duration") < 30
        assert await audio.evaluate("element => element.currentTime") > 1
        assert await ben.locator(f"a[href='/tickets/{ticket}']").count() == 0
    ((language, source),) = await house.fetch("SELECT language, language_source FROM ticket WHERE id = :id", id=ticket)
    assert language == "es"
    assert source in ("audio", "menu")


@dataclass(frozen=True)
class Call:
    """What somebody says, how it reaches us, and what must be on the ticket."""

    caller: str
    language: str
    by_telephone: bool
    sentences: tuple[str, ...]
    keywords: frozenset[str]
    digits: str  # such as the small checkpoint hears surely
    gap_s: float = 0.4  # between the sentences

    def recording(self) -> tuple[str, bytes]:
        """Name and bytes: a 16 kHz WAV, or headerless 8 kHz µ-law as an exchange keeps it."""
        template = {"en": "My number is {digits}.", "es": "Mi número es {digits}."}[self.language]
        _, said = with_number(template, self.digits, self.language)
        samples = message([*self.sentences, said], self.language, gap_s=self.gap_s)
        return ("call.ulaw", ulaw(samples)) if self.by_telephone else ("call.wav", wav(samples))


ENGLISH = ("Good morning.", "My name is John Smith.", "I have a question about my PG&E bill.")
SPANISH = ("Buenas tardes.", "Mi nombre es Juan Pérez.", "Necesito ayuda con mi factura de gas.")
AFTER_HALF_A_MINUTE = (  # as somebody speaks who thinks between the sentences
    *SPANISH, "Mandé mis documentos la semana pasada.", "No recibí el cheque de reembolso.", "El técnico nunca llegó.",
    "Quiero poner una queja.", "Necesito cambiar mi cita.", "Quiero hablar con un supervisor.",
    "Necesito cambiar mi dirección.", "Mi factura es muy alta.",
)  # fmt: skip
CALLS = (
    Call("+17075550161", "en", False, ENGLISH, frozenset({"question", "bill"}), "6149427645"),
    Call("+17075550162", "en", True, ENGLISH, frozenset({"question", "bill"}), "6149427645"),
    Call("+17075550163", "es", False, SPANISH, frozenset({"factura", "gas"}), "2703646914"),
    Call("+17075550164", "es", True, SPANISH, frozenset({"factura", "gas"}), "2703646914"),
    Call(
        "+17075550165", "es", True, AFTER_HALF_A_MINUTE, frozenset({"documentos", "queja", "supervisor"}), "8053794597",
        gap_s=0.9,
    ),
)  # fmt: skip


async def test_language_keywords_and_callback_number_of_every_call_are_on_its_ticket(house: House) -> None:
    secret = "ctl_the-exchange"
    async with house.database.transaction() as session:
        exchange = await make_person(session, Role.SERVICE)
        session.add(
            AccessToken(person_id=exchange.id, name="exchange", token_hash=digest(secret), scopes=["recording.upload"])
        )
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
        for call in CALLS:
            answer = await client.post(
                house.url("/api/v1/recordings", "voicemail"),
                files={"file": (*call.recording(), "application/octet-stream")}, data={"caller_id": call.caller},
            )  # fmt: skip
            assert answer.status_code == 201, answer.text
    for call in CALLS:

        async def transcribed(call: Call = call) -> list[Any]:
            return await house.fetch(
                "SELECT t.text, t.language FROM transcript t JOIN recording r ON r.id = t.recording_id "
                "WHERE r.caller_id = :caller", caller=call.caller,
            )  # fmt: skip

        async def noted(call: Call = call) -> list[Any]:
            return await house.fetch(
                "SELECT f.value, f.doubts, (f.places->0->>'from_s')::float AS from_s "
                "FROM caller_fact f JOIN recording r ON r.id = f.recording_id "
                "WHERE r.caller_id = :caller AND f.kind = 'callback'", caller=call.caller,
            )  # fmt: skip

        ((text, language),) = await eventually(transcribed, what=f"the words of {call}", within_s=90)
        assert language == call.language
        assert call.keywords <= set(plain(text).split()), text
        ((number, doubts, from_s),) = await eventually(noted, what=f"a number in: {text}")
        assert (number, doubts) == (f"+1{call.digits}", []), text
        assert from_s > (30 if call.sentences is AFTER_HALF_A_MINUTE else 5)


async def test_a_recording_that_is_not_audio_is_still_a_ticket(house: House) -> None:
    folder = house.stack.config.spool / "default" / "1000" / "INBOX"
    (folder / "msg0042.wav").write_bytes(b"RIFF this is not audio")
    (folder / "msg0042.txt").write_text(
        '[message]\ncallerid="BROKEN" <7075550177>\norigtime=1795000000\nmsg_id=1795000000-00000042\nduration=7\n'
    )
    ticket = await recording_ticket(house, "+17075550177")
    ((state,),) = await house.fetch("SELECT state FROM recording WHERE caller_id = '+17075550177'")
    assert state == "unreadable"
    assert (await house.state_of(ticket))[0] in ("queued", "offered")


async def test_a_csr2_changes_the_greeting_and_callers_hear_it(house: House, tmp_path: Path) -> None:
    upload = tmp_path / "saludo.wav"
    upload.write_bytes(wav(message(["Hola.", "Buenas tardes.", "Llamo por mi solicitud."], "es")))
    ana = await house.sign_in("ana", available=False)
    await ana.goto(house.url("/greetings", "voicemail"))
    ((slot,),) = await house.fetch("SELECT id FROM greeting_slot WHERE language = 'es' AND situation = 'open'")
    await ana.goto(house.url(f"/greetings/slots/{slot}", "voicemail"))
    form = ana.locator("form:has(input[type=file])")
    await form.locator("input[type=file]").set_input_files(str(upload))
    await form.locator("button:not([type=button])").last.click()
    await ana.locator("article[id^=version-]").first.wait_for()
    if not await house.fetch("SELECT 1 FROM greeting_activation"):
        await ana.locator("details:has(> form[action$='/activate']) > summary").first.click()
        publish = ana.locator("form[action$='/activate']").first
        await publish.locator("[name=pair_version_id]").select_option("")
        await publish.locator("[name=alone_because]").fill("La versión en inglés se graba mañana")
        for confirmation in await publish.locator("[name=confirm]").all():
            await confirmation.check()
        await publish.locator("> p button").click()
    target = house.stack.config.greetings / "es" / "unavail.wav"

    async def live() -> list[Any]:
        return await house.fetch(
            "SELECT sha256 FROM greeting_live WHERE language = 'es' AND state = 'live' AND version_id IS NOT NULL"
        )

    ((digest,),) = await eventually(live, what="the greeting live on the phone system")
    assert hashlib.sha256(await asyncio.to_thread(target.read_bytes)).hexdigest() == digest
    with wave.open(str(target)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
    await house.leave(ana)


async def test_a_csr1_may_listen_but_not_change_a_greeting(house: House) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        session = await client.post(
            house.url("/api/v1/session"), json={"email": "ben@valleluz.example", "password": PASSWORD}
        )
        assert session.status_code == 201, session.text
        token = (await client.get(house.url("/api/v1/me"))).json()["csrf_token"]
        ((slot,),) = await house.fetch("SELECT id FROM greeting_slot WHERE language = 'en' AND situation = 'open'")
        answer = await client.post(
            house.url(f"/api/v1/greetings/slots/{slot}/versions", "voicemail"),
            files={"file": ("a.wav", b"RIFF", "audio/wav")},
            headers={"X-CSRF-Token": token},
        )
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"

    async def audited() -> list[Any]:
        return await house.fetch(
            "SELECT 1 FROM audit_event WHERE actor_id = :ben AND action LIKE '%denied%'", ben=house.people["ben"]
        )

    await eventually(audited, what="the refusal in the audit log")
