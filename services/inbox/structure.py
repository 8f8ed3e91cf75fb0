"""The parts of a mail sorted into what is its body and what is attached, without recursion and with all work capped."""

from dataclasses import dataclass, field
from email.message import Message as MimePart
from typing import NamedTuple

from services.inbox import armour, charsets, cms, content, filenames, headers, rtf, tnef
from services.inbox.content import Content
from services.inbox.html_text import TAG_LIMIT, html_to_text, looks_like_html
from services.inbox.outline import KEPT, TooMuch, open_message
from services.inbox.uuencoded import take_out_uuencoded

PART_LIMIT = 1_000
TEXT_LIMIT = 1_000_000  # characters of body text that are kept, and lines
LINE_LIMIT = 30_000
TEXT_BYTES = 4 * TEXT_LIMIT
HTML_LIMIT = 5_000_000  # characters of HTML: pictures may be written into it
HTML_BYTES = HTML_LIMIT
CUT = "a very long text, cut: the raw mail has it all"
NESTED_LIMIT = 20  # messages inside messages that are offered as files of their own
UNPACKED = 3  # what is inside a mail may together be this many times as large as the mail

ENCRYPTED = "encrypted"

# Shown as what they are, never as files: signatures, reports, invitations.
_NOT_FILES = {
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/pgp-encrypted",
    "text/calendar",
}
_REPORTS = {
    "message/delivery-status",
    "message/global-delivery-status",
    "message/disposition-notification",
    "message/global-disposition-notification",
    "message/feedback-report",
    "message/global-headers",
    "text/rfc822-headers",
}
_MESSAGES = {"message/rfc822", "message/global"}
_TNEF = {"application/ms-tnef", "application/vnd.ms-tnef"}
_SMIME = {"application/pkcs7-mime", "application/x-pkcs7-mime"}


@dataclass
class File:
    """An attachment before it is stored."""

    filename: str
    content_type: str
    content: Content
    content_id: str | None = None
    inline: bool = False

    @property
    def data(self) -> bytes:
        return self.content.whole()


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


class _Place(NamedTuple):
    """A part and where it stands."""

    part: MimePart
    alternatives: _Block | None = None  # the block that it shares with other forms of the same text
    foreign: bool = False  # inside an attached message
    related: bool = False  # inside multipart/related


def read_body(root: MimePart, *, with_files: bool = True, size: int = TEXT_LIMIT, most: int = TEXT_LIMIT) -> Body:
    """`size`: bytes of the whole mail; its files together stay below a few times that. `most`: characters of text."""
    return _Reader(with_files, size, most).read(root)


class _Reader:
    def __init__(self, with_files: bool, size: int, most: int) -> None:
        self.body = Body()
        self.most = most
        self.bytes_left = {True: HTML_BYTES, False: TEXT_BYTES}  # of HTML and of other text, in all parts together
        self.with_files = with_files
        self.left = UNPACKED * size + 100_000
        self.blocks: list[_Block] = []
        self.stack: list[_Place] = []
        self.messages = 0

    def read(self, root: MimePart) -> Body:
        self.stack.append(_Place(root))
        seen = 0
        while self.stack:
            place = self.stack.pop()
            seen += 1
            if seen > PART_LIMIT:
                self.body.defect("more than 1000 parts")
                break
            for defect in place.part.defects[:10]:
                self.body.defect(type(defect).__name__)
            payload = place.part.get_payload() if place.part.is_multipart() else None
            kind = place.part.get_content_type()
            if isinstance(payload, list):
                self._open(place, kind, [child for child in payload if isinstance(child, MimePart)])
            else:
                self._leaf(place, kind)
        _assemble(self.body, self.blocks, self.most)
        return self.body

    def _open(self, place: _Place, kind: str, children: list[MimePart]) -> None:
        if kind in _MESSAGES:
            self._open_message(place, kind, children)
            return
        if kind.startswith("message/"):
            if kind in _REPORTS or place.foreign:
                self.body.report_parts.append(place.part)
            else:  # a piece of a message, one that lies elsewhere: its words are all there is
                self.stack.extend(place._replace(part=child) for child in reversed(children))
            return
        alternatives = place.alternatives
        if kind == "multipart/alternative" and not place.foreign:
            alternatives = _Block()
            self.blocks.append(alternatives)
        elif kind == "multipart/encrypted":
            self.body.defect(ENCRYPTED)
        elif kind not in ("multipart/related", "multipart/mixed"):
            alternatives = None
        related = place.related or kind == "multipart/related"
        self.stack.extend(_Place(child, alternatives, place.foreign, related) for child in reversed(children))

    def _open_message(self, place: _Place, kind: str, children: list[MimePart]) -> None:
        """A message inside the message: never part of our text; itself a file, and its own files stay reachable."""
        if children and (encoded := _encoded_message(place.part, children[0])) is not None:
            children = [encoded]
        inner = children[0] if children else MimePart()
        if not place.foreign:
            self.body.nested.extend(children[:1])
            self.body.report_parts.append(place.part)
        self.messages += 1
        if self.with_files and self.messages <= NESTED_LIMIT:
            subject = headers.text_header(inner, "subject")
            self._add(
                File(
                    filenames.of(place.part, subject or "message", ".eml"), "message/rfc822", content.of_message(inner)
                )
            )
        self.stack.extend(_Place(child, foreign=True) for child in reversed(children))

    def _leaf(self, place: _Place, kind: str) -> None:
        part = place.part
        disposition = (part.get_content_disposition() or "").strip().lower()
        name = filenames.given(part)
        if kind in _REPORTS:
            self.body.report_parts.append(part)
            return
        if kind in _NOT_FILES and not (kind == "text/calendar" and disposition == "attachment"):
            if kind == "application/pgp-encrypted":
                self.body.defect(ENCRYPTED)
            return
        if self._is_text(place, kind, disposition, name):
            if not place.foreign:
                self._add_words(place, kind)
            return
        if not self.with_files and kind not in (*_SMIME, *_TNEF):
            return
        found = content.of_part(part)
        if kind in _SMIME and self._open_smime(place, found.whole()):
            return
        if (kind in _TNEF or name.lower() == "winmail.dat") and self._open_tnef(place, found.whole()):
            return
        content_id = (headers.raw_value(part, "content-id") or "").strip().strip("<>") or None
        inline = content_id is not None and disposition != "attachment" and (place.related or kind.startswith("image/"))
        self._add(File(filenames.of(part), kind, found, content_id[:500] if content_id else None, inline))

    def _is_text(self, place: _Place, kind: str, disposition: str, name: str) -> bool:
        """Whether this is something to read on the page rather than a file."""
        if kind.startswith("multipart/"):  # whose parts could not be told apart
            return True
        if disposition == "attachment" or not kind.startswith("text/"):
            return False
        if not name:
            return True
        if kind == "text/html":
            return place.alternatives is not None or not any(block.html for block in self.blocks)
        # A named text is a file, unless it is all that there is.
        return kind == "text/plain" and disposition != "inline" and not self.blocks

    def _add_words(self, place: _Place, kind: str) -> None:
        if kind not in ("text/html", "text/plain"):
            if place.alternatives is None:  # text/enriched and the like, where nothing plain stands beside it
                data = self._bytes_of(place.part, html=False)
                self._add_text(None, rtf.to_text(data) if kind == "text/rtf" else self._decoded(place.part, data))
            return
        data = self._bytes_of(place.part, html=kind == "text/html")
        if kind == "text/html":
            self._add_html(place.alternatives, self._decoded(place.part, data))
            return
        text = self._decoded(place.part, data)
        if place.alternatives is None and looks_like_html(text):
            self.body.defect("HTML labelled as plain text")
            self._add_html(None, text)
        else:
            if armour.is_encrypted(text):
                self.body.defect(ENCRYPTED)
            self._add_text(place.alternatives, armour.without_signature(text))

    def _bytes_of(self, part: MimePart, *, html: bool) -> bytes:
        """What is read of a text, as bytes; the files that older programs wrote into it come out of it."""
        found = content.of_part(part)
        if not html and found.size_at_most > self.bytes_left[html] and b"begin " not in found.head(KEPT):
            data = found.head(self.bytes_left[html] + 1)
        else:
            data = found.whole() if not html else found.head(self.bytes_left[html] + 1)
        if not html and b"begin " in data:
            data, encoded = take_out_uuencoded(data)
            if encoded:
                self.body.defect("uuencoded files in the text")
            for title, file in encoded:
                self._add(File(filenames.safe(headers.decode_words(title)), "application/octet-stream", file))
        if len(data) > self.bytes_left[html]:
            self.body.defect(CUT)
            data = data[: self.bytes_left[html]]
        self.bytes_left[html] -= len(data)
        return data

    def _add_text(self, alternatives: _Block | None, text: str) -> None:
        if alternatives is not None:
            alternatives.text = text if alternatives.text is None else f"{alternatives.text}\n\n{text}"
        else:
            self.blocks.append(_Block(text=text))

    def _add_html(self, alternatives: _Block | None, text: str) -> None:
        if alternatives is not None:
            alternatives.html = text if alternatives.html is None else f"{alternatives.html}\n{text}"
        else:
            self.blocks.append(_Block(html=text))

    def _open_smime(self, place: _Place, data: bytes) -> bool:
        """Signed: the message inside is the message. Encrypted: said so, and offered as the file that it is."""
        if (inside := cms.signed_content(data)) is None or self.messages >= NESTED_LIMIT:
            if inside is None and cms.is_encrypted(data):
                self.body.defect(ENCRYPTED)
            return False
        self.messages += 1
        try:
            self.stack.append(place._replace(part=open_message(inside)))
        except TooMuch as reason:
            self.body.defect(f"{reason}: inside a signed message, which is a file here")
            return False
        return True

    def _open_tnef(self, place: _Place, data: bytes) -> bool:
        """winmail.dat: the files in it, and its body where the mail has no other."""
        found = tnef.read(data)
        if found is None or not (found.files or found.text or found.html or found.rtf):
            return False
        text = found.text
        if found.rtf and not (found.text or found.html):
            self._add(File("message.rtf", "application/rtf", Content.of(found.rtf)))
            text = rtf.to_text(found.rtf)
        if not place.foreign and not any((block.text or block.html or "").strip() for block in self.blocks):
            self.blocks.append(_Block(text=text or None, html=found.html or None))
        for each in found.files:
            name = filenames.safe(headers.clean(each.name))
            kind = headers.clean(each.content_type or filenames.kind_of(name))[:200]
            self._add(File(name, kind, Content.of(each.data), each.content_id))
        return True

    def _add(self, file: File) -> None:
        if not self.with_files:
            return
        self.left -= file.content.size_at_most
        if self.left < 0:
            self.body.defect("attachments larger than the mail allows: the raw mail has them all")
            return
        file.content_id = headers.clean(file.content_id) if file.content_id else None
        self.body.files.append(file)

    def _decoded(self, part: MimePart, data: bytes) -> str:
        try:
            charset = part.get_content_charset()
        except Exception:  # RFC 2231 forms that cannot be decoded
            charset = None
        text, defect = charsets.decode(data, charset)
        if defect:
            self.body.defect(defect)
        text = headers.clean(text)
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _assemble(body: Body, blocks: list[_Block], most: int) -> None:
    texts: list[str] = []
    htmls: list[str] = []
    any_html = any(block.html for block in blocks)
    previous: _Block | None = None
    tags = TAG_LIMIT
    for block in blocks:
        if not (block.text or "").strip() and not (block.html or "").strip():
            continue
        # Some clients send text and HTML side by side in multipart/mixed, as if they were alternatives.
        twin = previous is not None and previous.html is None and block.text is None and block.html is not None
        if block.text and block.text.strip():
            as_text = block.text
        else:
            as_text = html_to_text(block.html or "", tags)
            tags -= (block.html or "").count("<")
            if tags < 0:
                body.defect(CUT)
        if twin and previous is not None and _same_words(previous.text or "", as_text):
            htmls[-1] = block.html or ""
        else:
            texts.append(as_text)
            if any_html:
                htmls.append(block.html if block.html is not None else _escaped(as_text))
        previous = block
    text = "\n\n".join(t.strip("\n") for t in texts if t.strip())
    if len(text) > most or text.count("\n") > LINE_LIMIT:
        text = "\n".join(text[:most].split("\n", LINE_LIMIT)[:LINE_LIMIT])
        body.defect(CUT)
    body.text = headers.clean(text)
    body.html = headers.clean("\n".join(htmls))[:HTML_LIMIT] if any_html else None


def _same_words(one: str, other: str) -> bool:
    first, second = one.split(maxsplit=60)[:60], other.split(maxsplit=60)[:60]
    return bool(first) and first[:20] == second[:20]


def _escaped(text: str) -> str:
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<pre style="white-space:pre-wrap">{safe}</pre>'


def _encoded_message(part: MimePart, child: MimePart) -> MimePart | None:
    """A message inside that was transfer-encoded, which the standards forbid and some programs do."""
    encoding = (headers.raw_value(part, "content-transfer-encoding") or "").strip().lower()
    if encoding not in ("base64", "quoted-printable") or child.keys() or child.is_multipart():
        return None
    try:
        return open_message(content.decoded(content.payload_of(child), encoding))
    except TooMuch:
        return None
