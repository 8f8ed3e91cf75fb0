"""What stands between a version and its callers: approval by another, pairs, drafts; emergencies do without."""

import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine
from sqlalchemy import update

from services.voicemail.greetings import actions
from services.voicemail.greetings.publisher import publish_once
from services.voicemail.greetings.rules import NotPublishable, Obstacle
from shared.errors import Forbidden, Invalid
from shared.models import ApprovalDecision, GreetingCheck, GreetingCheckState, Role, Situation
from shared.settings import Settings
from tests.voicemail.greetings.conftest import ALONE, Desk, SignIn

API = "/api/v1/greetings"
pytestmark = pytest.mark.usefixtures("always_open")


async def publish(client: httpx.AsyncClient, version: int, **body: Any) -> httpx.Response:
    return await client.post(f"{API}/versions/{version}/activations", json={"alone_because": ALONE} | body)


class TestApproval:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"greeting_approval": True})

    async def test_four_eyes_are_two_people(self, desk: Desk, sign_in: SignIn) -> None:
        version = await desk.record("en", Situation.OPEN)
        second = await sign_in(Role.CSR2)
        refused = await publish(second, version.id)
        assert (refused.status_code, refused.json()["obstacle"]) == (409, "not_approved")
        # Nobody may wave it through, and its author may not approve it.
        assert (await publish(second, version.id, confirm=["not_approved"])).status_code == 409
        async with desk.database.transaction() as session:
            with pytest.raises(Forbidden, match="somebody else"):
                await actions.decide(session, desk.settings, desk.me, version.id, ApprovalDecision.APPROVED)
        path = f"{API}/versions/{version.id}/approvals"
        assert (await second.post(path, json={"decision": "rejected"})).status_code == 400  # without a word
        await second.post(path, json={"decision": "rejected", "note": "The number is missing"})
        assert (await publish(second, version.id)).json()["obstacle"] == "rejected"
        approved = (await second.post(path, json={"decision": "approved"})).json()
        assert (approved["approval"]["decision"], approved["obstacles"]) == ("approved", [])
        assert (await publish(second, version.id)).status_code == 201
        (event,) = await desk.audited("greeting.activate")
        assert event.detail["approved_by"] is not None
        assert len(await desk.audited("greeting.approve", "greeting.reject")) == 2
        assert (await (await sign_in(Role.CSR1)).post(path, json={"decision": "approved"})).status_code == 403

    async def test_an_emergency_does_without_and_the_audit_log_says_so(self, desk: Desk) -> None:
        made = await desk.publish(await desk.record("en", Situation.EMERGENCY))
        assert made.ends_at is not None
        (event,) = await desk.audited("greeting.activate")
        assert (event.detail["situation"], event.detail["approved_by"]) == ("emergency", None)

    async def test_the_page_offers_it_to_others_only(self, desk: Desk, sign_in: SignIn) -> None:
        version = await desk.record("en", Situation.OPEN)
        other = await sign_in(Role.SUPERVISOR, browser=True)
        page = await other.get(f"/greetings/slots/{version.slot_id}")
        assert 'value="approved"' in page.text
        assert "It cannot be published:" in page.text
        data = {"csrf_token": "csrf", "slot_id": str(version.slot_id), "decision": "approved"}
        assert (await other.post(f"/greetings/versions/{version.id}/decide", data=data)).status_code == 303
        assert "approved by" in (await other.get(f"/greetings/slots/{version.slot_id}")).text


async def test_english_and_spanish_go_together_or_somebody_says_why_not(desk: Desk, sign_in: SignIn) -> None:
    english = await desk.record("en", Situation.OPEN, 110)
    spanish = await desk.record("es", Situation.OPEN, 150)
    client = await sign_in(Role.CSR2)
    for body in ({"alone_because": ""}, {"alone_because": " x "}):
        refused = await publish(client, english.id, **body)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/alone_because")
    wrong = await desk.record("es", Situation.HOLIDAY, 170)
    for other in (wrong.id, english.id, 999_999):
        assert (await publish(client, english.id, pair_version_id=other)).status_code == 400
    made = (await publish(client, english.id, alone_because="", pair_version_id=spanish.id)).json()
    slots = {language: await desk.slot(language, Situation.OPEN) for language in ("en", "es")}
    shown = (await client.get(f"{API}/slots/{slots['es']}")).json()
    assert (shown["in_force"]["version_id"], shown["in_force"]["pair_id"]) == (spanish.id, made["id"])

    second = await desk.record("en", Situation.OPEN, 130), await desk.record("es", Situation.OPEN, 190)
    await publish(client, second[0].id, alone_because="", pair_version_id=second[1].id)
    back = await client.post(f"{API}/slots/{slots['en']}/roll-back")
    assert back.json()["version_id"] == english.id
    shown = (await client.get(f"{API}/slots/{slots['es']}")).json()
    assert shown["in_force"]["version_id"] == spanish.id  # the pair went back with it

    await client.post(f"{API}/activations/{back.json()['id']}/cancel")
    for language, version in zip(("en", "es"), second, strict=True):
        shown = (await client.get(f"{API}/slots/{slots[language]}")).json()
        assert shown["in_force"]["version_id"] == version.id


async def test_an_emergency_without_an_end_ends_by_itself(desk: Desk) -> None:
    now = datetime(2026, 11, 23, 18, tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        made = await desk.publish(await desk.record("en", Situation.EMERGENCY))
    assert made.ends_at == now + timedelta(hours=8)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
async def test_a_draft_is_published_only_by_who_says_so(desk: Desk, sign_in: SignIn) -> None:
    client = await sign_in(Role.CSR2)
    slot = await desk.slot("es", Situation.OPEN)
    empty = await client.post(f"{API}/slots/{slot}/drafts", json={"script": "  "})
    assert (empty.status_code, empty.json()["errors"][0]["pointer"]) == (400, "#/script")
    script = "Ha llamado al centro. Llame al 9-1-1."
    made = await client.post(f"{API}/slots/{slot}/drafts", json={"script": script})
    assert made.status_code == 201
    version = made.json()
    assert (version["source"], version["script"]) == ("tts", script)
    again = await client.post(f"{API}/slots/{slot}/drafts", json={"script": script})
    assert (again.status_code, again.json()["id"]) == (200, version["id"])
    refused = (await publish(client, version["id"])).json()
    assert (refused["obstacle"], refused["confirmable"]) == ("draft", True)
    accepted = await publish(client, version["id"], confirm=["draft"])
    assert (accepted.status_code, accepted.json()["confirmed"]) == (201, ["draft"])
    page = await (await sign_in(Role.CSR2, browser=True)).get(f"/greetings/slots/{slot}")
    assert "Draft, read aloud by a machine" in page.text


async def test_a_machine_that_is_not_there_is_said_in_words(
    desk: Desk, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    client = await sign_in(Role.CSR2, browser=True)
    slot = await desk.slot("en", Situation.OPEN)
    answer = await client.post(f"/greetings/slots/{slot}/drafts", data={"csrf_token": "csrf", "script": "Hello there"})
    assert answer.status_code == 503
    assert "espeak-ng is not installed where this service runs" in answer.text
    assert "Hello there" in answer.text


async def test_a_recording_in_the_wrong_language_is_not_published(desk: Desk, sign_in: SignIn) -> None:
    version = await desk.record("es", Situation.EMERGENCY)
    async with desk.database.transaction() as session:
        await session.execute(
            update(GreetingCheck).values(state=GreetingCheckState.HEARD, wrong_language=True, language="en")
        )
    with pytest.raises(NotPublishable) as raised:
        await desk.publish(version, confirmed=frozenset(Obstacle))
    assert raised.value.obstacle is Obstacle.WRONG_LANGUAGE
    page = await (await sign_in(Role.CSR2, browser=True)).get(f"/greetings/slots/{version.slot_id}")
    assert "This recording is not in the language of its slot" in page.text


async def test_while_the_machine_listens_somebody_may_answer_for_it(desk: Desk) -> None:
    version = await desk.record("en", Situation.OPEN)
    async with desk.database.transaction() as session:
        await session.execute(update(GreetingCheck).values(state=GreetingCheckState.WAITING))
    with pytest.raises(NotPublishable, match="listened to it yourself"):
        await desk.publish(version)
    made = await desk.publish(version, confirmed=frozenset({Obstacle.UNCHECKED}))
    assert made.confirmed == ["unchecked"]


async def test_the_same_recording_treated_otherwise_is_another_version(desk: Desk, sign_in: SignIn) -> None:
    client = await sign_in(Role.CSR2)
    version = await desk.record("en", Situation.OPEN)
    path = f"{API}/versions/{version.id}/treatments"
    assert (await client.post(path, json={})).status_code == 409  # that is how it is already
    made = (await client.post(path, json={"trim": True, "normalise": False})).json()
    assert (made["number"], made["treatment"]) == (2, {"trim": True, "normalise": False})
    assert made["measured"]["after"]["lufs"] == pytest.approx(made["measured"]["before"]["lufs"], abs=0.3)
    assert any("than the other greetings" in warning for warning in made["warnings"])
    for rendition in ("before", "phone", "mulaw"):
        heard = await client.get(made["audio_url"], params={"rendition": rendition})
        assert (heard.status_code, heard.headers["content-type"]) == (200, "audio/wav")


async def test_a_pair_of_times_that_cannot_be_changes_nothing(desk: Desk) -> None:
    version = await desk.record("en", Situation.OPEN)
    with pytest.raises(Invalid, match="after the beginning"):
        await desk.publish(version, ends_at=datetime(2020, 1, 1, tzinfo=UTC))
    await publish_once(desk.database, desk.settings, desk.blobs)
    assert await desk.audited("greeting.activate", "greeting.live") == []
