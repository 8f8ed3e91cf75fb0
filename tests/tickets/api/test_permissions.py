"""Every route of the API and every role: the answer is what the one table of permissions says."""

from dataclasses import asdict, dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.tickets.safety_texts import shipped
from shared.models import Role, SafetyKey
from shared.people import PERMISSIONS, Permission
from tests.tickets.api.conftest import Users

P = Permission
NOWHERE = 999_999_999
EVERYBODY = None  # who is signed in


@dataclass(frozen=True)
class Route:
    permission: Permission | None
    body: dict[str, Any] | None = None
    by_token: bool = True  # False: a token may not, whatever its scopes


REASON = {"reason": "because"}
TEXT = {"subject": "S", "body": "Text"}
GAS_TEXT = {language: asdict(text) for language, text in shipped()[SafetyKey.GAS].items()}  # one that says what it must
NEW_TOKEN = {"name": "t", "scopes": ["ticket.read"]}
MAILBOX = {"address": "a@center.example", "imap_host": "imap.center.example", "password": "p"}
ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/api/v1/me"): Route(EVERYBODY),
    ("PATCH", "/api/v1/me"): Route(EVERYBODY, {"ui_language": "en"}),
    ("PUT", "/api/v1/me/password"): Route(EVERYBODY, {"current": "x", "new": "y" * 12}, by_token=False),
    ("GET", "/api/v1/me/tokens"): Route(EVERYBODY),
    ("POST", "/api/v1/me/tokens"): Route(EVERYBODY, NEW_TOKEN, by_token=False),
    ("DELETE", "/api/v1/tokens/{token_id}"): Route(EVERYBODY),
    ("GET", "/api/v1/work"): Route(P.TICKET_READ),
    ("PUT", "/api/v1/me/presence"): Route(P.PRESENCE_SET, {"intent": "busy"}),
    ("POST", "/api/v1/me/presence/heartbeat"): Route(P.PRESENCE_SET, {"tab_id": "abcdefgh12"}),
    ("POST", "/api/v1/me/presence/leave"): Route(P.PRESENCE_SET, {"tab_id": "abcdefgh12"}),
    ("PUT", "/api/v1/people/{person_id}/capacity"): Route(P.CAPACITY_WRITE, {"capacity": 3}),
    ("PUT", "/api/v1/people/{person_id}/presence"): Route(P.PRESENCE_SET_OTHERS, {"intent": "offline", **REASON}),
    ("POST", "/api/v1/offers/{assignment_id}/accept"): Route(P.TICKET_WORK),
    ("POST", "/api/v1/offers/{assignment_id}/decline"): Route(P.TICKET_WORK, REASON),
    ("GET", "/api/v1/board"): Route(P.BOARD_READ),
    ("GET", "/api/v1/alerts"): Route(P.BOARD_READ),
    ("POST", "/api/v1/alerts/{alert_id}/take"): Route(P.ALERT_TAKE),
    ("POST", "/api/v1/tickets/{ticket_id}/assign"): Route(P.TICKET_ASSIGN, {"person_id": NOWHERE, **REASON}),
    ("POST", "/api/v1/tickets/assign"): Route(
        P.TICKET_ASSIGN, {"ticket_ids": [NOWHERE], "person_ids": [NOWHERE], **REASON}
    ),
    ("POST", "/api/v1/tickets/assign/preview"): Route(
        P.TICKET_ASSIGN, {"ticket_ids": [NOWHERE], "person_ids": [NOWHERE]}
    ),
    ("GET", "/api/v1/forecast"): Route(P.SHIFT_WRITE),
    ("GET", "/api/v1/reassignments"): Route(P.TICKET_WORK),
    ("GET", "/api/v1/reassignments/{reassignment_id}"): Route(P.TICKET_WORK),
    ("POST", "/api/v1/reassignments/{reassignment_id}/undo"): Route(P.TICKET_ASSIGN),
    ("POST", "/api/v1/tickets/{ticket_id}/pin"): Route(P.TICKET_ASSIGN, REASON),
    ("POST", "/api/v1/tickets/{ticket_id}/unpin"): Route(P.TICKET_ASSIGN, REASON),
    ("POST", "/api/v1/tickets/send-back"): Route(P.TICKET_ASSIGN, {"ticket_ids": [NOWHERE], **REASON}),
    ("GET", "/api/v1/ladder"): Route(P.BOARD_READ),
    ("POST", "/api/v1/tickets/{ticket_id}/ladder/acknowledge"): Route(P.ALERT_TAKE),
    ("POST", "/api/v1/tickets/{ticket_id}/interpreter"): Route(P.TICKET_WORK, {"line": "A line"}),
    ("GET", "/api/v1/tickets/{ticket_id}/waiting"): Route(P.TICKET_READ),
    ("GET", "/api/v1/tickets/{ticket_id}/assignments"): Route(P.BOARD_READ),
    ("POST", "/api/v1/contacts"): Route(
        P.TICKET_CREATE,
        {"channel": "phone", "language": "en", "subject": "s", "text": "t", "phone": "+1 831 555 0147", "take": False},
    ),
    ("GET", "/api/v1/tickets"): Route(P.TICKET_READ),
    ("GET", "/api/v1/topics"): Route(P.TICKET_READ),
    ("GET", "/api/v1/tickets/{ticket_id}"): Route(P.TICKET_READ),
    ("GET", "/api/v1/tickets/{ticket_id}/timeline"): Route(P.TICKET_READ),
    ("POST", "/api/v1/tickets/{ticket_id}/take"): Route(P.TICKET_WORK),
    ("POST", "/api/v1/tickets/{ticket_id}/release"): Route(P.TICKET_WORK, REASON),
    ("POST", "/api/v1/tickets/{ticket_id}/replies"): Route(P.TICKET_WORK, {"text": "t"}),
    ("POST", "/api/v1/tickets/{ticket_id}/notes"): Route(P.TICKET_WORK, {"text": "t"}),
    ("PUT", "/api/v1/tickets/{ticket_id}/language"): Route(P.TICKET_WORK, {"language": "es"}),
    ("PUT", "/api/v1/tickets/{ticket_id}/topic"): Route(P.TICKET_WORK, {"topic": "other"}),
    ("PUT", "/api/v1/tickets/{ticket_id}/priority"): Route(P.TICKET_WORK, {"priority": "high"}),
    ("PUT", "/api/v1/tickets/{ticket_id}/state"): Route(P.TICKET_WORK, {"state": "closed"}),
    ("POST", "/api/v1/tickets/{ticket_id}/identity-checks"): Route(P.TICKET_WORK, {"method": "phone"}),
    ("DELETE", "/api/v1/tickets/{ticket_id}/identity-checks/{check_id}"): Route(P.TICKET_WORK),
    ("POST", "/api/v1/tickets/{ticket_id}/spam"): Route(P.TICKET_WORK),
    ("DELETE", "/api/v1/tickets/{ticket_id}/spam"): Route(P.TICKET_WORK),
    ("GET", "/api/v1/tickets/{ticket_id}/participants"): Route(P.TICKET_READ),
    ("POST", "/api/v1/tickets/{ticket_id}/participants"): Route(P.TICKET_WORK, {"address": "a@example.com", **REASON}),
    ("POST", "/api/v1/tickets/{ticket_id}/participants/remove"): Route(P.TICKET_WORK, {"address": "a@example.com"}),
    ("POST", "/api/v1/tickets/{ticket_id}/split"): Route(P.TICKET_WORK, {"entries": [NOWHERE]}),
    ("POST", "/api/v1/tickets/{ticket_id}/merge"): Route(P.TICKET_WORK, {"into": NOWHERE - 1}),
    ("POST", "/api/v1/tickets/{ticket_id}/unmerge"): Route(P.TICKET_WORK),
    ("GET", "/api/v1/tickets/{ticket_id}/recordings/{recording_id}/waveform"): Route(P.TICKET_READ),
    ("GET", "/api/v1/tickets/{ticket_id}/caller"): Route(P.TICKET_READ),
    ("GET", "/api/v1/tickets/{ticket_id}/facts"): Route(P.TICKET_READ),
    ("POST", "/api/v1/tickets/{ticket_id}/caller"): Route(P.TICKET_WORK, {"kind": "name", "value": "Ana"}),
    ("PUT", "/api/v1/tickets/{ticket_id}/caller/{fact_id}"): Route(P.TICKET_WORK, {"value": "Ana"}),
    ("POST", "/api/v1/tickets/{ticket_id}/caller/{fact_id}/confirm"): Route(P.TICKET_WORK),
    ("DELETE", "/api/v1/tickets/{ticket_id}/caller/{fact_id}"): Route(P.TICKET_WORK),
    ("PUT", "/api/v1/tickets/{ticket_id}/kind"): Route(P.TICKET_WORK, {"kind": "contact"}),
    ("GET", "/api/v1/hang-ups"): Route(P.BOARD_READ),
    ("GET", "/api/v1/tickets/{ticket_id}/calls"): Route(P.TICKET_READ),
    ("POST", "/api/v1/tickets/{ticket_id}/calls"): Route(P.TICKET_WORK, {"number": "+1 707 555 0142"}),
    ("PUT", "/api/v1/tickets/{ticket_id}/calls/{call_id}/outcome"): Route(P.TICKET_WORK, {"outcome": "reached"}),
    ("DELETE", "/api/v1/tickets/{ticket_id}/calls/{call_id}"): Route(P.TICKET_WORK),
    ("PUT", "/api/v1/tickets/{ticket_id}/next-call"): Route(P.TICKET_WORK, {"at": "2026-12-01T17:30:00-08:00"}),
    ("POST", "/api/v1/tickets/{ticket_id}/promises"): Route(P.TICKET_WORK, {"text": "t"}),
    ("GET", "/api/v1/promises"): Route(P.TICKET_READ),
    ("PUT", "/api/v1/promises/{promise_id}/kept"): Route(P.TICKET_WORK),
    ("GET", "/api/v1/returned"): Route(P.TICKET_WORK),
    ("POST", "/api/v1/returned/{returned_id}/settle"): Route(P.TICKET_WORK, {"how": "called"}),
    ("GET", "/api/v1/people"): Route(P.PEOPLE_READ),
    ("POST", "/api/v1/people"): Route(P.PEOPLE_WRITE, {"name": "N", "email": "not an address", "role": "csr1"}),
    ("GET", "/api/v1/people/{person_id}"): Route(P.PEOPLE_READ),
    ("PATCH", "/api/v1/people/{person_id}"): Route(P.PEOPLE_WRITE, {"name": "N"}),
    ("POST", "/api/v1/people/{person_id}/deactivate"): Route(P.PEOPLE_WRITE),
    ("POST", "/api/v1/people/{person_id}/reactivate"): Route(P.PEOPLE_WRITE),
    ("PUT", "/api/v1/people/{person_id}/password"): Route(P.PEOPLE_WRITE, {"password": "x" * 12}),
    ("POST", "/api/v1/people/{person_id}/certifications"): Route(P.CERTIFY, {"language": "es", "mode": "spoken"}),
    ("POST", "/api/v1/certifications/{certification_id}/revoke"): Route(P.CERTIFY),
    ("GET", "/api/v1/people/{person_id}/tokens"): Route(P.PEOPLE_WRITE),
    ("GET", "/api/v1/hours"): Route(EVERYBODY),
    ("GET", "/api/v1/language-balance"): Route(P.BOARD_READ),
    ("GET", "/api/v1/model"): Route(P.HEALTH_READ),
    ("GET", "/api/v1/learning"): Route(P.BOARD_READ),
    ("GET", "/api/v1/tickets/{ticket_id}/corrections"): Route(P.TICKET_READ),
    ("DELETE", "/api/v1/tickets/{ticket_id}/corrections/{decision}"): Route(P.TICKET_WORK),
    ("GET", "/api/v1/shifts"): Route(P.SHIFT_WRITE),
    ("GET", "/api/v1/people/{person_id}/shifts"): Route(P.SHIFT_WRITE),
    ("PUT", "/api/v1/people/{person_id}/shifts"): Route(P.SHIFT_WRITE, {"week": []}),
    ("PUT", "/api/v1/people/{person_id}/shifts/{day}"): Route(P.SHIFT_WRITE, {}),
    ("DELETE", "/api/v1/people/{person_id}/shifts/{day}"): Route(P.SHIFT_WRITE),
    ("PUT", "/api/v1/hours"): Route(P.HOURS_WRITE, {"lines": []}),
    ("PUT", "/api/v1/special-days/{day}"): Route(P.HOURS_WRITE, {"name_en": "a", "name_es": "b"}),
    ("DELETE", "/api/v1/special-days/{day}"): Route(P.HOURS_WRITE),
    ("GET", "/api/v1/targets"): Route(EVERYBODY),
    ("GET", "/api/v1/targets/chosen"): Route(EVERYBODY),
    ("PUT", "/api/v1/targets"): Route(P.TARGET_WRITE, {"kind": "resolution", "minutes": 60}),
    ("DELETE", "/api/v1/targets/{target_id}"): Route(P.TARGET_WRITE),
    ("GET", "/api/v1/templates"): Route(EVERYBODY),
    ("GET", "/api/v1/templates/{key}"): Route(EVERYBODY),
    ("PUT", "/api/v1/templates/{key}"): Route(P.TEMPLATE_WRITE, {"en": TEXT, "es": TEXT}),
    ("GET", "/api/v1/safety-texts"): Route(P.SAFETY_TEXT_APPROVE),
    ("GET", "/api/v1/safety-texts/{key}"): Route(P.SAFETY_TEXT_APPROVE),
    ("POST", "/api/v1/safety-texts/{key}/versions"): Route(P.TEMPLATE_WRITE, GAS_TEXT),
    ("POST", "/api/v1/safety-texts/versions/{version_id}/approve"): Route(P.SAFETY_TEXT_APPROVE),
    ("POST", "/api/v1/safety-texts/versions/{version_id}/withdraw"): Route(P.SAFETY_TEXT_APPROVE),
    ("GET", "/api/v1/tickets/{ticket_id}/recordings/{recording_id}/audio"): Route(P.TICKET_READ),
    ("GET", "/api/v1/tickets/{ticket_id}/recordings/{recording_id}/transcript"): Route(P.TICKET_READ),
    ("POST", "/api/v1/tickets/{ticket_id}/recordings/{recording_id}/corrections"): Route(P.TICKET_WORK, {"text": "t"}),
    ("GET", "/api/v1/attachments/{attachment_id}"): Route(P.TICKET_READ),
    ("GET", "/api/v1/messages/{message_id}/raw"): Route(P.TICKET_READ),
    ("GET", "/api/v1/problems"): Route(P.HEALTH_READ),
    ("GET", "/api/v1/doors"): Route(P.HEALTH_READ),
    ("GET", "/api/v1/mailboxes"): Route(P.HEALTH_READ),
    ("POST", "/api/v1/mailboxes/{mailbox_id}/compare"): Route(P.HEALTH_READ),
    ("GET", "/api/v1/mail-account"): Route(P.HEALTH_READ),
    ("GET", "/api/v1/mail-folders"): Route(P.HEALTH_READ),
    ("POST", "/api/v1/mailboxes"): Route(P.MAILBOX_WRITE, {"name": "not a name", **MAILBOX}),
    ("GET", "/api/v1/mailboxes/{mailbox_id}"): Route(P.HEALTH_READ),
    ("PUT", "/api/v1/mailboxes/{mailbox_id}"): Route(P.MAILBOX_WRITE, MAILBOX),
    ("DELETE", "/api/v1/mailboxes/{mailbox_id}"): Route(P.MAILBOX_WRITE),
    ("POST", "/api/v1/mailboxes/{mailbox_id}/pause"): Route(P.MAILBOX_WRITE),
    ("POST", "/api/v1/mailboxes/{mailbox_id}/resume"): Route(P.MAILBOX_WRITE),
    ("POST", "/api/v1/mailboxes/{mailbox_id}/checks"): Route(P.MAILBOX_WRITE),
    ("GET", "/api/v1/mailboxes/{mailbox_id}/checks/latest"): Route(P.HEALTH_READ),
    ("POST", "/api/v1/mailboxes/{mailbox_id}/sign-in"): Route(P.MAILBOX_WRITE),
    ("POST", "/api/v1/mailbox-sign-ins"): Route(P.MAILBOX_WRITE, {"state": "s", "code": "c"}),
    ("GET", "/api/v1/dead-letters"): Route(P.HEALTH_READ),
    ("GET", "/api/v1/dead-letters/{kind}/{letter_id}/raw"): Route(P.DEAD_LETTER_REPLAY),
    ("POST", "/api/v1/dead-letters/{kind}/{letter_id}/replay"): Route(P.DEAD_LETTER_REPLAY),
    ("POST", "/api/v1/tickets/{ticket_id}/replies/{delivery_id}/undo"): Route(P.TICKET_WORK),
    ("POST", "/api/v1/tickets/{ticket_id}/replies/{delivery_id}/again"): Route(P.TICKET_WORK, {}),
    ("POST", "/api/v1/tickets/{ticket_id}/files"): Route(P.TICKET_WORK),
    ("GET", "/api/v1/tickets/{ticket_id}/files/{file_id}"): Route(P.TICKET_READ),
    ("DELETE", "/api/v1/tickets/{ticket_id}/files/{file_id}"): Route(P.TICKET_WORK),
    ("GET", "/api/v1/me/signature"): Route(EVERYBODY),
    ("PUT", "/api/v1/me/signature"): Route(P.TICKET_WORK, {}),
    ("GET", "/api/v1/no-acknowledgements"): Route(P.TICKET_READ),
    ("DELETE", "/api/v1/no-acknowledgements/{address}"): Route(P.TICKET_WORK),
    ("GET", "/api/v1/dead-letters/counts"): Route(P.HEALTH_READ),
    ("POST", "/api/v1/dead-letters/replay"): Route(P.DEAD_LETTER_REPLAY, {}),
    ("POST", "/api/v1/dead-letters/{kind}/{letter_id}/settle"): Route(P.DEAD_LETTER_REPLAY, REASON),
    ("GET", "/api/v1/held"): Route(P.HEALTH_READ),
    ("POST", "/api/v1/held/{intake_id}/ticket"): Route(P.TICKET_ASSIGN),
    ("POST", "/api/v1/held/tickets"): Route(P.TICKET_ASSIGN, {"ids": [NOWHERE]}),
    ("GET", "/api/v1/held/left-senders"): Route(P.HEALTH_READ),
    ("DELETE", "/api/v1/held/left-senders/{left_id}"): Route(P.TICKET_ASSIGN),
    ("POST", "/api/v1/held/leave"): Route(P.TICKET_ASSIGN, {"ids": [NOWHERE]}),
    ("GET", "/api/v1/held/senders"): Route(P.HEALTH_READ),
    ("DELETE", "/api/v1/held/senders/{judgement_id}"): Route(P.TICKET_ASSIGN),
    ("GET", "/api/v1/audit"): Route(P.AUDIT_READ),
}
# Signing in asks nobody who they are; the others end the very session this test goes on with, or need more than
# a permission: they have tests of their own.
ELSEWHERE = {
    ("POST", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("DELETE", "/api/v1/me/sessions"),
    ("POST", "/api/v1/people/{person_id}/tokens"),
}


def address(path: str) -> str:
    filled = (
        path.replace("{day}", "2031-05-05")
        .replace("safety-texts/{key}", "safety-texts/gas")
        .replace("{key}", "need_account")
        .replace("{kind}", "receipt")
        .replace("{decision}", "topic")
    )
    while "{" in filled:
        start, end = filled.index("{"), filled.index("}")
        filled = filled[:start] + str(NOWHERE) + filled[end + 1 :]
    return filled


async def ask(client: httpx.AsyncClient, method: str, path: str, route: Route) -> httpx.Response:
    return await client.request(method, address(path), json=route.body)


def test_the_table_lists_every_route(app: FastAPI) -> None:
    served = {(method.upper(), path) for path, operations in app.openapi()["paths"].items() for method in operations}
    assert served == set(ROUTES) | ELSEWHERE


async def test_strangers_get_401_everywhere(anonymous: httpx.AsyncClient) -> None:
    for (method, path), route in ROUTES.items():
        answer = await ask(anonymous, method, path, route)
        assert answer.status_code == 401, (method, path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_may_what_the_table_says(user: Users, role: Role) -> None:
    me = await user(role)
    for (method, path), route in ROUTES.items():
        answer = await ask(me.http, method, path, route)
        may = route.permission is None or route.permission in PERMISSIONS[role]
        assert (answer.status_code != 403) == may, (role, method, path, answer.status_code, answer.text)
        assert answer.status_code not in (401, 422), (method, path, answer.text)
        assert answer.status_code < 500, (method, path, answer.text)


async def test_a_token_may_only_what_its_scopes_say(user: Users) -> None:
    everything = {permission.value for permission in Permission}
    for (method, path), route in ROUTES.items():
        if route.permission is None:
            continue
        me = await user(Role.ADMINISTRATOR, scopes=everything - {route.permission.value})
        answer = await ask(me.http, method, path, route)
        assert answer.status_code == 403, (method, path, answer.text)
        assert route.permission.value in answer.json()["detail"]
        me = await user(Role.ADMINISTRATOR, scopes={route.permission.value})
        answer = await ask(me.http, method, path, route)
        assert answer.status_code not in (401, 403, 422), (method, path, answer.text)


async def test_what_a_token_may_never_do(user: Users) -> None:
    me = await user(Role.ADMINISTRATOR, scopes={permission.value for permission in Permission})
    for (method, path), route in ROUTES.items():
        if not route.by_token:
            assert (await ask(me.http, method, path, route)).status_code == 403, (method, path)


async def test_a_scope_beyond_the_role_gives_nothing(user: Users) -> None:
    me = await user(Role.CSR1, scopes={"audit.read", "ticket.read"})
    assert (await me.http.get("/api/v1/audit")).status_code == 403
    assert (await me.http.get("/api/v1/tickets")).status_code == 200
