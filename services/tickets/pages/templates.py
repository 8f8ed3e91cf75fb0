"""Texts for customers, always in both languages."""

from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import ValidationError
from starlette.responses import Response

from services.tickets import reply_templates, template_texts
from services.tickets.pages.common import Page
from services.tickets.template_texts import TemplateText
from shared.errors import Conflict, Invalid, NotFound
from shared.people import Permission

router = APIRouter(include_in_schema=False)


@router.get("/templates")
async def show_all(screen: Page) -> Response:
    screen.me.require(Permission.TEMPLATE_WRITE)
    return await screen.render(
        "templates.html",
        templates=await template_texts.list_templates(screen.session),
        automatic=reply_templates.AUTOMATIC,
        section="templates",
    )


@router.get("/templates/new")
async def new(screen: Page) -> Response:
    screen.me.require(Permission.TEMPLATE_WRITE)
    return await screen.render("template.html", key="", names=_names(""), values={}, errors={}, section="templates")


@router.get("/templates/{key}")
async def show(screen: Page, key: str) -> Response:
    screen.me.require(Permission.TEMPLATE_WRITE)
    found = await template_texts.get_template(screen.session, key)
    values = {
        f"{part}_{language}": getattr(text, part)
        for language, text in (("en", found.en), ("es", found.es))
        if text
        for part in ("subject", "body")
    }
    return await screen.render(
        "template.html", key=key, names=_names(key), values=values, errors={}, section="templates"
    )


@router.post("/templates")
async def save(
    screen: Page,
    key: Annotated[str, Form()] = "",
    subject_en: Annotated[str, Form()] = "",
    body_en: Annotated[str, Form()] = "",
    subject_es: Annotated[str, Form()] = "",
    body_es: Annotated[str, Form()] = "",
    new: Annotated[bool, Form()] = False,
) -> Response:
    screen.me.require(Permission.TEMPLATE_WRITE)
    values = {"subject_en": subject_en, "body_en": body_en, "subject_es": subject_es, "body_es": body_es}
    errors: dict[str, str] = {}
    try:
        for name, value in values.items():
            if not value.strip():
                raise Invalid("Both languages are needed: no customer gets half a thought.", field=name)
        if new:
            await _must_be_new(screen, key.strip())
        await screen.attempt(
            template_texts.set_template(
                screen.session, screen.me, key.strip(),
                en=TemplateText(subject=subject_en, body=body_en), es=TemplateText(subject=subject_es, body=body_es),
            )
        )  # fmt: skip
    except (Invalid, Conflict) as error:
        field = (error.field if isinstance(error, Invalid) else None) or "key"
        errors[{"body": "body_es", "subject": "subject_es"}.get(field, field)] = screen.say(
            error.message, **error.values
        )
    except ValidationError:
        errors["body_en"] = screen.say("The text is too long.")
    if errors:
        return await screen.render(
            "template.html", status_code=400, key="" if new else key, names=_names(key), new_key=key, values=values,
            errors=errors, section="templates",
        )  # fmt: skip
    return screen.see_other("/templates", "success", screen.say("The template is saved in both languages."))


def _names(key: str) -> str:
    """What may stand in braces in this text."""
    return " ".join(f"{{{name}}}" for name in sorted(template_texts.filled_in(key)))


async def _must_be_new(screen: Page, key: str) -> None:
    try:
        await template_texts.get_template(screen.session, key)
    except NotFound:
        return
    raise Conflict("There is a template with this key already.")
