"""Mailboxes by the API: what may be entered, what is never shown, and a running inbox that does as it is told."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text, update

from local.mail import LocalMail
from services.inbox.service import Inbox
from shared import clock
from shared.database import Database
from shared.models import Delivery, DeliveryState, Mailbox, MailboxAccount, MailboxSignIn, MailboxToken, Message, Role
from shared.settings import MailboxSettings, Settings
from tests.inbox.conftest import HELP, PASSWORD, mail, mailbox, rows, running, until, wait_for_messages
from tests.inbox.conftest import local_mail as local_mail  # a fixture
from tests.inbox.test_send import queue
from tests.servers.dovecot import Dovecot
from tests.servers.tokens import CLIENT_ID, CLIENT_SECRET, TokenServer
from tests.tickets.api.conftest import User, Users

BODY: dict[str, Any] = {
    "name": "help",
    "address": HELP,
    "password": "an-open-secret-of-the-mailbox",
    "imap_host": "imap.center.example",
    "smtp_host": "smtp.center.example",
}


@pytest.fixture
def provider() -> Iterator[TokenServer]:
    with TokenServer(redirect_uri="http://localhost:8000/mailboxes/signed-in") as server:
        yield server


def without_name(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "name"}


async def added(user: User, **more: Any) -> dict[str, Any]:
    answer = await user.http.post("/api/v1/mailboxes", json={**BODY, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_what_it_may_say_of_senders_and_of_copies_reaches_the_inbox(
    user: Users, database: Database, settings: Settings
) -> None:
    said = {
        "arc_sealers": ["google.com"], "spam_headers": ["X-Our-Spam"], "form_senders": ["Forms@Center.Example"],
        "keep_sent": False, "sent_folder": "Enviados",
    }  # fmt: skip
    made = await added(await user(Role.ADMINISTRATOR), **said)
    said["form_senders"] = ["forms@center.example"]
    assert {key: made[key] for key in said} == said
    async with running(settings) as inbox:
        followed = await until(lambda: following(inbox))
    assert {key: getattr(followed, key) for key in said} == said


async def following(inbox: Inbox) -> MailboxSettings | None:
    """The managed mailbox as the running inbox knows it."""
    found = [each.mailbox for each in inbox.mailboxes.credentials.values() if each.mailbox.name == "help"]
    return found[0] if found else None


async def test_what_is_filled_in_for_one(user: Users) -> None:
    me = await user(Role.ADMINISTRATOR)
    made = await added(me)
    assert (made["source"], made["state"], made["username"], made["display_name"]) == ("store", "starting", HELP, HELP)
    assert (made["imap_port"], made["imap_security"], made["smtp_port"], made["smtp_security"]) == (
        993, "tls", 587, "starttls",
    )  # fmt: skip
    assert (made["has_password"], made["has_client_secret"], made["folders"]) == (True, False, ["INBOX"])
    assert [each["name"] for each in (await me.http.get("/api/v1/mailboxes")).json()] == ["help"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "two words"}, "name"),
        ({"address": "nobody"}, "address"),
        ({"imap_host": "https://imap.center.example/"}, "imap_host"),
        ({"imap_security": "none"}, "imap_security"),
        ({"smtp_security": "none"}, "smtp_security"),
        ({"folders": []}, "folders"),
        ({"voicemail_senders": ["pbx"]}, "voicemail_senders"),
        ({"password": None}, "password"),
        ({"display_name": "a\nb"}, "display_name"),
        ({"sign_in_with": "client_credentials"}, "client_id"),
        ({"sign_in_with": "client_credentials", "client_id": "c", "token_endpoint": "http://provider.example/"},
         "token_endpoint"),
        ({"sign_in_with": "client_credentials", "client_id": "c", "token_endpoint": "https://provider.example/"},
         "scope"),
        ({"sign_in_with": "refresh_token", "client_id": "c", "token_endpoint": "https://provider.example/"},
         "authorization_endpoint"),
    ],
)  # fmt: skip
async def test_what_cannot_be_used_is_refused(user: Users, change: dict[str, Any], field: str) -> None:
    me = await user(Role.ADMINISTRATOR)
    answer = await me.http.post("/api/v1/mailboxes", json={**BODY, **change})
    assert refused_for(answer) == field


def refused_for(answer: httpx.Response) -> str:
    """The field that a refusal is about."""
    assert answer.status_code == 400, answer.text
    (error,) = answer.json()["errors"]
    return str(error["pointer"]).removeprefix("#/")


async def test_names_and_addresses_are_given_once(user: Users, app: FastAPI) -> None:
    me = await user(Role.ADMINISTRATOR)
    await added(me)
    for body in ({**BODY, "address": "other@center.example"}, {**BODY, "name": "other", "address": HELP.upper()}):
        assert (await me.http.post("/api/v1/mailboxes", json=body)).status_code == 409
    app.state.settings.mailboxes.append(mailbox("main", "main@center.example", imap_port=1))
    for body in ({**BODY, "name": "main", "address": "x@center.example"},
                 {**BODY, "name": "x", "address": "main@center.example"}):  # fmt: skip
        assert (await me.http.post("/api/v1/mailboxes", json=body)).status_code == 409
    app.state.settings.mailboxes.clear()


async def test_an_empty_secret_stays_and_none_goes_to_another_server(user: Users, database: Database) -> None:
    me = await user(Role.ADMINISTRATOR)
    path = f"/api/v1/mailboxes/{(await added(me))['id']}"
    (before,) = await rows(database, select(MailboxAccount.password))
    change = {**without_name(BODY), "password": None, "display_name": "Center"}
    assert (await me.http.put(path, json=change)).json()["display_name"] == "Center"
    assert await rows(database, select(MailboxAccount.password)) == [before]
    for elsewhere in ({"imap_host": "mine.example"}, {"smtp_host": "mine.example"}, {"imap_port": 994}):
        answer = await me.http.put(path, json={**change, **elsewhere})
        assert refused_for(answer) == "password", elsewhere
    answer = await me.http.put(path, json={**change, "imap_host": "new.center.example", "password": "entered again"})
    assert answer.status_code == 200
    assert await rows(database, select(MailboxAccount.password)) != [before]


async def test_secrets_are_in_no_answer_no_log_and_no_audit(
    user: Users, database: Database, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every table and everything that was said, searched for what was entered."""
    caplog.set_level(logging.DEBUG)
    me = await user(Role.ADMINISTRATOR)
    secrets = ["an-open-secret-of-the-mailbox", "changed-to-this-secret", "a-client-secret-of-ours", "the-code-we-got"]
    answers: list[httpx.Response] = []

    async def say(method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        answers.append(await me.http.request(method, path, json=body))
        return answers[-1]

    path = f"/api/v1/mailboxes/{(await say('POST', '/api/v1/mailboxes', BODY)).json()['id']}"
    await say("PUT", path, {**without_name(BODY), "password": secrets[1], "imap_host": "x.center.example"})
    await say("PUT", path, {**without_name(BODY), "password": secrets[1], "imap_host": "not a host"})
    oauth = {
        **without_name(BODY), "password": None, "sign_in_with": "refresh_token", "client_id": CLIENT_ID,
        "client_secret": secrets[2], "token_endpoint": "https://p.example/t",
        "authorization_endpoint": "https://p.example/a", "scope": "mail",
    }  # fmt: skip
    assert (await say("PUT", path, oauth)).status_code == 200
    begun = (await say("POST", f"{path}/sign-in")).json()
    assert (await say("POST", "/api/v1/mailbox-sign-ins", {"state": begun["state"], "code": secrets[3]})).is_success
    for place in (path, "/api/v1/mailboxes", "/api/v1/audit", f"{path}/checks/latest"):
        assert (await say("GET", place)).is_success, place
    for method, place in (("POST", f"{path}/pause"), ("DELETE", path)):
        assert (await say(method, place)).is_success, place
    said = capsys.readouterr()
    everything = "".join([said.out, said.err, caplog.text, *(answer.text for answer in answers)])
    async with database.transaction() as session:
        for table in await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")):
            everything += str(await session.scalar(text(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" t')))
    for secret in secrets:
        assert secret not in everything
        assert secret.encode().hex() not in everything
    (account,) = await rows(database, select(MailboxAccount))
    assert (account.password, account.client_secret) == (None, None), "a removed mailbox keeps no secret"


async def test_the_settings_mailboxes_are_shown_and_left_alone(user: Users, app: FastAPI, database: Database) -> None:
    me = await user(Role.ADMINISTRATOR)
    app.state.settings.mailboxes.append(mailbox("main", HELP, imap_port=143))
    async with database.transaction() as session:
        session.add(Mailbox(name="main", address=HELP))
    try:
        (listed,) = (await me.http.get("/api/v1/mailboxes")).json()
        path = f"/api/v1/mailboxes/{listed['id']}"
        shown = (await me.http.get(path)).json()
        assert (shown["source"], shown["imap_port"], shown["has_password"]) == ("settings", 143, True)
        assert PASSWORD not in json.dumps(shown)
        for method, place in (("PUT", path), ("DELETE", path), ("POST", f"{path}/pause"), ("POST", f"{path}/sign-in")):
            body = without_name(BODY) if method == "PUT" else None
            assert (await me.http.request(method, place, json=body)).status_code == 409, place
        assert (await me.http.post(f"{path}/checks")).status_code == 202
    finally:
        app.state.settings.mailboxes.clear()


async def test_a_test_is_asked_for_once(user: Users) -> None:
    me = await user(Role.ADMINISTRATOR)
    path = f"/api/v1/mailboxes/{(await added(me))['id']}"
    assert (await me.http.get(f"{path}/checks/latest")).status_code == 404
    first, second = [(await me.http.post(f"{path}/checks")).json() for _ in range(2)]
    assert (first["id"], first["state"], first["steps"]) == (second["id"], "asked", [])


async def oauth_mailbox(me: User, provider: TokenServer, **more: Any) -> str:
    made = await added(
        me, password=None, sign_in_with="refresh_token", client_id=CLIENT_ID, client_secret=CLIENT_SECRET,
        token_endpoint=provider.token_endpoint, authorization_endpoint=provider.authorization_endpoint,
        scope=provider.scope, **more,
    )  # fmt: skip
    return f"/api/v1/mailboxes/{made['id']}"


async def code_of(begun: dict[str, str]) -> dict[str, str]:
    """What the provider sends back with a person who agreed."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(begun["authorization_url"])
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return {"state": query["state"][0], "code": query["code"][0]}


async def test_the_way_back_is_only_for_who_left_by_it(user: Users, provider: TokenServer, database: Database) -> None:
    me, other = await user(Role.ADMINISTRATOR), await user(Role.ADMINISTRATOR)
    same_person_elsewhere = await user(person=me.person, scopes=["mailbox.write", "health.read"])
    path = await oauth_mailbox(me, provider)
    back = await code_of((await me.http.post(f"{path}/sign-in")).json())
    for somebody in (other, same_person_elsewhere):
        assert (await somebody.http.post("/api/v1/mailbox-sign-ins", json=back)).status_code == 400
    assert (await me.http.post("/api/v1/mailbox-sign-ins", json={**back, "state": "made up"})).status_code == 400
    assert (await me.http.post("/api/v1/mailbox-sign-ins", json=back)).status_code == 202
    assert (await me.http.post("/api/v1/mailbox-sign-ins", json=back)).status_code == 400, "once"
    late = await code_of((await me.http.post(f"{path}/sign-in")).json())
    async with database.transaction() as session:
        await session.execute(update(MailboxSignIn).values(created_at=clock.now() - timedelta(minutes=20)))
    assert (await me.http.post("/api/v1/mailbox-sign-ins", json=late)).status_code == 400
    assert not (await me.http.get(path)).json()["signed_in"]


async def test_administration_from_the_first_sign_in_to_the_end(
    user: Users, settings: Settings, database: Database, provider: TokenServer
) -> None:
    """A code, exchanged by the inbox with PKCE, becomes a mailbox that is watched by a token."""
    me = await user(Role.ADMINISTRATOR)
    with Dovecot({HELP: PASSWORD}, mechanisms="xoauth2", introspection_url=provider.introspection_url) as dovecot:
        async with running(settings.model_copy(update={"sweep_s": 0.3})):
            local = {"imap_host": "127.0.0.1", "imap_port": dovecot.port, "imap_security": "none", "smtp_host": None}
            path = await oauth_mailbox(me, provider, **local)
            back = await code_of((await me.http.post(f"{path}/sign-in")).json())
            await me.http.post("/api/v1/mailbox-sign-ins", json=back)

            async def checked() -> dict[str, Any] | None:
                latest: dict[str, Any] = (await me.http.get(f"{path}/checks/latest")).json()
                return latest if latest["finished_at"] else None

            check = await until(checked, timeout=30)
            assert check is not None
            assert check["state"] == "good", check
            dovecot.deliver(HELP, mail("By a person's permission"))
            await wait_for_messages(database, 1)
    assert provider.granted.count("authorization_code") == 1
    assert (await me.http.get(path)).json()["signed_in"]
    assert await rows(database, select(MailboxSignIn.code)) == [None], "a code is spent once"
    (token,) = await rows(database, select(MailboxToken))
    assert token.error is None


async def test_changes_take_effect_in_the_running_inbox(
    user: Users, settings: Settings, database: Database, local_mail: LocalMail
) -> None:
    """Added, paused, resumed and removed while the inbox runs; it sweeps rarely, so it is the ring that is heard."""
    me = await user(Role.ADMINISTRATOR)

    async def state_is(path: str, wanted: str) -> None:
        async def probe() -> bool:
            return bool((await me.http.get(path)).json()["state"] == wanted)

        await until(probe)

    async def delivery_is(delivery_id: int, state: DeliveryState) -> None:
        async def probe() -> bool:
            await inbox.sender.send(delivery_id)  # when its turn among the mails to that domain has come
            return (await rows(database, select(Delivery.state).where(Delivery.id == delivery_id))) == [state]

        await until(probe)

    local = {"imap_host": "127.0.0.1", "imap_port": local_mail.imap_port, "imap_security": "none", "password": PASSWORD,
             "smtp_host": "127.0.0.1", "smtp_port": local_mail.smtp_port, "smtp_security": "none"}  # fmt: skip
    async with running(settings.model_copy(update={"sweep_s": 60.0})) as inbox:
        await local_mail.deliver(HELP, mail("Before anybody looked"))
        path = f"/api/v1/mailboxes/{(await added(me, **local))['id']}"
        await wait_for_messages(database, 1)
        await state_is(path, "watching")
        await local_mail.deliver(HELP, mail("Watched"))
        await wait_for_messages(database, 2)

        assert (await me.http.post(f"{path}/pause")).json()["state"] == "paused"

        async def stopped() -> bool:
            return inbox.mailboxes.credentials["help"].paused

        await until(stopped)
        await local_mail.deliver(HELP, mail("While paused"))
        waits = await queue(database, mailbox_id=int(path.rpartition("/")[2]))
        await inbox.sender.send(waits)
        assert (await rows(database, select(Delivery.last_error)))[0].startswith("The mailbox it leaves from is paused")
        assert await rows(database, select(func.count(Message.id))) == [2]

        await me.http.post(f"{path}/resume")
        await wait_for_messages(database, 3)
        await delivery_is(waits, DeliveryState.SENT)

        assert (await me.http.delete(path)).status_code == 204

        async def gone() -> bool:
            return "help" not in inbox.mailboxes.credentials

        await until(gone)
        await local_mail.deliver(HELP, mail("After it was removed"))
        left = await queue(database, mailbox_id=int(path.rpartition("/")[2]))

        async def nowhere() -> bool:
            await inbox.sender.send(left)
            (words,) = await rows(database, select(Delivery.last_error).where(Delivery.id == left))
            return "no mailbox with an SMTP server" in (words or "")

        await until(nowhere)
        second = {**local, "name": "second", "address": "second@center.example.org", "username": HELP}
        await added(me, **second)
        async with database.transaction() as session:
            await session.execute(update(Delivery).values(next_attempt_at=clock.now(), leased_until=None))

        async def there() -> bool:
            return "second" in inbox.mailboxes.credentials

        await until(there)
        await delivery_is(left, DeliveryState.SENT)
    assert (await me.http.get(path)).json()["state"] == "removed"
    assert (await me.http.post(f"{path}/resume")).status_code == 404
    assert [each["name"] for each in (await me.http.get("/api/v1/mailboxes")).json()] == ["second"]
