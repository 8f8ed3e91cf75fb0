"""HTML that strangers wrote, made harmless: no scripts, no forms, no remote content, bounded in size and depth.

The result is shown inside a sandboxed frame with a strict policy all the same; this is the first of two walls.
"""

import html
from collections.abc import Callable, Mapping
from html.parser import HTMLParser

import nh3

AttributeFilter = Callable[[str, str, str], str | None]  # tag, name, value -> value, or None to drop it

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 200
MAX_LINKS = 5_000
_TAGS = {
    "a", "abbr", "b", "bdi", "bdo", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd",
    "del", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li",
    "mark", "ol", "p", "pre", "q", "s", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "tt", "u", "ul", "wbr",
}  # fmt: skip
_ATTRIBUTES = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign", "scope"},
    "ol": {"start", "type"},
    "table": {"align"},
}
_DROP_WITH_CONTENT = {"script", "style", "title", "noscript", "iframe", "object", "embed", "template", "svg", "math"}
_SCHEMES = {"http", "https", "mailto", "tel", "cid"}
_LINKS = ("http://", "https://", "mailto:", "tel:")
_REL = "noopener noreferrer nofollow"
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_OPTIONAL_END = {"p", "li", "td", "th", "tr", "dd", "dt", "option", "tbody", "thead", "tfoot"}


def safe_html(source: str, cid_urls: Mapping[str, str]) -> str:
    """A received mail's HTML for the screen. `cid_urls`: content id → address of that inline image with us.

    Images from elsewhere lose their address and keep their words. What is too deep or too large is shown as its
    text: a customer's mail is never hidden because its markup is odd.
    """
    cut = len(source) > MAX_CHARACTERS
    source = source[:MAX_CHARACTERS].replace("\x00", "")
    if _depth(source) > MAX_DEPTH or source.count("<a") + source.count("<A") > MAX_LINKS:
        return _as_text(source)

    def attribute(tag: str, name: str, value: str) -> str | None:
        if tag == "img" and name == "src":
            scheme, _, content_id = value.strip().partition(":")
            return cid_urls.get(content_id.strip("<> ")) if scheme.lower() == "cid" else None
        return _link(name, value)

    cleaned = _clean(source, attribute)
    return cleaned + "<p>…</p>" if cut else cleaned


def safe_outgoing(source: str, images: Mapping[str, str]) -> str:
    """Our own mail's HTML: the same walls, and no images but those that go with it (content id → their address)."""

    def attribute(tag: str, name: str, value: str) -> str | None:
        if tag == "img" and name == "src":
            scheme, _, content_id = value.partition(":")
            return images.get(content_id) if scheme == "cid" else None
        return _link(name, value)

    return _clean(source, attribute)


def _link(name: str, value: str) -> str | None:
    """Links say where they lead: what is relative would lead into our own pages."""
    return value if name != "href" or value.strip().lower().startswith(_LINKS) else None


def _clean(source: str, attribute: AttributeFilter) -> str:
    cleaned: str = nh3.clean(
        source.encode("utf-8", "replace").decode("utf-8"),  # halves of characters, which a parser may leave over
        tags=_TAGS,
        clean_content_tags=_DROP_WITH_CONTENT,
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=attribute,
        strip_comments=True,
        link_rel=_REL,
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes=_SCHEMES,
        url_relative="pass_through",  # the addresses of inline images are; see the attribute filters
    )
    return cleaned


class _Depth(HTMLParser):
    """How deep elements nest, without building a tree: what makes tree builders run out of stack."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.deepest = self._now = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID and tag not in _OPTIONAL_END:
            self._now += 1
            self.deepest = max(self.deepest, self._now)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and tag not in _OPTIONAL_END:
            self._now = max(0, self._now - 1)


def _depth(source: str) -> int:
    parser = _Depth()
    parser.feed(source)
    return parser.deepest


class _Words(HTMLParser):
    """The words of a document with its line breaks, without a tree."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._dropping = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._dropping = tag
        elif tag in ("br", "p", "div", "tr", "li"):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._dropping:
            self._dropping = ""

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self.parts.append(data)


def _as_text(source: str) -> str:
    """The words of a mail whose markup we will not touch."""
    words = _Words()
    words.feed(source)
    words.close()
    return f"<pre>{html.escape(''.join(words.parts).strip())}</pre>"
