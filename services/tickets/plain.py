"""Text as people type it in a hurry, without accents and capitals, with every character where it was. Pure."""

import unicodedata


def _plain(char: str) -> str:
    lower = unicodedata.normalize("NFKD", char)[0].lower()
    return lower if len(lower) == 1 else char


# Latin letters with marks, and the quotation marks and spaces of word processors.
_TABLE = {code: plain for code in range(0x80, 0x250) if (plain := _plain(chr(code))) != chr(code)}
_TABLE |= {ord("’"): "'", ord("‘"): "'", ord("–"): "-", ord("—"): "-", ord("\u202f"): " "}
_TABLE |= {code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)}


def folded(text: str) -> str:
    """Lower case without accents, character for character, so that places stay where they are."""
    return text.lower() if text.isascii() else text.translate(_TABLE)
