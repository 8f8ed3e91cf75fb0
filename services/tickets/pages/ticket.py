"""One ticket's page: who, what happened, and everything that can be done with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from markupsafe import Markup
from sqlalchemy import func, select
from starlette.responses import Response

from services.tickets import deliveries, reply_files, reply_templates, signatures, way_out
from services.tickets.account_facts import Fact
from services.tickets.caller_actions import tel
from services.tickets.calls.numbers import digit_by_digit
from services.tickets.markdown import to_html
from services.tickets.pages import (
    wording,
    wording_assignments,
    wording_language,
    wording_mail,
    wording_topic,
    wording_trust,
    wording_urgency,
)
from services.tickets.pages.common import Page, Screen
from services.tickets.pages.facts import fact_lines
from services.tickets.pages.hearing import passages
from services.tickets.pages.ladder import waiting_of
from services.tickets.pages.reading import hidden_in, parts, runs
from services.tickets.pages.wording_ladder import NO_LINE
from services.tickets.pages.wording_waiting import Speaker
from services.tickets.recipients import propose
from services.tickets.topics import taxonomy
from services.tickets.trust import Standing
from services.tickets.views.assignments import AskedView, assignments_view
from services.tickets.views.board import board_people
from services.tickets.views.caller import caller_view
from services.tickets.views.deliveries import file_view
from services.tickets.views.facts import facts_of
from services.tickets.views.models import EntryView, FileView, IdentityView, TicketView
from services.tickets.views.ticket import ticket_view
from services.tickets.views.wordless import silent_of
from shared import audit, clock
from shared.calendar import day_of
from shared.models import AuditEvent, EntryKind, Template, Ticket
from shared.people import Permission
from shared.settings import Settings
from shared.web.depends import Cfg

router = APIRouter(include_in_schema=False)
SAME_VIEW = timedelta(minutes=1)  # a screen that refreshes itself is one view
SYSTEM_TEMPLATES = (*reply_templates.AUTOMATIC, signatures.TEMPLATE)
CARDS = {
    EntryKind.MAIL_IN, EntryKind.MAIL_OUT, EntryKind.ACKNOWLEDGEMENT, EntryKind.MACHINE_MAIL, EntryKind.BOUNCE,
    EntryKind.VOICEMAIL, EntryKind.CONTACT, EntryKind.NOTE,
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """An entry with its sentence, and whether it is a card with content or a line in the margin."""

    entry: EntryView
    sentence: str
    card: bool


@dataclass(frozen=True)
class Draft:
    """A reply that came back to its author: with a question, with a mistake, with its files, or taken back."""

    text: str = ""
    to: str = ""
    cc: str = ""
    then: str = ""
    question: str = ""
    error: str = ""
    field: str = ""
    files: tuple[FileView, ...] = ()
    focus: str = ""  # where the author was: files
    confirmed: bool = False  # an earlier question was answered
    found: Sequence[Fact] = ()  # facts of an account that would leave
    unverified: Mapping[str, Standing] = member(default_factory=dict)  # towards whom
    confirm_release: bool = False
    release_reason: str = ""
    again: int = 0  # the delivery that would be sent once more; 0: it is a new reply


@dataclass
class CallDraft:
    """What was typed about a call, when it comes back with a mistake."""

    note: str = ""
    promise: str = ""
    promise_by: str = ""
    then: str = ""
    other: str = ""
    day: str = ""
    at: str = ""
    error: str = ""
    field: str = ""


@dataclass
class AssignDraft:
    """Whom a ticket was to be given to and why, when it comes back refused."""

    person_id: int = 0
    reason: str = ""
    error: str = ""


async def record_view(screen: Screen, ticket_id: int) -> None:
    """Every view is audited; a page that refreshes itself within a minute counts as one."""
    latest = await screen.session.scalar(
        select(func.max(AuditEvent.at)).where(
            AuditEvent.ticket_id == ticket_id, AuditEvent.actor_id == screen.me.id, AuditEvent.action == "ticket.view"
        )
    )
    refresh = screen.request.headers.get("hx-request") == "true"
    if refresh and latest is not None and latest > clock.now() - SAME_VIEW:
        return
    audit.record(
        screen.session, screen.me.id, "ticket.view",
        object_type="ticket", object_id=ticket_id, ticket_id=ticket_id, ip=screen.me.ip,
    )  # fmt: skip


def reply_language(view: TicketView) -> str:
    for language in (view.ticket.language, view.customer.language if view.customer else None):
        if language in ("en", "es"):
            return language
    return "en"


async def snippets(screen: Screen, settings: Settings, language: str) -> list[tuple[str, str, str]]:
    """(key, name, text) of the reply templates in the customer's language."""
    found = await screen.session.execute(
        select(Template.key, Template.subject, Template.body)
        .where(Template.language == language, Template.key.not_in(SYSTEM_TEMPLATES))
        .order_by(Template.key)
    )
    values = reply_templates.usual_values(settings, language)
    return [(key, subject, reply_templates.fill(body, values)) for key, subject, body in found]


def lines(screen: Screen, view: TicketView) -> list[Line]:
    return [
        Line(entry, wording.sentence(screen.language, entry, screen.topic_name, screen.timezone), entry.kind in CARDS)
        for entry in view.entries
        if entry.kind is not EntryKind.TRANSCRIPT  # it stands with its voicemail
    ]


def _identities(view: TicketView) -> list[IdentityView]:
    return view.customer.identities if view.customer else []


async def show_ticket(
    screen: Screen,
    settings: Settings,
    ticket_id: int,
    draft: Draft | None = None,
    status_code: int = 200,
    call: CallDraft | None = None,
    *,
    assign: AssignDraft | None = None,
    whole_accounts: bool = False,
) -> Response:
    screen.me.require(Permission.TICKET_READ)
    view = await ticket_view(screen.session, settings, screen.me, ticket_id)
    await record_view(screen, ticket_id)
    language = reply_language(view)
    known = [*view.participants, *(each.value for each in _identities(view) if each.kind == "email")]
    latest = [
        line.message.from_address
        for line in view.entries
        if line.kind is EntryKind.MAIL_IN and line.message and not line.moved_to
    ]
    proposal = await propose(screen.session, await screen.session.get_one(Ticket, ticket_id))
    people: list[Any] = []
    if view.allowed.assign:
        people = await board_people(screen.session, settings, with_tickets=False)
    topic = taxonomy().get(view.ticket.topic)
    if whole_accounts:
        audit.record(
            screen.session, screen.me.id, "ticket.view_accounts",
            object_type="ticket", object_id=ticket_id, ticket_id=ticket_id, ip=screen.me.ip,
        )  # fmt: skip
    caller = await caller_view(screen.session, ticket_id, whole_accounts=whole_accounts)
    stated = await facts_of(screen.session, settings, view.entries, whole_accounts=whole_accounts)
    return await screen.render(
        "ticket.html",
        status_code=status_code,
        caller=caller,
        stated=stated,
        fact_lines=fact_lines(screen.language, stated, view.entries, caller),
        whole_accounts=whole_accounts,
        silent=await silent_of(screen.session, view.ticket),
        tel=tel,
        view=view,
        ticket=view.ticket,
        asked=await _asked(screen, ticket_id),
        waiting=await waiting_of(screen, settings, ticket_id),
        speaker=Speaker(screen.language, screen.timezone),
        no_line=screen.say(NO_LINE),
        lines=lines(screen, view),
        reply_language=language,
        known_addresses=list(dict.fromkeys([*reversed(latest), *known, *filter(None, [proposal.asked_for])])),
        reply_to=proposal.to or "",
        reply_cc=", ".join(proposal.cc),
        asked_for=proposal.asked_for,
        quiet=[each.address for each in await way_out.list_quiet(screen.session, screen.me, known)],
        snippets=await snippets(screen, settings, language),
        draft=draft if draft is not None and not draft.again else Draft(),
        resend=draft if draft is not None and draft.again else Draft(),
        call=call or CallDraft(),
        assign=assign or AssignDraft(),
        digits=digit_by_digit,
        today=clock.now().astimezone(ZoneInfo(settings.timezone)).date().isoformat(),
        topics=screen.topics(),
        guidance=topic.guidance(screen.language) if topic else "",
        people=people,
        evidence=wording_language.evidence(
            screen.language,
            view.ticket.language,
            view.ticket.language_confidence,
            view.language_source.value,
            view.language_evidence,
        ),
        judged={each.kind.value: each for each in view.corrections},
        guesses=wording_topic.guesses(view.ticket.topic, view.ticket.also_topics, view.topic_evidence),
        topic_evidence=wording_topic.evidence(
            screen.language, view.ticket.topic, view.topic_evidence, screen.topic_name
        ),
        priority_reason=wording_urgency.instead(screen.language, view.ticket.priority, view.topic_evidence),
        urgency=wording_urgency.sentences(screen.language, view.urgency, day_of(settings, clock.now())),
        why=lambda explanation: wording.why(screen.language, explanation, mine=False),
        flag=lambda value: wording.flag(screen.language, value),
        said=partial(runs, whole=whole_accounts),
        cut=parts,
        hidden_in=partial(hidden_in, whole=whole_accounts),
        passages=partial(passages, whole=whole_accounts),
        signature=await signatures.under_a_reply(screen.session, settings, screen.me.id, language),
        formatted=lambda text, files=(): Markup(to_html(text, _addresses_of(ticket_id, files))),  # noqa: S704
        failure_advice=lambda failure: wording_mail.failure_advice(screen.language, failure),
        returned_advice=lambda returned: wording_mail.returned_advice(screen.language, returned),
        reasons=lambda detail: wording.reasons(screen.language, detail),
        verdict_means=lambda verdict, address: wording_trust.verdict(screen.language, verdict, address),
        suspicion=lambda found: wording_trust.suspicion(screen.language, found),
        section="queue",
    )


async def _asked(screen: Screen, ticket_id: int) -> list[tuple[AskedView, list[str]]]:
    """Everybody who was asked, with the reasons in words, for who leads the shift."""
    if not screen.me.may(Permission.BOARD_READ):
        return []
    asked = await assignments_view(screen.session, ticket_id)
    return [(each, wording_assignments.sentences(screen.language, each)) for each in asked]


def _addresses_of(ticket_id: int, files: Iterable[FileView]) -> dict[str, str]:
    """Content id → our address, for the images in a reply's text."""
    return {file.content_id: f"/tickets/{ticket_id}/files/{file.id}?shown=true" for file in files if file.inline}


@router.get("/tickets/{ticket_id}")
async def show(screen: Page, settings: Cfg, ticket_id: int, resume: int = 0, accounts: str = "") -> Response:
    """`resume`: a reply of one's own that was taken back, to go on with. `accounts=shown`: account numbers whole."""
    draft = None
    if resume and (written := await deliveries.taken_back(screen.session, screen.me, ticket_id, resume)):
        draft = Draft(
            text=written.text, to=", ".join(written.to), cc=", ".join(written.cc), then=written.then,
            files=tuple(map(file_view, await reply_files.unsent(screen.session, ticket_id, written.file_ids))),
        )  # fmt: skip
    return await show_ticket(screen, settings, ticket_id, draft, whole_accounts=accounts == "shown")
