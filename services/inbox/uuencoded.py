"""Files uuencoded inside plain text: taken out of the body, line by line."""

import binascii
import re

_BEGIN = re.compile(r"begin [0-7]{3,4} (\S.{0,199})$")


def take_out_uuencoded(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text without them, and (name, bytes) of each. A block without its `end` stays text."""
    lines = text.split("\n")
    kept: list[str] = []
    files: list[tuple[str, bytes]] = []
    index = failures = 0
    while index < len(lines):
        match = _BEGIN.match(lines[index].rstrip())
        if match and failures < 20:  # every failure has read to the end: many of them would be quadratic
            decoded = _decode_from(lines, index + 1)
            if decoded is not None:
                data, after = decoded
                files.append((match.group(1), data))
                index = after
                continue
            failures += 1
        kept.append(lines[index])
        index += 1
    return "\n".join(kept), files


def _decode_from(lines: list[str], start: int) -> tuple[bytes, int] | None:
    data = bytearray()
    for index in range(start, len(lines)):
        line = lines[index].rstrip("\r\n")
        if line.strip() == "end":
            return (bytes(data), index + 1) if data or index > start else None
        if line.strip() in ("", "`"):
            continue
        try:
            data += binascii.a2b_uu(line.encode("ascii"))
        except (binascii.Error, UnicodeEncodeError):
            try:  # trailing garbage that broken encoders leave
                length = (((ord(line[0]) - 32) & 63) * 4 + 5) // 3
                data += binascii.a2b_uu(line[: length + 1].encode("ascii"))
            except (binascii.Error, UnicodeEncodeError, IndexError):
                return None
    return None
