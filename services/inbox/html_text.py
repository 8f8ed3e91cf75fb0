"""HTML bodies as plain text: blocks on lines of their own, quotes marked with «>», nothing hidden, linear time."""

import re

from lxml import etree, html

HTML_LIMIT = 1_000_000  # characters, without the pictures that are written into it
LINE_LIMIT = 30_000  # of preformatted text
TAG_LIMIT = 40_000  # that are looked at: each costs some 20 µs and 200 bytes

_DECLARATION = re.compile(r"<\?xml[^>]{0,300}\?>", re.IGNORECASE)
_PICTURE = re.compile(r"data:[\w.+-]{1,40}/[\w.+-]{1,60};base64,[A-Za-z0-9+/=\s%]{100,}")
_SPACE = re.compile(r"[ \t\r\n\f\u00a0\u200b\ufeff]+")
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_LOOKS_LIKE_HTML = re.compile(
    r"\s*(?:<!doctype html|<html[\s>]|<head[\s>]|<body[\s>]|<div[\s>]|<p[\s>])", re.IGNORECASE
)

_SKIP = {"script", "style", "head", "title", "meta", "noscript", "template", "svg", "object", "iframe"}
_BLOCK = {
    "address", "article", "blockquote", "center", "dd", "div", "dl", "dt", "fieldset", "figure", "footer", "form",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tbody",
    "tr", "ul",
}  # fmt: skip
_PARAGRAPH = {"p", "blockquote", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "table"}


def looks_like_html(text: str) -> bool:
    """A text/plain part that is really HTML."""
    return bool(_LOOKS_LIKE_HTML.match(text[:2000])) and ("</" in text or "<br" in text.lower())


class _Writer:
    """Lines with their quote depth; collapses white space as a browser does."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.current: list[str] = []
        self.depth = 0
        self.preformatted = 0
        self.blank_due = False

    def text(self, text: str) -> None:
        if self.preformatted:
            first, *rest = text.split("\n", LINE_LIMIT)[:LINE_LIMIT]
            self._add(first)
            for line in rest:
                self.newline()
                self._add(line)
            return
        collapsed = _SPACE.sub(" ", text)
        if not self.current or self.current[-1].endswith(" "):
            collapsed = collapsed.lstrip(" ")
        self._add(collapsed)

    def _add(self, text: str) -> None:
        if text:
            self.current.append(text)

    def newline(self) -> None:
        line = "".join(self.current).rstrip()
        self.current = []
        if self.blank_due and self.lines and line:
            self._emit("")
        if line:
            self.blank_due = False
        self._emit(line)

    def end_line(self) -> None:
        """Close the current line if there is anything on it."""
        if "".join(self.current).strip():
            self.newline()
        else:
            self.current = []

    def _emit(self, line: str) -> None:
        prefix = "> " * min(self.depth, 20)
        if not line and self.lines and not self.lines[-1].strip("> "):
            return  # one blank line is enough
        self.lines.append((prefix + line).rstrip())


def html_to_text(source: str, tags: int = TAG_LIMIT) -> str:
    """Never raises: what libxml2 cannot read comes back with its tags cut out. `tags`: how many are looked at."""
    root = read_html(source, tags)
    if root is None:
        return re.sub(r"<[^<>]{0,2000}>", " ", _readable(source, tags)).strip()
    return write_text(root)


def _readable(source: str, tags: int) -> str:
    """The source without what no reader of mail sees, bounded."""
    source = _PICTURE.sub("", source.replace("\x00", ""))[:HTML_LIMIT]
    source = _without_conditions(_DECLARATION.sub("", source))
    if source.count("<") <= tags:
        return source
    at = -1
    for _ in range(max(tags, 0) + 1):
        at = source.find("<", at + 1)
    return source[:at]


def read_html(source: str, tags: int = TAG_LIMIT) -> "etree._Element | None":
    """The tree, or None when libxml2 cannot read it or nothing is there."""
    source = _readable(source, tags)
    if not source.strip():
        return None
    try:
        return html.document_fromstring(source)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return None


def write_text(root: "etree._Element") -> str:
    writer = _Writer()
    hidden = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        tag = element.tag.lower() if isinstance(element.tag, str) else ""
        if event in ("comment", "pi"):
            if not hidden and element.tail:
                writer.text(element.tail)
            continue
        unseen = tag in _SKIP or bool(_HIDDEN.search(element.get("style") or ""))
        if event == "start":
            hidden += unseen
            if not hidden:
                _start(writer, tag, element)
                if element.text:
                    writer.text(element.text)
            continue
        if not hidden:
            _end(writer, tag)
        hidden -= unseen
        if not hidden and element.tail:
            writer.text(element.tail)
    writer.end_line()
    return "\n".join(writer.lines).strip("\n")


def _without_conditions(source: str) -> str:
    """Without what Outlook alone reads: <!--[if mso]> … <![endif]-->. One pass, whatever is left open."""
    kept: list[str] = []
    at = 0
    while (begin := source.find("<!--[if", at)) >= 0:
        end = source.find("<![endif]-->", begin)
        if end < 0:
            break
        kept.append(source[at:begin])
        at = end + len("<![endif]-->")
    return "".join(kept) + source[at:]


def _start(writer: _Writer, tag: str, element: "etree._Element") -> None:
    if tag == "br":
        writer.newline()
    elif tag in ("td", "th"):
        if writer.current:
            writer.text(" ")
    elif tag in _BLOCK:
        writer.end_line()
        if tag in _PARAGRAPH:
            writer.blank_due = True
        if tag == "blockquote":
            writer.depth += 1
        elif tag == "pre":
            writer.preformatted += 1
        elif tag == "hr":
            writer.text("________________________________")
            writer.end_line()
        elif tag == "li":
            writer.text("- ")
    elif tag == "img" and (alt := (element.get("alt") or "").strip()):
        writer.text(f"[{alt[:200]}]")


def _end(writer: _Writer, tag: str) -> None:
    if tag in _BLOCK:
        writer.end_line()
        if tag in _PARAGRAPH:
            writer.blank_due = True
        if tag == "blockquote":
            writer.depth -= 1
        elif tag == "pre":
            writer.preformatted -= 1
