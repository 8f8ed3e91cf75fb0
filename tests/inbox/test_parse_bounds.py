"""No bytes make the parser raise or keep what the store refuses; and neither its work nor its memory runs away."""

import base64
import binascii
import quopri
import sys
import tracemalloc
from collections.abc import Callable
from email import message_from_bytes

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.inbox import outline
from services.inbox.parse import Parsed, Surroundings, parse
from tests.fuzz.storable import texts
from tests.inbox.conftest import HELP

AROUND = Surroundings(own_addresses=frozenset({HELP}), secret="a secret of the center " * 3)


def calls_made(raw: bytes) -> int:
    """How many calls one parse makes: what a slow machine does not change."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        parse(raw, AROUND)
    finally:
        sys.setprofile(None)
    return calls


# Each grows with its argument; twice the mail may cost twice the work, not four times.
BOMBS: dict[str, Callable[[int], bytes]] = {
    "encoded words in To": lambda n: b"To: " + b"=?utf-8?q?Jos=C3=A9?= <a@b.example>, " * (27 * n) + b"\n\nx",
    "encoded words in the subject": lambda n: b"Subject: " + b"=?utf-8?q?a?= " * (200 * n) + b"\n\nx",
    "a header without end": lambda n: b"X-A: " + b"b" * (20_000 * n) + b"\nSubject: s\n\nx",
    "headers": lambda n: b"X-A: b\n" * (400 * n) + b"\n\nx",
    "parts": lambda n: b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * (300 * n),
    "parts that cannot be told apart": lambda n: b"Content-Type: multipart/mixed; boundary=abcd\n\n"
    + b"x--abcd\nq\n" * (300 * n),
    "address headers full of comments": lambda n: (b"To: " + b"(a" * 90 + b"\n") * (20 * n) + b"\n\nx",
    "cells of a table": lambda n: b"Content-Type: text/html\n\n<table>" + b"<tr><td>a" * (60 * n),
    "named parts of html": lambda n: b"Content-Type: text/html\n\n" + b"<div class=gmail_quote>a</div>" * (60 * n),
    "unclosed comments": lambda n: b"From: " + b"(" * (200 * n) + b"\n\nx",
    "quotes": lambda n: b"From: a@b.example\n\n" + b"> quoted text of some length\n" * (270 * n),
    "attributions without end": lambda n: b"From: a@b.example\n\n" + b"On Monday, <a@b.example>\n" * (300 * n),
    "uuencode without end": lambda n: b"From: a@b.example\n\n" + b"begin 644 x\n" * (600 * n),
    "deep html": lambda n: b"Content-Type: text/html\n\n" + b"<div>" * (1000 * n),
    "html of one line": lambda n: b"Content-Type: text/html\n\n" + b"<b>x</b> " * (200 * n),
    "conditions of Outlook left open": lambda n: b"Content-Type: text/html\n\nx" + b"<!--[if " * (500 * n),
    "a daemon's addresses": lambda n: b"From: mailer-daemon@b.example\nSubject: failure notice\n\n"
    + b"<user@example.com>:\n550 no\n" * (40 * n),
    "groups of a delivery report": lambda n: b"Content-Type: multipart/report; report-type=delivery-status; boundary=b"
    b"\n\n--b\nContent-Type: message/delivery-status\n\n"
    + b"Final-Recipient: rfc822; a@b.example\nAction: failed\n\n" * (20 * n),
    "attributes of TNEF": lambda n: b"Content-Type: application/ms-tnef\n\n\x78\x9f\x3e\x22\x01\x00"
    + b"\x02\x02\x90\x06\x00" * (400 * n),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_work_grows_no_faster_than_the_mail(name: str) -> None:
    calls_made(BOMBS[name](1))  # what is made once: caches, compiled expressions
    small, large = calls_made(BOMBS[name](4)), calls_made(BOMBS[name](8))
    assert large <= 2.4 * small + 2_000


@pytest.mark.parametrize(
    ("raw", "defect"),
    [
        (b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1500)),
            "parts nested too deeply"),
        (b"From: a@b.example\n\n" + b"a\n" * 100_000, "a very long text, cut: the raw mail has it all"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n" + (b"--b\n\n" + b"a\n" * 6) * 19_000,
            "more lines than text: shown as it came"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 30_000,
            "more than 20000 parts: shown as it came"),
        (b"Content-Type: text/html\n\n" + b"x<br>" * 120_000, "a very long text, cut: the raw mail has it all"),
    ],
)  # fmt: skip
def test_what_is_out_of_all_proportion_is_cut(raw: bytes, defect: str) -> None:
    assert defect in parse(raw, AROUND).defects


MEGABYTE = 1_000_000
LINE = b"a line of a text as people write it, or as programs do\n"
TIMES = 4  # its size is what a mail may take, and
BESIDE = 8_000_000  # bytes; libxml2's, which are bounded by the number of tags, are not seen here
LARGE: dict[str, Callable[[], bytes]] = {
    "attachment": (lambda: b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(bytes(range(256)) * (MEGABYTE // 256))),
    "text": (lambda: b"From: a@b.example\n\n" + LINE * (MEGABYTE // 55)),
    "text of eight bits": (lambda: b"From: a@b.example\n\n" + "una línea con señas y año\n".encode() * 35_000),
    "one line": (lambda: b"From: a@b.example\n\n" + b"word " * (MEGABYTE // 5)),
    "html": (lambda: b"Content-Type: text/html\n\n" + b"<p>one paragraph of a text in a letter</p>\n" * 23_000),
    "messages in messages": (lambda: b"".join(b"Content-Type: message/rfc822\n\nSubject: x\n" for _ in range(20))
        + b"\n" + LINE * (MEGABYTE // 2 // 55)),
}  # fmt: skip


FILE = bytes(range(256)) * 800
ENCODED: dict[str, tuple[bytes, bytes]] = {
    "base64": (b"base64", base64.encodebytes(FILE)),
    "base64 on one line": (b"BASE64", base64.b64encode(FILE)),
    "base64 with a letter too many": (b"base64", base64.encodebytes(FILE[:-2]).rstrip() + base64.b64encode(FILE[-2:])),
    "quoted-printable": (b"quoted-printable", quopri.encodestring(FILE, quotetabs=True).replace(b"\r", b"=0D")),
    "quoted-printable on one line": (b"quoted-printable", b"".join(b"=%02X" % letter for letter in FILE)),
    "uuencoded": (b"x-uuencode", b"begin 644 x\n" + b"".join(
        binascii.b2a_uu(FILE[at : at + 45]) for at in range(0, len(FILE), 45)) + b"`\nend\n"),
    "as it is": (b"8bit", FILE.replace(b"\n", b"").replace(b"\r", b"")),
}  # fmt: skip


@pytest.mark.parametrize("name", ENCODED)
def test_what_is_set_aside_comes_back_byte_for_byte(name: str) -> None:
    encoding, body = ENCODED[name]
    head = b"From: a@b.example\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\nwords\n--bb\n"
    part = b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: " + encoding + b"\n\n" + body
    raw = head + part + b"\n--bb\nContent-Type: message/rfc822\n\nSubject: inside\n" + part + b"\n--bb--\n"
    root = outline.open_message(raw)
    assert len(root.as_bytes()) < 90_000 < len(raw)  # what the library has seen
    parsed = parse(raw, AROUND)
    assert [file.filename for file in parsed.files] == ["a.pdf", "inside.eml", "a.pdf"]
    file, message, again = parsed.files
    expected = message_from_bytes(part).get_payload(decode=True)
    assert file.data == again.data == expected
    assert message.data == b"Subject: inside\n" + part
    assert file.content.size_at_most >= len(expected)


def test_files_full_of_lines_that_begin_with_dashes_are_files() -> None:
    text = b"-- a comment\nSELECT 1;\n" * 30_000
    part = b"--bb\nContent-Type: text/x-sql\nContent-Disposition: attachment; filename=a.sql\n\n" + text
    parsed = parse(b"Content-Type: multipart/mixed; boundary=bb\n\n--bb\n\nwords\n" + part + b"\n--bb--\n", AROUND)
    assert [(file.filename, file.data) for file in parsed.files] == [("a.sql", text)]
    assert "shown as it came" not in " ".join(parsed.defects)


@pytest.mark.parametrize("name", LARGE)
def test_memory_stays_a_few_times_the_mail(name: str) -> None:
    raw = LARGE[name]()
    parse(b"From: a@b.example\nContent-Type: text/html\n\n<p>warm</p>", AROUND)
    tracemalloc.start()
    try:
        parse(raw, AROUND)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= TIMES * len(raw) + BESIDE, f"{peak / len(raw):.1f} times"


# Mail as a grammar: headers that are nearly right, parts in parts, bodies in any charset and encoding.
WORDS = st.sampled_from(
    ["Hola", "señal", "=?utf-8?q?a?=", "=?utf-8?b?YQ?=", "=?x?q?=FF?=", "\x00", "(", '"', "a@b.example",
     "<a@b.example>", HELP, ";", "undisclosed-recipients:;", "=?", "?=", "\udcff", ",", "\t", "5.1.1", "failed",
     "pass", "dmarc=fail"]
)  # fmt: skip
VALUES = st.lists(WORDS, max_size=6).map(" ".join)
NAMES = st.sampled_from(
    ["From", "To", "Cc", "Subject", "Message-ID", "References", "In-Reply-To", "Date", "Reply-To", "Return-Path",
     "Received", "Authentication-Results", "Auto-Submitted", "List-Id", "X-Failed-Recipients", "X-Spam-Flag",
     "Content-ID", "Content-Disposition", "DKIM-Signature", "ARC-Seal", "From ", "Broken header"]
)  # fmt: skip
HEADERS = st.lists(st.tuples(NAMES, VALUES).map(lambda pair: f"{pair[0]}: {pair[1]}\n"), max_size=6).map("".join)
CHARSETS = st.sampled_from(["", "utf-8", "utf-7", "utf-16", "iso-2022-jp", "big5", "x-none", "punycode", "hz", "rot13"])
ENCODINGS = st.sampled_from(["", "7bit", "base64", "quoted-printable", "x-uuencode", "7-bit", "base64;", "binary"])
KINDS = st.sampled_from(
    ["text/plain", "text/html", "text/calendar", "message/delivery-status", "message/feedback-report",
     "message/disposition-notification", "text/rfc822-headers", "application/ms-tnef", "application/pkcs7-mime",
     "image/png", "message/partial", "text", ""]
)  # fmt: skip
BODIES = st.binary(max_size=40) | VALUES.map(lambda text: text.encode("utf-8", "surrogateescape")) | st.sampled_from(
    [b"begin 644 x\n+2&5L;&\\@=V]R;&0`\n`\nend\n", b"> quoted\n\nOn Mon, a@b.example wrote:\n> x\n",
     b"\x78\x9f\x3e\x22",
     b"Final-Recipient: rfc822; a@b.example\nAction: failed\n", b"<p>one<blockquote>two", b"\xff\xfea\x00"]
)  # fmt: skip


def leaf(headers: str, kind: str, charset: str, encoding: str, body: bytes) -> bytes:
    head = f'{headers}Content-Type: {kind}; charset={charset}; name="ñ"\nContent-Transfer-Encoding: {encoding}\n\n'
    return head.encode("utf-8", "surrogateescape") + body


def parts(children: list[bytes], subtype: str, boundary: str, closed: bool) -> bytes:
    mark = f"--{boundary}".encode()
    body = b"".join(mark + b"\n" + child + b"\n" for child in children) + (mark + b"--\n" if closed else b"")
    return f"Content-Type: multipart/{subtype}; boundary={boundary}; report-type={subtype}\n\n".encode() + body


LEAVES = st.builds(leaf, HEADERS, KINDS, CHARSETS, ENCODINGS, BODIES)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        parts, st.lists(inner, max_size=4),
        st.sampled_from(["mixed", "alternative", "related", "report", "signed", "encrypted", "delivery-status"]),
        st.sampled_from(["b", "bb", "-", "B", "=_x"]), st.booleans(),
    ) | inner.map(lambda child: b"Content-Type: message/rfc822\n\n" + child),
    max_leaves=8,
)  # fmt: skip
MAILS = st.builds(lambda headers, tree: headers.encode("utf-8", "surrogateescape") + tree, HEADERS, TREES)


def assert_storable(parsed: Parsed) -> None:
    for text in texts(parsed):
        assert "\x00" not in text
        text.encode("utf-8")


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(MAILS | MAILS.map(lambda raw: raw.replace(b"\n", b"\r\n")) | st.lists(MAILS, max_size=2).map(b"\x00".join))
@example(b"Content-Type: ;\n\n")
@example(b"From: <>\nTo: @,@\nDate: Mon, 99 Xxx 0000 99:99:99 +9999\n\n")
def test_no_mail_makes_it_raise(raw: bytes) -> None:
    assert_storable(parse(raw, AROUND))
