"""Texts about safety: their versions, and who approved which."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from services.tickets import safety_texts
from services.tickets.api.common import Body, Id
from services.tickets.safety_texts import SafetyTextView
from services.tickets.template_texts import TemplateText
from shared.models import SafetyKey
from shared.web.depends import Cfg, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["center"])

_EXAMPLE_EN = {"subject": "URGENT: call 911", "body": "Leave now. Call 911, then PG&E at {utility_phone}."}
_EXAMPLE_ES = {"subject": "URGENTE: llame al 911", "body": "Aléjese. Llame al 911 y a PG&E al {utility_phone}."}


class SafetyTextBody(Body):
    en: Annotated[TemplateText, Field(examples=[_EXAMPLE_EN])]
    es: Annotated[TemplateText, Field(examples=[_EXAMPLE_ES])]


@router.get("/safety-texts", summary="Texts about safety")
async def list_texts(session: Tx, settings: Cfg, me: Me) -> list[SafetyTextView]:
    """What is sent at once to somebody in danger: each text with all its versions. Nothing else is ever sent for it."""
    return await safety_texts.list_texts(session, settings, me)


@router.get("/safety-texts/{key}", summary="One text about safety")
async def get_text(session: Tx, settings: Cfg, me: Me, key: SafetyKey) -> SafetyTextView:
    return await safety_texts.get_text(session, settings, me, key)


@router.post("/safety-texts/{key}/versions", status_code=201, summary="Write a version, in both languages")
async def write(session: Tx, settings: Cfg, me: Me, key: SafetyKey, body: SafetyTextBody) -> SafetyTextView:
    """It is sent only once somebody approves it. Refused where a language lacks a fact of `facts`, such as 911."""
    return await safety_texts.write(session, settings, me, key, en=body.en, es=body.es)


@router.post("/safety-texts/versions/{version_id}/approve", summary="Approve a version")
async def approve(session: Tx, settings: Cfg, me: Me, version_id: Id) -> SafetyTextView:
    """From now on it is sent, unless a newer approved one is. 409: it was withdrawn."""
    row = await safety_texts.approve(session, me, version_id)
    return await safety_texts.get_text(session, settings, me, row.key)


@router.post("/safety-texts/versions/{version_id}/withdraw", summary="Withdraw a version")
async def withdraw(session: Tx, settings: Cfg, me: Me, version_id: Id) -> SafetyTextView:
    """It is never sent again; the newest approved one before it is, if there is one."""
    row = await safety_texts.withdraw(session, me, version_id)
    return await safety_texts.get_text(session, settings, me, row.key)
