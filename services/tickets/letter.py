"""A reply as it leaves: what was written, who signs it, and below it the mail that it answers, as text and as HTML."""

import html
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from services.tickets.markdown import to_html, to_text
from shared.models import Message
from shared.settings import Settings
from shared.web.i18n import locale

MAX_QUOTED = 10_000  # characters
# As mail programs of each language write it, which is how theirs, and our own trimming, know a quotation.
_WHEN = {"en": "EEE, MMM d, y 'at' h:mm a", "es": "EEE, d MMM y 'a las' H:mm"}
_WROTE = {"en": "On {when}, {who} wrote:", "es": "El {when}, {who} escribió:"}


@dataclass(frozen=True)
class Letter:
    text: str
    html: str


def write(
    written: str, *, language: str, signature: str = "", answers: Message | None, settings: Settings,
    images: Collection[str] = (),
) -> Letter:  # fmt: skip
    """`written` and `signature` are Markdown, `language` is `en` or `es`; `images`: content ids that go with it."""
    text = to_text(written)
    body = to_html(written, {content_id: f"cid:{content_id}" for content_id in images})
    if signature.strip():
        text += f"\n-- \n{to_text(signature)}"  # RFC 3676, section 4.3
        body += f'<div class="signature">{to_html(signature)}</div>'
    if answers is not None and settings.quote_last_mail and answers.text_new.strip():
        head = introduction(answers, language, settings.timezone)
        quoted = answers.text_new.strip()[:MAX_QUOTED]
        lines = [f"> {line}" if line.strip() else ">" for line in quoted.splitlines()]
        text += "\n" + "\n".join([head, *lines]) + "\n"
        body += f'<p>{html.escape(head)}</p><blockquote type="cite">{_as_html(quoted)}</blockquote>'
    return Letter(text, body)


def introduction(answers: Message, language: str, timezone: str) -> str:
    """«El lun, 16 nov 2026 a las 9:12, Ana <ana@example.com> escribió:»"""
    at: datetime = answers.sent_at or answers.received_at
    when = format_datetime(at, _WHEN[language], tzinfo=ZoneInfo(timezone), locale=locale(language)).replace(
        "\u202f", " "
    )
    name = " ".join(answers.from_name.split())
    who = f"{name} <{answers.from_address}>" if name else f"<{answers.from_address}>"
    return _WROTE[language].format(when=when, who=who)


def _as_html(text: str) -> str:
    return "<br>\n".join(html.escape(line) for line in text.splitlines())
