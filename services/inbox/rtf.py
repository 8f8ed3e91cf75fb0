"""Outlook's RTF bodies unpacked ([MS-OXRTFCP]), and the words in them (Rich Text Format 1.9.1): one bounded pass."""

import re

from services.inbox import charsets

_START = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n" + rb"\par "
    rb"\pard\plain\f0\fs20\b\i\u\tab\tx"
)
_DICTIONARY = 4096  # bytes, of which a reference can reach any
_COMPRESSED, _STORED = b"LZFu", b"MELA"
LIMIT = 1_000_000  # bytes that come out at most
TOKENS = 200_000  # of an RTF text that are looked at

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
# Groups that hold no words: tables, pictures, files, and whatever is marked as to be skipped by who does not know it.
_NO_WORDS = frozenset(
    {
        b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header", b"footer", b"headerl",
        b"headerr", b"footerl", b"footerr", b"footnote", b"themedata", b"listtable", b"listoverridetable",
        b"generator", b"fldinst",
        b"datastore", b"xmlnstbl", b"latentstyles", b"rsidtbl", b"pntext", b"private", b"nonshppict",
    }
)  # fmt: skip
_SIGNS = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"row": "\n", b"tab": "\t", b"cell": "\t",
    b"emdash": "—", b"endash": "–", b"emspace": " ", b"enspace": " ", b"qmspace": " ", b"bullet": "•",
    b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”",
}  # fmt: skip
# Charset of a font (\fcharset) -> the code page it stands for.
_FONT_CHARSETS = {
    77: "mac-roman", 128: "cp932", 129: "cp949", 134: "gb18030", 136: "cp950", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip


def decompress(data: bytes) -> bytes:
    """The RTF as far as it can be read; nothing when this is something else."""
    kind = data[8:12]
    if kind == _STORED:
        return data[16 : 16 + LIMIT]
    if kind != _COMPRESSED:
        return b""
    before = _START.rjust(_DICTIONARY, b" ")
    out = bytearray(before)
    at = 16
    while at < len(data) and len(out) < LIMIT + _DICTIONARY:
        control = data[at]
        at += 1
        if not control:
            out += data[at : at + 8]
            at += 8
            continue
        for bit in range(8):
            if not control >> bit & 1:
                out += data[at : at + 1]
                at += 1
                continue
            reference = int.from_bytes(data[at : at + 2], "big")
            at += 2
            back = (len(out) - _DICTIONARY + len(_START) - (reference >> 4)) % _DICTIONARY
            if back == 0 or at > len(data):  # the end
                return bytes(out[_DICTIONARY:])
            length = (reference & 0xF) + 2
            start = len(out) - back
            piece = out[start : start + length]
            out += (piece * length)[:length]  # it may reach into itself
    return bytes(out[_DICTIONARY : _DICTIONARY + LIMIT])


def to_text(data: bytes) -> str:
    """Its words, paragraphs on lines of their own; '' when it is no RTF. Never raises."""
    if data[:200].lstrip()[:5] != rb"{\rtf":
        return ""
    reader = _Reader()
    for count, token in enumerate(_TOKEN.finditer(data)):
        if count >= TOKENS:
            break
        reader.take(*token.groups())
    reader.flush()
    # Signs beyond the first plane come as two halves.
    text = "".join(reader.out).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.strip("\n")


class _Reader:
    """State as RTF defines it: a group ends with what it changed."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.pending = bytearray()  # letters that are still bytes
        self.codepage = "cp1252"
        self.fonts: dict[int, str] = {}
        self.font = 0  # that \fcharset is about
        self.stack: list[tuple[bool, str, int]] = []
        self.hidden, self.charset, self.skip_after_unicode = False, "", 1
        self.to_skip = 0  # letters that stand for a Unicode sign which was read
        self.opening = False  # right after «{»

    def take(
        self, word: bytes | None, number: bytes | None, octet: bytes | None, sign: bytes | None, brace: bytes | None,
        text: bytes | None,
    ) -> None:  # fmt: skip
        opening, self.opening = self.opening, False
        if brace == b"{":
            self.stack.append((self.hidden, self.charset, self.skip_after_unicode))
            self.opening = True
        elif brace == b"}":
            self.flush()
            if self.stack:
                self.hidden, self.charset, self.skip_after_unicode = self.stack.pop()
            self.to_skip = 0
        elif octet is not None:
            self._letters(bytes((int(octet, 16),)))
        elif text is not None:
            self._letters(text)
        elif sign is not None:
            self._sign(sign, opening)
        elif word is not None:
            self._word(word, int(number) if number else None)

    def flush(self) -> None:
        if self.pending:
            self.out.append(charsets.decode(bytes(self.pending), self.charset or self.codepage)[0])
            self.pending.clear()

    def _letters(self, letters: bytes) -> None:
        skipped = min(self.to_skip, len(letters))
        self.to_skip -= skipped
        if not self.hidden:
            self.pending += letters[skipped:]

    def _sign(self, sign: bytes, opening: bool) -> None:
        if sign == b"*" and opening:
            self.hidden = True
        elif sign in (b"\\", b"{", b"}"):
            self._letters(sign)
        elif sign == b"~":
            self._letters(b" ")
        elif sign in (b"\r", b"\n"):
            self._write("\n")

    def _word(self, word: bytes, number: int | None) -> None:
        if word in _NO_WORDS:
            self.hidden = True
        elif word in _SIGNS:
            self._write(_SIGNS[word])
        elif word == b"u" and number is not None:
            self._unicode(number)
        elif word == b"uc" and number is not None:
            self.skip_after_unicode = min(max(number, 0), 10)
        elif word == b"ansicpg" and number:
            self.codepage = f"cp{number}"
        elif word == b"v":
            self.hidden = self.hidden or number != 0
        elif word == b"f" and number is not None:
            self.flush()
            self.font = number
            self.charset = self.fonts.get(number, "")
        elif word == b"fcharset" and number in _FONT_CHARSETS and len(self.fonts) < 1_000:
            self.fonts[self.font] = _FONT_CHARSETS[number]
        elif word == b"plain":
            self.flush()
            self.charset = ""

    def _unicode(self, number: int) -> None:
        code = number + 65_536 if number < 0 else number
        self.to_skip = self.skip_after_unicode
        if code <= 0xFFFF:
            self._write(chr(code))

    def _write(self, text: str) -> None:
        self.flush()
        if not self.hidden:
            self.out.append(text)
