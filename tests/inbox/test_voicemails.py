"""A phone system's notice is believed by its headers and by who authenticated, never by its subject."""

from email import message_from_bytes
from typing import Any

import pytest

from services.inbox import headers, voicemails
from services.inbox.parse import Parsed, Surroundings, parse, settle_voicemail

SECRET = "s" * 32
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="


def mail(*lines: str, audio: bool = True, sender: str = "pbx@center.example", body: str = "A message.") -> bytes:
    part = ""
    if audio:
        part = "\r\n--b\r\nContent-Type: application/octet-stream; name=msg0001.wav\r\n"
        part += f"Content-Transfer-Encoding: base64\r\n\r\n{WAV}"
    own = [f"From: PBX <{sender}>", "To: help@center.example", "Subject: hello", "Message-ID: <1@pbx>"]
    head = "\r\n".join([*lines, *own, "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b"])
    return f"{head}\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{body}{part}\r\n--b--\r\n".encode()


def settled(data: bytes, verdict: str = "unknown", **values: Any) -> Parsed:
    around = Surroundings(own_addresses=frozenset({"help@center.example"}), secret=SECRET, **values)
    parsed = parse(data, around)
    parsed.authentication |= {"verdict": verdict}
    settle_voicemail(parsed)
    return parsed


LISTED = {"voicemail_senders": frozenset({"pbx@center.example"})}
RECEIVED = ("Received: from imap (localhost [127.0.0.1]) by mx with LMTP; 16 Nov 2026 08:05 +0000",
            "Received: from pbx (pbx.center.example [10.0.0.5]) by mx.center.example; 16 Nov 2026 08:05 +0000",
            "Received: from evil (evil.example [203.0.113.9]) by pbx; Mon, 16 Nov 2026 08:04:00 +0000")  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "values", "why", "accepted"),
    [
        ("pass", LISTED, "authenticated", True),
        ("pass", {"voicemail_senders": frozenset({"center.example"})}, "authenticated", True),
        ("fail", LISTED | {"voicemail_hosts": ("*",)}, "failed", False),
        ("unknown", LISTED, "unauthenticated", False),
        ("none", LISTED, "unauthenticated", False),
        ("none", LISTED | {"voicemail_hosts": ("10.0.0.0/24",)}, "host", True),
        ("none", LISTED | {"voicemail_hosts": ("pbx.center.example",)}, "host", True),
        ("none", LISTED | {"voicemail_hosts": ("203.0.113.9",)}, "unauthenticated", False),
        ("unknown", {"voicemail_folder": True}, "folder", True),
    ],
)
def test_who_sent_it_decides(verdict: str, values: dict[str, Any], why: str, accepted: bool) -> None:
    parsed = settled(mail(*RECEIVED), verdict, **values)
    assert parsed.voicemail == {"system": None, "accepted": accepted, "why": why}
    assert parsed.voicemails == ({0} if accepted else set())


@pytest.mark.parametrize(
    ("header", "system"),
    [
        ("X-Asterisk-CallerID: 4155550123", "asterisk"),
        ("X-FusionPBX-Email-Type: voicemail", "fusionpbx"),
        ("X-Voicemail-Length: 7", "freeswitch"),
        ("X-VoiceMessageDuration: 7", "microsoft"),
        ("Content-Class: voice-ca", "microsoft"),
    ],
)
def test_headers_tell_the_system_and_a_stranger_who_writes_them_is_warned_of(header: str, system: str) -> None:
    stranger = settled(mail(header, sender="billing@evil.example"), "pass", **LISTED)
    assert stranger.voicemail == {"system": system, "accepted": False, "why": "not_listed"}
    assert stranger.voicemails == set()
    ours = settled(mail(header), "pass", **LISTED)
    assert ours.voicemail == {"system": system, "accepted": True, "why": "authenticated"}
    name, _, value = header.partition(": ")
    assert ours.headers[name.lower()] == value


def test_a_link_alone_is_a_voicemail_where_the_sender_is_known() -> None:
    senders = {"voicemail_senders": frozenset({"ringcentral.com"})}
    body = "Listen: https://service.ringcentral.com/mobile/voicemail/msg?id=1"
    data = mail(audio=False, sender="service@ringcentral.com", body=body)
    assert settled(data, "pass", **senders).voicemail == {
        "system": "ringcentral", "accepted": True, "why": "authenticated",
    }  # fmt: skip
    assert (settled(data, "fail", **senders).voicemail or {})["accepted"] is False
    news = mail(audio=False, sender="service@ringcentral.com", body="Our new prices")
    assert settled(news, "pass", **senders).voicemail is None


def test_other_mail_is_other_mail() -> None:
    """Also when its subject and its attachment say voicemail."""
    parsed = settled(mail(sender="jane@example.org"), "pass", **LISTED)
    assert (parsed.voicemail, parsed.voicemails) == (None, set())


def test_the_host_is_the_one_our_server_saw() -> None:
    root = message_from_bytes(mail(*RECEIVED), policy=headers.GUARDED)
    assert voicemails.sending_host(root) == ("10.0.0.5", "pbx.center.example")
    assert voicemails.sending_host(message_from_bytes(mail(), policy=headers.GUARDED)) == ()
