"""What the mails of phone systems say, in the shapes that Asterisk, FusionPBX, FreeSWITCH and clouds give them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.voicemail import notices
from services.voicemail.notices import Notice

ASTERISK = """Dear Help Desk:

\tjust wanted to let you know you were just left a 0:07 long message (number 3)
in mailbox 1000 from "JANE DOE" <4155550123>, on Monday, November 16, 2026 at 08:05:00 AM so you might
want to check it when you get a chance.  Thanks!

\t\t\t\t--Asterisk
"""
FREEPBX = """Help Desk,

There is a new voicemail in mailbox 1000:

\tFrom:\t"JANE DOE" <4155550123>
\tLength:\t0:07 seconds
\tDate:\tMonday, November 16, 2026 at 08:05:00 AM
"""
FUSIONPBX = """Voicemail from JANE DOE 4155550123
Created: 16 Nov 2026 08:05
Duration: 0:00:07
Transcription:
Please call me back about my bill.
"""
RINGCENTRAL = """Voice Message

Dear Help Desk,

You have a new voice message:

From: JANE DOE (415) 555-0123
Received: Monday, November 16, 2026 at 8:05 AM
Length: 00:07
To: (707) 555-0100 * Ext. 101
Voicemail Preview:
"Please call me back about my bill."

To listen to this message, open https://service.ringcentral.com/mobile/voicemail/msg?id=1
"""
ZOOM = """You have a new voicemail

Caller: JANE DOE (+14155550123)
Extension: 801
Duration: 00:07
Transcript: Please call me back about my bill.

https://zoom.us/phone/voicemail/detail?id=1
"""


def read(**values: Any) -> Notice:
    given: dict[str, Any] = {
        "system": None, "headers": {}, "rfc_message_id": None, "subject": "", "text": "", "html": None,
        "filename": "", "with_link": False,
    }  # fmt: skip
    return notices.read(**given | values)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"system": "asterisk",
             "headers": {"x-asterisk-callerid": "4155550123", "x-asterisk-calleridname": "JANE DOE"},
             "rfc_message_id": "<Asterisk-3-1804289383-1000-4711@pbx.example>", "text": ASTERISK},
            Notice("JANE DOE", "+14155550123", "1000", vendor={"duration_s": 7.0, "by": "Asterisk"}),
        ),
        (
            {"system": "asterisk", "text": ASTERISK, "subject": "[PBX]: New message 3 in mailbox 1000"},
            Notice("JANE DOE", "+14155550123", "1000", vendor={"duration_s": 7.0, "by": "Asterisk"}),
        ),
        (
            {"system": "asterisk", "text": FREEPBX},
            Notice("JANE DOE", "+14155550123", "1000", vendor={"duration_s": 7.0, "by": "Asterisk"}),
        ),
        (
            {"system": "asterisk",
             "headers": {"X-Asterisk-VM-Orig-time": "1794931508", "X-Asterisk-VM-Flag": "Urgent",
                         "X-Asterisk-VM-Duration": "7", "X-Asterisk-VM-Extension": "3000"}},
            Notice("", None, "3000", datetime(2026, 11, 17, 16, 5, 8, tzinfo=UTC), urgent=True,
                   vendor={"duration_s": 7.0, "by": "Asterisk"}),
        ),
        (
            {"system": "fusionpbx", "subject": "Voicemail JANE DOE <4155550123> 0:07", "text": FUSIONPBX},
            Notice("JANE DOE", "+14155550123", "",
                   vendor={"duration_s": 7.0, "text": "Please call me back about my bill.", "by": "FusionPBX"}),
        ),
        (
            {"system": "freeswitch", "headers": {"x-voicemail-length": "7"},
             "subject": "Voicemail from JANE DOE <4155550123>"},
            Notice("JANE DOE", "+14155550123", "", vendor={"duration_s": 7.0, "by": "FreeSWITCH"}),
        ),
        (
            {"system": "ringcentral", "subject": "New Voicemail from (415) 555-0123", "text": RINGCENTRAL,
             "with_link": True},
            Notice("JANE DOE", "+14155550123", "101", vendor={
                "duration_s": 7.0, "text": '"Please call me back about my bill."', "by": "RingCentral",
                "link": "https://service.ringcentral.com/mobile/voicemail/msg?id=1"}),
        ),
        (
            {"system": "zoom", "text": ZOOM, "with_link": True},
            Notice("JANE DOE", "+14155550123", "801", vendor={
                "duration_s": 7.0, "text": "Please call me back about my bill.", "by": "Zoom",
                "link": "https://zoom.us/phone/voicemail/detail?id=1"}),
        ),
        (
            {"system": "microsoft", "subject": "Voice Mail from 4155550123 (7 seconds)",
             "headers": {"x-callingtelephonenumber": "+14155550123", "x-voicemessageduration": "7",
                         "x-voicemessagesendername": "Jane Doe"}},
            Notice("Jane Doe", "+14155550123", "", vendor={"duration_s": 7.0, "by": "Microsoft"}),
        ),
        (
            {"system": "microsoft", "subject": "Voice Mail (34 seconds)",
             "filename": "4155550123 (34 seconds) Voice Mail.wma"},
            Notice("", "+14155550123", "", vendor={"duration_s": 34.0, "by": "Microsoft"}),
        ),
        ({"subject": "Hello", "text": "Nothing of that kind."}, Notice()),
    ],
    ids=["asterisk", "asterisk-without-headers", "freepbx", "asterisk-imap", "fusionpbx", "freeswitch", "ringcentral",
         "zoom", "exchange", "microsoft-cloud", "other"],
)  # fmt: skip
def test_each_system_is_read(given: dict[str, Any], expected: Notice) -> None:
    assert read(**given) == expected


def test_the_link_is_kept_only_where_there_is_no_audio() -> None:
    assert "link" not in (read(system="zoom", text=ZOOM).vendor or {})
    html = '<a href="https://x.example/voicemail?a=1&amp;b=2">Listen</a>'
    assert (read(html=html, with_link=True).vendor or {})["link"] == "https://x.example/voicemail?a=1&b=2"
