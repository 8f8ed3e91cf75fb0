"""Bytes of a body part to text, whatever charset it claims: names as they are misspelled, and honest guesses."""

from contextlib import suppress

# Names seen in mail that Python does not know, or knows as a smaller set than the senders mean.
_ALIASES = {
    "iso-8859-1": "cp1252",  # what is labelled Latin-1 is Windows-1252 on the web and in mail
    "latin1": "cp1252",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "x-unknown": "utf-8",
    "unknown-8bit": "utf-8",
    "default": "utf-8",
    "utf8mb4": "utf-8",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "iso-8859-8-i": "iso-8859-8",
    "x-mac-roman": "mac-roman",
    "cp-850": "cp850",
    "windows-31j": "cp932",
}


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
        codec = _ALIASES.get(name, name)
        try:
            return data.decode(codec), None
        except LookupError:
            defect = f"unknown charset {name[:60]}"
        except (UnicodeError, ValueError):
            defect = f"bytes that are not {name[:60]}"
    if b"\x1b$" in data:
        with suppress(UnicodeDecodeError):
            return data.decode("iso2022_jp_ext"), defect
    try:
        return data.decode("utf-8"), defect
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), defect or "8-bit text without a charset"
