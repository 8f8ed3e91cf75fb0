"""The JSON API under /api/v1: one module per part of the center."""

from fastapi import APIRouter

from services.tickets.api import (
    balance,
    board,
    caller,
    calls,
    center,
    conversation,
    files,
    forecast,
    held,
    ingestion,
    ladder,
    learning,
    mailboxes,
    operations,
    people,
    reassign,
    replies,
    safety_texts,
    session,
    shifts,
    targets,
    tickets,
    transcripts,
    trust,
    work,
)

TAGS = [
    {"name": "me", "description": "Signing in, my profile, my tokens."},
    {"name": "my work", "description": "What is on my desk, whether I am there, what I am offered."},
    {"name": "tickets", "description": "The queue, one ticket, and what is done to it."},
    {"name": "calls", "description": "Calling customers: attempts, the next call, what was promised."},
    {"name": "board", "description": "The shift: board, assigning, alerts, contacts by phone and at the counter."},
    {"name": "people", "description": "The staff, their certifications, machines and their tokens."},
    {"name": "shifts", "description": "Who works when, and who is needed when."},
    {"name": "learning", "description": "What people corrected of what the machine had decided."},
    {"name": "center", "description": "Opening hours, special days, targets, texts for customers."},
    {"name": "files", "description": "Audio, attachments, raw mail."},
    {"name": "mailboxes", "description": "How mail is fetched and sent: add, change, test, pause, remove."},
    {"name": "operations", "description": "Problems, dead letters, held mail, the audit log."},
]
DESCRIPTION = """Everything the screens do. Authenticate with `Authorization: Bearer ctl_…` (make a token in your
account), or with the session of a browser; then unsafe methods also need the header `X-CSRF-Token`.

Errors are problem documents (RFC 9457) in English or Spanish, by `Accept-Language`. Lists come in pages: follow
`next`, or the `Link` header. Where a repeated request would do something twice, send an `Idempotency-Key`. Times are
UTC (RFC 3339); opening hours are the center's own wall clock."""


def routers() -> list[APIRouter]:
    # reassign before tickets: /tickets/assign is not a ticket
    desk = (session, work, board, balance, learning, ladder, reassign, tickets, caller, calls, replies, conversation)
    reading = (transcripts, trust)
    center_of = (people, shifts, forecast, center, safety_texts, targets)
    return [each.router for each in (*desk, *reading, *center_of, files, mailboxes, operations, ingestion, held)]
