"""The workspace's pages: one module per screen, each with its router."""

from pathlib import Path

from fastapi import APIRouter

from services.tickets import live
from services.tickets.pages import (
    account,
    audit,
    board,
    caller,
    calls,
    contact,
    conversation,
    dead_letters,
    files,
    health,
    held,
    hours,
    ingestion,
    mailboxes,
    people,
    presence,
    queue,
    replies,
    shifts,
    sign_in,
    templates,
    ticket,
    ticket_actions,
    transcripts,
    trust,
    way_out,
    work,
)

TEMPLATES = Path(__file__).parent.parent / "templates"
ROUTERS: tuple[APIRouter, ...] = (
    sign_in.router,
    work.router,
    queue.router,
    ticket.router,
    ticket_actions.router,
    replies.router,
    calls.router,
    trust.router,
    transcripts.router,
    caller.router,
    conversation.router,
    files.router,
    contact.router,
    board.router,
    people.router,
    shifts.router,
    hours.router,
    templates.router,
    health.router,
    ingestion.router,
    held.router,
    dead_letters.router,
    mailboxes.router,
    audit.router,
    account.router,
    presence.router,
    live.router,
    way_out.router,
)
