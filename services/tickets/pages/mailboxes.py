"""The mailboxes: a list, a form that begins with what is known of a provider, and one page for each."""

from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from services.tickets import mailbox_fields, mailbox_sign_in, mailboxes
from services.tickets.mailbox_fields import MailboxFields
from services.tickets.mailbox_presets import Preset, begin
from services.tickets.pages.common import Page, Screen
from services.tickets.views.mailboxes import MailboxDetail, list_mailboxes, show_mailbox
from shared.errors import CentralitaError, Conflict, Invalid
from shared.models import SignInWith
from shared.people import Permission
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)
_MEGABYTE = 1_000_000


@router.get("/mailboxes")
async def show_all(screen: Page, settings: Cfg) -> Response:
    screen.me.require(Permission.HEALTH_READ)
    found = await list_mailboxes(screen.session, settings, include_removed=True)
    return await screen.render("mailboxes.html", mailboxes=found, section="mailboxes")


@router.get("/mailboxes/new")
async def new(
    screen: Page, settings: Cfg, preset: Preset | None = None, sign_in_with: SignInWith | None = None, tenant: str = ""
) -> Response:
    """Which provider first; then the form, begun with what is known of it."""
    screen.me.require(Permission.MAILBOX_WRITE)
    if preset is None:
        return await screen.render("mailbox_choose.html", section="mailboxes")
    values = {"folders": "INBOX", **begin(preset, sign_in_with, tenant.strip())}
    return await _form(screen, settings, values, {})


@router.post("/mailboxes/new")
async def create(request: Request, screen: Page, settings: Cfg) -> Response:
    screen.me.require(Permission.MAILBOX_WRITE)
    sent = await _sent(request)
    try:
        fields = _fields(sent)
        mailbox_id = await screen.attempt(
            mailboxes.add(screen.session, settings, screen.me, sent.get("name", ""), fields)
        )
        if fields.sign_in_with is not SignInWith.REFRESH_TOKEN:
            await mailboxes.ask_for_check(screen.session, settings, screen.me, mailbox_id)
    except (Invalid, Conflict) as error:
        return await _form(screen, settings, sent, _errors(screen, error), status_code=error.status)
    return screen.see_other(f"/mailboxes/{mailbox_id}", "success", screen.say("The mailbox is set up."))


@router.get(mailbox_sign_in.RETURN_PATH)
async def signed_in(
    screen: Page, settings: Cfg, state: str = "", code: str = "", error: str = "", error_description: str = ""
) -> Response:
    """Back from the provider."""
    screen.me.require(Permission.MAILBOX_WRITE)
    if error:
        words = f"{error} {error_description}".strip()[:300]
        said = screen.say("The provider did not agree: {words}", words=words)
        return screen.see_other("/mailboxes", "error", said)
    try:
        mailbox_id = await screen.attempt(
            mailbox_sign_in.finish(screen.session, settings, screen.me, state=state, code=code)
        )
    except (Invalid, Conflict) as refused:
        return screen.see_other("/mailboxes", "error", screen.say(refused.message, **refused.values))
    said = screen.say("You signed in at the provider. The mailbox is being tested.")
    return screen.see_other(f"/mailboxes/{mailbox_id}", "success", said)


@router.get("/mailboxes/{mailbox_id}")
async def show(screen: Page, settings: Cfg, mailbox_id: int, sign_in_with: SignInWith | None = None) -> Response:
    """`sign_in_with`: the form as it is for another way to sign in."""
    screen.me.require(Permission.HEALTH_READ)
    mailbox = await show_mailbox(screen.session, settings, mailbox_id)
    values = _values(mailbox)
    if sign_in_with is not None:
        values["sign_in_with"] = sign_in_with
    return await _show(screen, settings, mailbox, values, {})


@router.post("/mailboxes/{mailbox_id}")
async def change(request: Request, screen: Page, settings: Cfg, mailbox_id: int) -> Response:
    sent = await _sent(request)
    try:
        await screen.attempt(mailboxes.change(screen.session, settings, screen.me, mailbox_id, _fields(sent)))
    except (Invalid, Conflict) as error:
        mailbox = await show_mailbox(screen.session, settings, mailbox_id)
        return await _show(screen, settings, mailbox, sent, _errors(screen, error), status_code=error.status)
    return screen.see_other(f"/mailboxes/{mailbox_id}", "success", screen.say("Saved. It counts within seconds."))


@router.post("/mailboxes/{mailbox_id}/check")
async def ask_for_check(screen: Page, settings: Cfg, mailbox_id: int) -> Response:
    action = mailboxes.ask_for_check(screen.session, settings, screen.me, mailbox_id)
    return await screen.act(action, "", f"/mailboxes/{mailbox_id}#check")


@router.post("/mailboxes/{mailbox_id}/pause")
async def pause(screen: Page, mailbox_id: int) -> Response:
    action = mailboxes.pause(screen.session, screen.me, mailbox_id)
    return await screen.act(action, N_("Paused: no mail is fetched and none is sent."), f"/mailboxes/{mailbox_id}")


@router.post("/mailboxes/{mailbox_id}/resume")
async def resume(screen: Page, mailbox_id: int) -> Response:
    action = mailboxes.resume(screen.session, screen.me, mailbox_id)
    return await screen.act(
        action, N_("Resumed: what came meanwhile is taken in, what waited is sent."), f"/mailboxes/{mailbox_id}"
    )


@router.post("/mailboxes/{mailbox_id}/remove")
async def remove(screen: Page, mailbox_id: int) -> Response:
    action = mailboxes.remove(screen.session, screen.me, mailbox_id)
    return await screen.act(action, N_("Removed. Its mail and its history stay."), "/mailboxes")


@router.post("/mailboxes/{mailbox_id}/sign-in")
async def begin_sign_in(screen: Page, settings: Cfg, mailbox_id: int) -> Response:
    """A page that leads on: the policy lets no form of ours end at another site."""
    try:
        way = await screen.attempt(mailbox_sign_in.begin(screen.session, settings, screen.me, mailbox_id))
    except Conflict as error:
        return screen.see_other(f"/mailboxes/{mailbox_id}", "error", screen.say(error.message, **error.values))
    return await screen.render("mailbox_leave.html", url=way.url, mailbox_id=mailbox_id, section="mailboxes")


async def _form(
    screen: Screen, settings: Cfg, values: dict[str, Any], errors: dict[str, str], status_code: int = 200
) -> Response:
    return await screen.render(
        "mailbox_new.html",
        status_code=status_code,
        values=values,
        errors=errors,
        mailbox=None,
        redirect_uri=mailbox_sign_in.redirect_uri(settings),
        section="mailboxes",
    )


async def _show(
    screen: Screen,
    settings: Cfg,
    mailbox: MailboxDetail,
    values: dict[str, Any],
    errors: dict[str, str],
    status_code: int = 200,
) -> Response:
    return await screen.render(
        "mailbox.html",
        status_code=status_code,
        mailbox=mailbox,
        values=values,
        errors=errors,
        redirect_uri=mailbox_sign_in.redirect_uri(settings),
        section="mailboxes",
    )


async def _sent(request: Request) -> dict[str, Any]:
    """The form as it was filled in."""
    form = await request.form()
    return {key: value for key, value in form.items() if isinstance(value, str) and key != "csrf_token"}


def _values(mailbox: MailboxDetail) -> dict[str, Any]:
    """The form of a mailbox as it is."""
    values = {key: "" if value is None else value for key, value in mailbox.model_dump(mode="json").items()}
    for key in mailbox_fields.LISTS:
        values[key] = "\n".join(values[key])
    values["keep_sent"] = "" if mailbox.keep_sent is None else str(mailbox.keep_sent).lower()
    if mailbox.max_parse_bytes is not None:
        values["max_parse_mb"] = f"{mailbox.max_parse_bytes / _MEGABYTE:g}"
    return values


def _fields(sent: dict[str, Any]) -> MailboxFields:
    """Raises Invalid with the field that cannot be used."""
    values: dict[str, Any] = {}
    for name in MailboxFields.model_fields:
        text = sent.get(name, "")
        if name in mailbox_fields.LISTS:
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            values[name] = lines or (None if name == "spam_headers" else [])
        elif name in mailbox_fields.SECRETS:
            values[name] = text or None
        elif text.strip():
            values[name] = text.strip()
    if megabytes := sent.get("max_parse_mb", "").strip():
        try:
            values["max_parse_bytes"] = int(float(megabytes.replace(",", ".")) * _MEGABYTE)
        except (ValueError, OverflowError):
            raise Invalid("A number is needed.", field="max_parse_mb") from None
    values.setdefault("address", "")
    values.setdefault("imap_host", "")
    try:
        return MailboxFields.model_validate(values)
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        if MailboxFields.model_fields[field].annotation in (date, date | None):
            raise Invalid("A date is needed.", field=field) from None
        raise Invalid("This value cannot be used here.", field=_shown(field)) from None


def _shown(field: str) -> str:
    return "max_parse_mb" if field == "max_parse_bytes" else field


def _errors(screen: Screen, error: CentralitaError) -> dict[str, str]:
    field = (error.field if isinstance(error, Invalid) else None) or ("name" if "name" in error.message else "address")
    return {_shown(field): screen.say(error.message, **error.values)}
