"""What a representative or a template writes (Markdown) as the safe HTML of an outgoing mail."""

import re
from collections.abc import Mapping
from functools import lru_cache

from markdown_it import MarkdownIt

from services.tickets.sanitise import safe_outgoing

# ![what it shows](cid:content-id): an image that goes with the mail.
IMAGE = re.compile(r"!\[([^\]\n]{0,500})\]\(cid:([A-Za-z0-9.@_-]{1,200})\)")


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    # No raw HTML; a line break is a line break, as people expect who write mail.
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").enable("strikethrough")
    valid = markdown.validateLink
    markdown.validateLink = lambda url: url.startswith("cid:") or valid(url)  # type: ignore[method-assign]
    return markdown


def to_html(text: str, images: Mapping[str, str] | None = None) -> str:
    """Safe HTML for a mail, or with our own addresses of its images for a screen. `images`: content id → address."""
    return safe_outgoing(_markdown().render(text), images or {})


def to_text(text: str) -> str:
    """The plain text part: Markdown without its emphasis marks, which plain readers would show."""
    return IMAGE.sub(lambda found: f"[{found.group(1)}]", text.replace("**", "")).strip() + "\n"


def shown_images(text: str) -> set[str]:
    """Content ids of the images that the text shows."""
    return {found.group(2) for found in IMAGE.finditer(text)}
