"""The parts of a mail sorted into what is its body and what is attached, without recursion and with a part limit."""

import re
from dataclasses import dataclass, field
from email.message import Message as MimePart
from pathlib import PurePosixPath

from services.inbox import charsets, headers
from services.inbox.html_text import html_to_text, looks_like_html
from services.inbox.uuencoded import take_out_uuencoded

PART_LIMIT = 1_000
TEXT_LIMIT = 5_000_000  # characters of body text that are kept

# Shown as what they are, never as files: signatures, reports, invitations.
_NOT_FILES = {
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/pgp-encrypted",
    "message/delivery-status",
    "message/disposition-notification",
    "message/feedback-report",
    "text/rfc822-headers",
    "text/calendar",
}
_REPORTS = {
    "message/delivery-status",
    "message/disposition-notification",
    "message/feedback-report",
    "text/rfc822-headers",
}
_UNSAFE_NAME = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")


@dataclass
class File:
    """An attachment before it is stored."""

    filename: str
    content_type: str
    data: bytes
    content_id: str | None = None
    inline: bool = False


@dataclass
class Body:
    text: str = ""
    html: str | None = None
    files: list[File] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    report_parts: list[MimePart] = field(default_factory=list)  # delivery-status and the original it is about
    nested: list[MimePart] = field(default_factory=list)  # messages forwarded as attachments

    def defect(self, what: str) -> None:
        if what not in self.defects and len(self.defects) < 50:
            self.defects.append(what)


@dataclass
class _Block:
    """One piece of body: its plain text, its HTML, or both as alternatives."""

    text: str | None = None
    html: str | None = None


def read_body(root: MimePart, *, with_files: bool = True) -> Body:
    body = Body()
    blocks: list[_Block] = []
    # (part, the block its alternatives share, inside an attached message, inside multipart/related)
    stack: list[tuple[MimePart, _Block | None, bool, bool]] = [(root, None, False, False)]
    seen = 0
    while stack:
        part, alternatives, foreign, related = stack.pop()
        seen += 1
        if seen > PART_LIMIT:
            body.defect("more than 1000 parts")
            break
        _note_defects(body, part)
        kind = part.get_content_type()
        payload = part.get_payload() if part.is_multipart() else None
        if isinstance(payload, list):
            children = [child for child in payload if isinstance(child, MimePart)]
            if kind.startswith("message/"):
                _open_message(body, part, kind, children, stack, foreign, with_files)
                continue
            if kind == "multipart/alternative" and not foreign:
                alternatives = _Block()
                blocks.append(alternatives)
            elif kind == "multipart/encrypted":
                body.defect("encrypted")
            elif kind != "multipart/related":
                alternatives = alternatives if kind == "multipart/mixed" and alternatives is not None else None
            inside = related or kind == "multipart/related"
            stack.extend((child, alternatives, foreign, inside) for child in reversed(children))
            continue
        _leaf(body, blocks, part, kind, alternatives, foreign=foreign, related=related, with_files=with_files)
    _assemble(body, blocks)
    return body


def _open_message(
    body: Body,
    part: MimePart,
    kind: str,
    children: list[MimePart],
    stack: list[tuple[MimePart, _Block | None, bool, bool]],
    foreign: bool,
    with_files: bool,
) -> None:
    """A message inside the message: never part of our text; itself a file, and its own files stay reachable."""
    if kind != "message/rfc822":
        body.report_parts.append(part)
        return
    if not foreign:
        body.nested.extend(children[:1])
        body.report_parts.append(part)
    if with_files:
        inner = children[0] if children else None
        subject = headers.text_header(inner, "subject") if inner is not None else ""
        data = _bytes_of(inner) if inner is not None else b""
        body.files.append(File(_file_name(part, subject or "message", ".eml"), "message/rfc822", data))
    stack.extend((child, None, True, False) for child in reversed(children))


def _leaf(
    body: Body,
    blocks: list[_Block],
    part: MimePart,
    kind: str,
    alternatives: _Block | None,
    *,
    foreign: bool,
    related: bool,
    with_files: bool,
) -> None:
    disposition = (part.get_content_disposition() or "").strip().lower()
    name = _given_name(part)
    if kind in _NOT_FILES and not (kind == "text/calendar" and disposition == "attachment"):
        if kind in _REPORTS:
            body.report_parts.append(part)
        if kind == "application/pgp-encrypted":
            body.defect("encrypted")
        return
    if kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        body.defect("S/MIME: open the attachment to read it")
    is_text = kind in ("text/plain", "text/html") or (kind.startswith("text/") and not name)
    if is_text and disposition != "attachment" and not (name and kind == "text/plain" and disposition == "inline"):
        if foreign:
            return
        text = _text_of(body, part)
        if kind == "text/html":
            _add_html(blocks, alternatives, text)
        elif kind == "text/plain" and alternatives is None and looks_like_html(text):
            body.defect("HTML labelled as plain text")
            _add_html(blocks, None, text)
        else:
            if kind == "text/plain" and "begin " in text:
                text, encoded = take_out_uuencoded(text)
                if encoded:
                    body.defect("uuencoded files in the text")
                if with_files:
                    body.files.extend(
                        File(_safe_name(title), "application/octet-stream", data) for title, data in encoded
                    )
            _add_text(blocks, alternatives, text, plain=kind == "text/plain")
        return
    if not with_files:
        return
    data = _payload(part)
    content_id = (headers.raw_value(part, "content-id") or "").strip().strip("<>") or None
    inline = content_id is not None and disposition != "attachment" and (related or kind.startswith("image/"))
    extension = {"image/jpeg": ".jpg", "image/png": ".png", "application/pdf": ".pdf"}.get(kind, "")
    body.files.append(
        File(_file_name(part, "unnamed", extension), kind, data, content_id[:500] if content_id else None, inline)
    )


def _add_text(blocks: list[_Block], alternatives: _Block | None, text: str, *, plain: bool) -> None:
    if alternatives is not None:
        if plain:
            alternatives.text = text if alternatives.text is None else f"{alternatives.text}\n\n{text}"
        return  # text/enriched and the like beside the plain form
    blocks.append(_Block(text=text))


def _add_html(blocks: list[_Block], alternatives: _Block | None, text: str) -> None:
    if alternatives is not None:
        alternatives.html = text if alternatives.html is None else f"{alternatives.html}\n{text}"
    else:
        blocks.append(_Block(html=text))


def _assemble(body: Body, blocks: list[_Block]) -> None:
    texts: list[str] = []
    htmls: list[str] = []
    any_html = any(block.html for block in blocks)
    previous: _Block | None = None
    for block in blocks:
        if block.text is None and block.html is None:
            continue
        # Some clients send text and HTML side by side in multipart/mixed, as if they were alternatives.
        twin = previous is not None and previous.html is None and block.text is None and block.html is not None
        as_text = block.text if block.text and block.text.strip() else html_to_text(block.html or "")
        if twin and previous is not None and _same_words(previous.text or "", as_text):
            htmls[-1] = block.html or ""
        else:
            texts.append(as_text)
            if any_html:
                htmls.append(block.html if block.html is not None else _escaped(as_text))
        previous = block
    text = "\n\n".join(t.strip("\n") for t in texts if t.strip())
    if len(text) > TEXT_LIMIT:
        text = text[:TEXT_LIMIT]
        body.defect("text cut at 5 million characters")
    body.text = headers.clean(text)
    body.html = headers.clean("\n".join(htmls))[:TEXT_LIMIT] if any_html else None


def _same_words(one: str, other: str) -> bool:
    first, second = one.split()[:60], other.split()[:60]
    return bool(first) and first[:20] == second[:20]


def _escaped(text: str) -> str:
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<pre style="white-space:pre-wrap">{safe}</pre>'


def _note_defects(body: Body, part: MimePart) -> None:
    for defect in part.defects[:10]:
        body.defect(type(defect).__name__)


def _payload(part: MimePart) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except Exception:  # a transfer encoding that the library cannot undo: as it came
        data = None
    if isinstance(data, bytes):
        return data
    raw = part.get_payload()
    return raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else b""


def _text_of(body: Body, part: MimePart) -> str:
    try:
        charset = part.get_content_charset()
    except Exception:  # RFC 2231 forms that cannot be decoded
        charset = None
    text, defect = charsets.decode(_payload(part), charset)
    if defect:
        body.defect(defect)
    return headers.clean(text).replace("\r\n", "\n").replace("\r", "\n")


def _bytes_of(part: MimePart) -> bytes:
    try:
        return part.as_bytes()
    except Exception:  # parts that the generator cannot write again
        return str(part.get_payload())[:TEXT_LIMIT].encode("utf-8", "replace")


def _given_name(part: MimePart) -> str:
    try:
        name = part.get_filename()
    except Exception:  # RFC 2231 forms that cannot be decoded
        name = None
    return headers.decode_words(headers.clean(name)) if name else ""


def _file_name(part: MimePart, otherwise: str, extension: str) -> str:
    name = _given_name(part)
    return _safe_name(name if name else f"{otherwise[:80]}{extension}")


def _safe_name(name: str) -> str:
    """A name that is only a name: no folders, no control characters, at most 200 characters with its ending."""
    name = _UNSAFE_NAME.sub("_", headers.clean(name).replace("\\", "/").rsplit("/", 1)[-1]).strip(" .") or "unnamed"
    if len(name) > 200:
        suffix = PurePosixPath(name).suffix[:20]
        name = name[: 200 - len(suffix)] + suffix
    return name
