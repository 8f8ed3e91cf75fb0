"""Bytes of a body part or header to text, whatever charset they claim: misspelled names, and honest guesses."""

import codecs
import re
import unicodedata
from contextlib import suppress
from functools import lru_cache

# Names (letters and digits of them) that Python does not know, or knows as a smaller set than the senders mean.
_MEANT = {
    "iso88591": "cp1252",  # what is labelled Latin-1 is Windows-1252 on the web and in mail
    "latin1": "cp1252",
    "isoir100": "cp1252",
    "usascii": "utf-8",
    "ascii": "utf-8",
    "ansix341968": "utf-8",
    "unicode11utf7": "utf-7",
    "xunknown": "utf-8",
    "unknown8bit": "utf-8",
    "default": "utf-8",
    "utf8mb4": "utf-8",
    "utf8": "utf-8",
    "ksc56011987": "cp949",
    "ksc5601": "cp949",
    "euckr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "hzgb2312": "hz",
    "big5": "cp950",
    "shiftjis": "cp932",
    "sjis": "cp932",
    "xsjis": "cp932",
    "windows31j": "cp932",
    "xeucjp": "euc_jp",
    "iso88598i": "iso-8859-8",
    "xmacroman": "mac-roman",
    "macintosh": "mac-roman",
    "tis620": "cp874",
    "iso2022jp": "iso2022_jp_ext",  # with the signs that Windows adds
}
# Python's codecs that no mail means: some take time that grows with the square of the text, others warn.
_NEVER = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "charmap", "mbcs", "oem"}
_SQUASH = re.compile(r"[^a-z0-9]")
_KANA = re.compile(r"[\u3041-\u30ff]")


def decode(data: bytes, charset: str | None) -> tuple[str, str | None]:
    """The text, and the defect if something had to be guessed."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) and len(data) % 2 == 0:
        with suppress(UnicodeDecodeError):
            return data.decode("utf-16"), None
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    name = (charset or "").strip().strip("\"'").lower()
    defect = None
    if name:
        codec = _codec(name)
        if codec is None:
            defect = f"unknown charset {name[:60]}"
        else:
            try:
                return _with(codec, data), None
            except (UnicodeError, ValueError):
                defect = f"bytes that are not {name[:60]}"
    if b"\x1b$" in data:
        with suppress(UnicodeDecodeError):
            return data.decode("iso2022_jp_ext"), defect
    if sixteen := _utf16_without_mark(data):
        with suppress(UnicodeDecodeError):
            return data.decode(sixteen), defect or "UTF-16 without a charset"
    try:
        return data.decode("utf-8"), defect
    except UnicodeDecodeError:
        return _eight_bits(data), defect or "8-bit text without a charset"


@lru_cache(maxsize=256)
def _codec(name: str) -> str | None:
    """The codec that is meant by this name of a charset."""
    meant = _MEANT.get(_SQUASH.sub("", name), name.partition("*")[0])
    try:
        info = codecs.lookup(meant)
    except (LookupError, ValueError, UnicodeError, SyntaxError, ImportError):  # names can be anything
        return None
    return None if info.name in _NEVER or not getattr(info, "_is_text_encoding", True) else info.name


def _with(codec: str, data: bytes) -> str:
    if codec == "utf-16":  # without a mark: which half is empty says which way round it is
        return data.decode(_utf16_without_mark(data) or "utf-16-le")
    text = data.decode(codec)
    # Vietnamese of Windows writes letters and their tone apart.
    return unicodedata.normalize("NFC", text) if codec == "cp1258" else text


def _utf16_without_mark(data: bytes) -> str | None:
    """Western text in UTF-16 has a zero in every second place."""
    sample = data[:2000]
    if len(data) % 2 or sample.count(0) * 3 < len(sample) or len(sample) < 4:
        return None
    odd, even = sample[1::2].count(0), sample[0::2].count(0)
    if odd > 4 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 4 * odd else None


def _eight_bits(data: bytes) -> str:
    """Japanese when much of it would be kana, which Western text never is; else Windows-1252."""
    for codec in ("cp932", "euc_jp"):
        with suppress(UnicodeDecodeError):
            text = data[:20_000].decode(codec)
            foreign = sum(character > "\x7f" for character in text)
            if len(_KANA.findall(text)) * 3 >= foreign:
                return data.decode(codec)
    return data.decode("cp1252", "replace")
