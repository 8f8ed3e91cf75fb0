"""What a representative or a template writes (Markdown) as the safe HTML of an outgoing mail."""

from functools import lru_cache

from markdown_it import MarkdownIt

from services.tickets.sanitise import safe_outgoing


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    # No raw HTML; a line break is a line break, as people expect who write mail.
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").enable("strikethrough")


def to_html(text: str) -> str:
    """Safe HTML for a mail."""
    return safe_outgoing(_markdown().render(text))


def to_text(text: str) -> str:
    """The plain text part: Markdown without its emphasis marks, which plain readers would show."""
    return text.replace("**", "").strip() + "\n"
