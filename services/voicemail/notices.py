"""What a phone system's mail says of the voicemail that it tells of, read without I/O and without trust in its subject.

Headers first (Asterisk, FreePBX: X-Asterisk-*; FreeSWITCH: X-Voicemail-Length; Exchange and Microsoft's cloud:
MS-OXOUM's X-CallingTelephoneNumber and its kin), then the usual sentences, then the attachment's name. Shapes of
FusionPBX, RingCentral, Zoom and Microsoft are in tests/voicemail/test_notices.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.voicemail import intake

NAMES = {"asterisk": "Asterisk", "fusionpbx": "FusionPBX", "freeswitch": "FreeSWITCH", "ringcentral": "RingCentral",
         "zoom": "Zoom", "microsoft": "Microsoft"}  # fmt: skip
READ = 4000  # characters of the body
LONGEST_TEXT = 5000
_NUMBER = r"\+?(?:\d{1,3}[\s.-]?)?(?:\(\d{2,4}\)[\s.-]?)?\d(?:[\s.-]?\d){5,13}"
# «Voicemail from JANE DOE <4155550123>», «New Voicemail from (555) 123-4567», «Voice Mail from 7125550123 (3 seconds)»,
# «Mensaje de voz de 4155550123», «Voicemail JANE DOE <4155550123> 0:07»; and in the text «from "JANE" <4155550123>»,
# «From: JANE DOE (415) 555-0123», «Caller: JANE DOE (+14155550123)».
_WHO = re.compile(
    rf"\b(?:from|de(?!\s+voz\b)|por|caller(?:\s+id)?|caller\s+number|llamante|voice\s?mail(?!\s+(?:from|de)\b))\s*:?\s+"
    rf"(?:\"?(?P<quoted>[^\"<(\n:]{{0,60}}?)\"?\s*[<(]\s*(?P<bracketed>{_NUMBER})\s*[>)]"
    rf"|(?P<number>{_NUMBER})"
    rf"|(?P<name>[^\W\d_][^\d\"<(\n:]{{0,60}}?)\s+(?P<after>{_NUMBER}))",
    re.IGNORECASE,
)
_MAILBOX = re.compile(r"\b(?:mailbox|extension|ext\.|buz[oó]n)\s*:?\s*(?P<mailbox>\d{2,10})\b", re.IGNORECASE)
_IN_MESSAGE_ID = re.compile(r"<Asterisk-\d+-\d+-(?P<mailbox>[^-@]+)-\d+@")  # app_voicemail.c
_URGENT = re.compile(r"\burgente?\b", re.IGNORECASE)
_SECONDS = re.compile(r"\(\s*(?P<seconds>\d{1,4})\s*(?:seconds?|secs?|segundos?)\s*\)", re.IGNORECASE)
_CLOCK = re.compile(
    r"\b(?:duration|length|duraci[oó]n)\s*:?\s*(?P<clock>(?:\d{1,2}:)?\d{1,2}:\d{2})\b|"
    r"\b(?P<long>\d{1,2}:\d{2})\s+long\b",
    re.IGNORECASE,
)
_IN_NAME = re.compile(rf"^(?P<number>{_NUMBER})\s*\(\d+ seconds?\)", re.IGNORECASE)
_TEXT = re.compile(
    r"^[ \t>*]*(?:voicemail\s+)?(?:transcript(?:ion)?|voicemail\s+preview|preview|transcripci[oó]n|vista\s+previa)"
    r"[ \t]*:[ \t]*\n?(?P<text>(?:[^\n]+\n?){1,60})",
    re.IGNORECASE | re.MULTILINE,
)
_LINK = re.compile(
    r"https://[^\s\"'<>]{0,300}(?:voice-?_?mail|voice-?message|recording|/messages?/)[^\s\"'<>]{0,700}", re.IGNORECASE
)


@dataclass(frozen=True)
class Notice:
    """What is known of the call, each only where the mail says so."""

    name: str = ""
    number: str | None = None
    mailbox: str = ""
    at: datetime | None = None
    urgent: bool = False
    vendor: dict[str, Any] | None = None  # see Recording.vendor


def read(
    *,
    system: str | None,
    headers: Mapping[str, Any],
    rfc_message_id: str | None,
    subject: str,
    text: str,
    html: str | None,
    filename: str,
    with_link: bool,
) -> Notice:
    """`with_link`: the mail has no audio, so where it can be heard is what matters."""
    given = {key.lower(): _first(value) for key, value in headers.items()}
    name, number = who_called(given, subject, text, filename)
    vendor: dict[str, Any] = {}
    if (seconds := duration(given, subject, text)) is not None:
        vendor["duration_s"] = seconds
    if match := _TEXT.search(text[:20_000]):
        words = " ".join(match["text"].split())
        if words:
            vendor["text"] = words[:LONGEST_TEXT]
    link = _LINK.search(text) or _LINK.search(html or "") if with_link else None
    if link is not None:
        vendor["link"] = link.group(0).replace("&amp;", "&")
    if vendor:
        vendor["by"] = NAMES.get(system or "", "the phone system")
    return Notice(
        name=name,
        number=number,
        mailbox=mailbox_of(given, rfc_message_id, subject, text),
        at=_epoch(given.get("x-asterisk-vm-orig-time", "")),
        urgent=_URGENT.search(subject) is not None
        or given.get("x-asterisk-vm-flag", "") == "Urgent"
        or (given.get("importance", "").lower() == "high" and system in ("microsoft", "ringcentral")),
        vendor=vendor or None,
    )


def who_called(given: Mapping[str, str], subject: str, text: str, filename: str = "") -> tuple[str, str | None]:
    """Name and number: from what phone systems put into headers, else from the usual sentences and the file's name."""
    if number := given.get("x-asterisk-callerid"):
        return given.get("x-asterisk-calleridname", ""), intake.caller(number)[1]
    if number := given.get("x-callingtelephonenumber"):
        return given.get("x-voicemessagesendername", ""), intake.phone_number(number)
    found = [match for place in (subject, text[:READ]) for match in _WHO.finditer(place)]
    said = [
        (
            match["quoted"] or match["name"] or "",
            intake.phone_number(match["bracketed"] or match["number"] or match["after"]),
        )
        for match in found
    ]
    if said:
        number = said[0][1]
        # The subject often has the number alone, and the text the name beside it.
        return next((name.strip() for name, same in said if same == number and name.strip()), ""), number
    if match := _IN_NAME.match(filename):
        return "", intake.phone_number(match["number"])
    return "", None


def mailbox_of(given: Mapping[str, str], rfc_message_id: str | None, subject: str, text: str) -> str:
    if extension := given.get("x-asterisk-vm-extension"):
        return extension
    if match := _IN_MESSAGE_ID.match(rfc_message_id or ""):
        return match["mailbox"]
    found = _MAILBOX.search(subject) or _MAILBOX.search(text[:READ])
    return found["mailbox"] if found else ""


def duration(given: Mapping[str, str], subject: str, text: str) -> float | None:
    """Seconds, as the phone system says."""
    for name in ("x-asterisk-vm-duration", "x-voicemail-length", "x-voicemessageduration"):
        if given.get(name, "").isdecimal():
            return float(given[name])
    if match := _SECONDS.search(subject):
        return float(match["seconds"])
    if match := _CLOCK.search(f"{subject}\n{text[:READ]}"):
        seconds = 0
        for part in (match["clock"] or match["long"]).split(":"):
            seconds = seconds * 60 + int(part)
        return float(seconds)
    return None


def _epoch(text: str) -> datetime | None:
    try:
        seconds = int(text)
    except ValueError:
        return None
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 1 << 33 else None


def _first(value: object) -> str:
    first = value[0] if isinstance(value, list) and value else value
    return str(first).strip() if first else ""
