"""What HTML says about who wrote what: quotes, attributions and signatures, as marks in the text made from it.

Mail programs name their parts: Gmail `gmail_quote`, Apple Mail and Thunderbird `blockquote type=cite`, Outlook
`divRplyFwdMsg`, a line above the headers and so on. The text comes back with a line of one private character
(`mail_lines.py`) where such a part begins or ends; `trim.py` reads them beside the words.
"""

import re
from itertools import islice
from typing import TYPE_CHECKING

from services.inbox import mail_lines as marks
from services.inbox.html_text import read_html, write_text
from services.inbox.trim_patterns import HEADER

if TYPE_CHECKING:
    from lxml.etree import _Element

_NAMED = re.compile(
    r"blockquote|gmail_|moz-|divRplyFwdMsg|appendonsend|OutlookMessageHeader|yahoo_quoted|mobile-signature|border-top|"
    r"id=[\"']?(?:x_)*Signature|composer_signature|protonmail_|reply-intro|replySplit|OLK_SRC|reference-message|"
    r"AppleMailSignature",
    re.IGNORECASE,
)
# From here on all is the quoted (or forwarded) mail.
_REST_IDS = frozenset(
    {
        "divrplyfwdmsg", "appendonsend", "reply-intro", "replysplit", "olk_src_body_section",
        "mail-editor-reference-message-container",
    }
)  # fmt: skip
_REST_CLASSES = frozenset({"outlookmessageheader", "ms-outlook-mobile-reference-message"})
_SIGNATURE_CLASSES = frozenset(
    {
        "gmail_signature", "gmail_signature_prefix", "moz-signature", "ms-outlook-mobile-signature",
        "protonmail_signature_block",
    }
)  # fmt: skip
_SIGNATURE_IDS = frozenset({"signature", "ms-outlook-mobile-signature", "applemailsignature", "composer_signature"})
_ATTRIBUTION_CLASSES = frozenset({"gmail_attr", "moz-cite-prefix"})
_QUOTE_CLASSES = frozenset({"gmail_quote", "protonmail_quote", "tutanota_quote", "yahoo_quoted"})
_BORDER_TOP = re.compile(r"border-top\s*:\s*(?!none|0)", re.IGNORECASE)
_PREFIX = re.compile(r"^(?:x_)+")
# libxml2 reads these and writes none of them.
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def has_structure(source: str) -> bool:
    """Whether it is worth reading the HTML beside the text: some program has named its parts."""
    return _NAMED.search(source) is not None


def marked_text(source: str) -> str:
    """Text as `html_to_text` gives it, with marks; '' when the HTML cannot be read."""
    root = read_html(marks.without_marks(source))
    if root is None:
        return ""
    for element in root.iter("blockquote"):  # before marks come between them and what stands above
        if not _is_quote(element):
            element.tag = "div"  # the author's own indentation
    for element in list(root.iter("*")):
        _mark(element)
    return write_text(root)


def _classes(element: "_Element") -> set[str]:
    return {_PREFIX.sub("", name).lower() for name in (element.get("class") or "").split()[:20]}


def _mark(element: "_Element") -> None:
    identity = _PREFIX.sub("", (element.get("id") or "").strip()).lower()
    classes = _classes(element)
    if element.tag == "blockquote":
        return
    if "yahoo_quoted" in identity or any(name.endswith("yahoo_quoted") for name in classes):
        _around(element, marks.REST, marks.REST_END)
    elif identity in _REST_IDS or classes & _REST_CLASSES or _is_header_box(element):
        _around(element, marks.REST, None)
    elif identity in _SIGNATURE_IDS or classes & _SIGNATURE_CLASSES:
        _around(element, marks.SIGNATURE, marks.SIGNATURE_END)
    elif classes & _ATTRIBUTION_CLASSES:
        _around(element, marks.ATTRIBUTION, marks.ATTRIBUTION_END)


def _is_quote(element: "_Element") -> bool:
    if (element.get("type") or "").lower() == "cite" or element.get("cite") or _classes(element) & _QUOTE_CLASSES:
        return True
    before = element.getprevious()
    if before is not None:
        said = _words(before) + (before.tail or "")[-300:]
    else:
        parent = element.getparent()
        said = (parent.text or "")[-300:] if parent is not None else ""
    return said.rstrip().endswith(":") and "@" in said


def _words(element: "_Element") -> str:
    """The first words inside it; a bounded look, however deep and long it is."""
    said = ""
    for inner in islice(element.iter(), 40):
        if isinstance(inner.tag, str):
            said += (inner.text or "")[:300]
        if inner is not element:
            said += (inner.tail or "")[:300]
    return said.strip()


def _is_header_box(element: "_Element") -> bool:
    """Outlook for Windows draws a line above From, Sent, To and Subject."""
    if not _BORDER_TOP.search((element.get("style") or "")[:500]):
        return False
    words = _words(element)
    found = HEADER.match(words.split("\n", 1)[0])
    return (found is not None and "@" in words) or bool(re.match(r"^(?:From|De)\s*:", words))


def _around(element: "_Element", before: str, after: str | None) -> None:
    if element.getparent() is None:
        return
    element.addprevious(_line(element, before))
    if after is not None:
        tail, element.tail = element.tail, None
        closing = _line(element, after)
        element.addnext(closing)
        closing.tail = _NO_XML.sub("", tail) if tail else None


def _line(element: "_Element", mark: str) -> "_Element":
    made = element.makeelement("div", {})
    made.text = mark
    return made
