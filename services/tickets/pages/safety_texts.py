"""Texts about safety: what is sent at once to somebody in danger, and the approval of each version."""

from typing import Annotated

from fastapi import APIRouter, Form
from markupsafe import Markup
from pydantic import ValidationError
from starlette.responses import Response

from services.tickets import safety_texts
from services.tickets.markdown import to_html
from services.tickets.pages.common import Page, Screen
from services.tickets.reply_templates import fill, usual_values
from services.tickets.template_texts import TemplateText
from shared.errors import Invalid, NotFound
from shared.models import SafetyKey
from shared.people import Permission
from shared.settings import Settings
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)


@router.get("/safety-texts")
async def show_all(screen: Page, settings: Cfg) -> Response:
    texts = await safety_texts.list_texts(screen.session, settings, screen.me)
    return await screen.render("safety_texts.html", texts=texts, section="safety_texts")


@router.get("/safety-texts/{key}")
async def show(screen: Page, settings: Cfg, key: str) -> Response:
    return await _one(screen, settings, _known(key))


@router.post("/safety-texts/{key}")
async def write(
    screen: Page,
    settings: Cfg,
    key: str,
    subject_en: Annotated[str, Form()] = "",
    body_en: Annotated[str, Form()] = "",
    subject_es: Annotated[str, Form()] = "",
    body_es: Annotated[str, Form()] = "",
) -> Response:
    values = {"subject_en": subject_en, "body_en": body_en, "subject_es": subject_es, "body_es": body_es}
    try:
        for name, value in values.items():
            if not value.strip():
                raise Invalid("Both languages are needed: no customer gets half a thought.", field=name)
        en, es = TemplateText(subject=subject_en, body=body_en), TemplateText(subject=subject_es, body=body_es)
        await screen.attempt(safety_texts.write(screen.session, settings, screen.me, _known(key), en=en, es=es))
    except Invalid as error:
        said = {name: screen.say(str(value)) for name, value in error.values.items()}
        errors = {error.field or "body_en": screen.say(error.message, **said)}
        return await _one(screen, settings, _known(key), values, errors)
    except ValidationError:
        return await _one(screen, settings, _known(key), values, {"body_en": screen.say("The text is too long.")})
    return screen.see_other(f"/safety-texts/{key}", "success", screen.say("The version waits for approval."))


@router.post("/safety-texts/{key}/{version_id}/approve")
async def approve(screen: Page, key: str, version_id: int) -> Response:
    return await screen.act(
        safety_texts.approve(screen.session, screen.me, version_id),
        N_("Approved. From now on this is sent."),
        f"/safety-texts/{_known(key).value}",
    )


@router.post("/safety-texts/{key}/{version_id}/withdraw")
async def withdraw(screen: Page, key: str, version_id: int) -> Response:
    return await screen.act(
        safety_texts.withdraw(screen.session, screen.me, version_id),
        N_("Withdrawn. It is not sent any more."),
        f"/safety-texts/{_known(key).value}",
    )


def _known(key: str) -> SafetyKey:
    if key not in list(SafetyKey):
        raise NotFound("There is no such text.")
    return SafetyKey(key)


async def _one(
    screen: Screen,
    settings: Settings,
    key: SafetyKey,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    text = await safety_texts.get_text(screen.session, settings, screen.me, key)
    if values is None:
        newest = text.versions[0] if text.versions else None
        pair = {"en": newest.en, "es": newest.es} if newest is not None else safety_texts.shipped()[key]
        values = {f"{part}_{language}": getattr(each, part) for language, each in pair.items() for part in _PARTS}
    return await screen.render(
        "safety_text.html",
        status_code=400 if errors else 200,
        text=text,
        values=values,
        errors=errors or {},
        formatted=lambda body, language: Markup(to_html(fill(body, usual_values(settings, language)))),  # noqa: S704
        may_write=screen.me.may(Permission.TEMPLATE_WRITE),
        section="safety_texts",
    )


_PARTS = ("subject", "body")
