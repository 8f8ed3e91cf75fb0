"""Mails made to cost much: the large ones that people send, and the ones that nobody sends by accident."""

import base64
from collections.abc import Callable

MEGABYTE = 1_000_000
LINE = b"a line of a text as people write it, or as programs do\n"
BASE64 = b"Content-Transfer-Encoding: base64\n"
HTML = b"Content-Type: text/html; charset=utf-8\n\n"
TEXT = b"Content-Type: text/plain; charset=utf-8\n\n"
HEAD = b"From: Ana <ana@example.com>\nSubject: My bill\n"


def repeated(piece: bytes, size: int) -> bytes:
    return piece * (size // len(piece))


def encoded(size: int) -> bytes:
    """A base64 block of about so many bytes."""
    return base64.encodebytes(repeated(bytes(range(256)), size * 19 // 26))


def attached(size: int, kind: bytes = b"application/pdf", name: bytes = b"bill.pdf") -> bytes:
    return (
        b"Content-Type: multipart/mixed; boundary=bb\n\n--bb\n" + TEXT + b"My bill.\n--bb\nContent-Type: " + kind
        + b"; name=" + name + b"\nContent-Disposition: attachment\n" + BASE64 + b"\n" + encoded(size) + b"--bb--\n"
    )  # fmt: skip


def many_attached(size: int, count: int) -> bytes:
    one = b"--bb\nContent-Type: image/png; name=a.png\n" + BASE64 + b"\n" + encoded(size // count)
    return b"Content-Type: multipart/mixed; boundary=bb\n\n--bb\n" + TEXT + b"Photos.\n" + one * count + b"--bb--\n"


def nested(size: int, depth: int) -> bytes:
    return HEAD + b"".join(b"Content-Type: message/rfc822\n\nSubject: inside\n" for _ in range(depth)) + attached(size)


def tnef(size: int) -> bytes:
    """winmail.dat with one file."""
    data = repeated(bytes(range(256)), size * 19 // 26)
    stream = b"\x78\x9f\x3e\x22\x01\x00" + b"\x02\x02\x90\x06\x00\x04\x00\x00\x00abcd\x00\x00"
    stream += b"\x02\x0f\x80\x06\x00" + len(data).to_bytes(4, "little") + data + b"\x00\x00"
    return HEAD + b"Content-Type: application/ms-tnef\n" + BASE64 + b"\n" + base64.encodebytes(stream)


def compressed_rtf(size: int) -> bytes:
    """winmail.dat whose body is RTF that grows ninefold when it is opened."""
    packed = b"\xff" + b"\x00\x0e" * 8
    packed = b"\x00" * 8 + b"LZFu" + b"\x00" * 4 + repeated(packed, size * 19 // 26)
    prop = b"\x02\x01\x09\x10" + (1).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + packed
    value = (1).to_bytes(4, "little") + prop + b"\x00" * (-len(packed) % 4)
    stream = b"\x78\x9f\x3e\x22\x01\x00\x01\x03\x90\x06\x00" + len(value).to_bytes(4, "little") + value + b"\x00\x00"
    return HEAD + b"Content-Type: application/ms-tnef\n" + BASE64 + b"\n" + base64.encodebytes(stream)


def signed(size: int) -> bytes:
    """S/MIME with the message inside."""

    def element(tag: int, content: bytes) -> bytes:
        return bytes((tag, 0x84)) + len(content).to_bytes(4, "big") + content

    inner = element(0x04, attached(size * 19 // 26))
    kind = element(0x06, bytes.fromhex("2a864886f70d010701"))
    data = element(0x30, element(0x02, b"\x01") + element(0x31, b"") + element(0x30, kind + element(0xA0, inner)))
    stream = element(0x30, element(0x06, bytes.fromhex("2a864886f70d010702")) + element(0xA0, data))
    head = b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\n"
    return HEAD + head + BASE64 + b"\n" + base64.encodebytes(stream)


def uuencoded(size: int) -> bytes:
    return HEAD + TEXT + b"begin 644 bill.pdf\n" + repeated(b"M" + b"9" * 60 + b"\n", size) + b"`\nend\n"


# What people and programs send.
LARGE: dict[str, Callable[[int], bytes]] = {
    "attachment": lambda size: HEAD + attached(size),
    "mail that is only a file": lambda size: HEAD + b"Content-Type: application/pdf\n" + BASE64 + b"\n" + encoded(size),
    "200 pictures": lambda size: HEAD + many_attached(size, 200),
    "attachment of text": lambda size: HEAD
    + b"Content-Type: multipart/mixed; boundary=bb\n\n--bb\nContent-Type: text/csv\n"
    + b"Content-Disposition: attachment; filename=a.csv\n\n" + repeated(LINE, size) + b"--bb--\n",
    "mail attached to a mail": lambda size: nested(size, 1),
    "winmail.dat": tnef,
    "signed by S/MIME": signed,
    "uuencoded file": uuencoded,
    "text": lambda size: HEAD + TEXT + repeated(LINE, size),
    "text of eight bits": lambda size: HEAD + TEXT + repeated("una línea con señas y año\n".encode(), size),
    "text with a picture sign": lambda size: HEAD + TEXT + "\U0001f600".encode() + repeated(LINE, size),
    "text in base64": lambda size: HEAD + b"Content-Type: text/plain; charset=utf-8\n" + BASE64 + b"\n" + encoded(size),
    "quoted text": lambda size: HEAD + TEXT + b"Yes.\n\nOn Monday, ana@example.com wrote:\n"
    + repeated(b"> quoted text of some length, as it comes\n", size),
    "html": lambda size: HEAD + HTML + repeated(b"<p>one paragraph of a text in a letter</p>\n", size),
    "html with pictures in it": lambda size: HEAD + HTML + b'<p>Look:</p><img src="data:image/png;base64,'
    + encoded(size).replace(b"\n", b"") + b'">',
    "html of eight bits": lambda size: HEAD + HTML + "\U0001f600".encode()
    + repeated("<p>un párrafo de una carta con señas</p>\n".encode(), size),
}  # fmt: skip

# What is made to hurt.
CRAFTED: dict[str, Callable[[int], bytes]] = {
    "one line": lambda size: HEAD + TEXT + repeated(b"word ", size),
    "empty lines": lambda size: HEAD + TEXT + repeated(b"\n", size),
    "short lines": lambda size: HEAD + TEXT + repeated(b"a b\n", size),
    "lines that are quoted in turn": lambda size: HEAD + TEXT + repeated(b"> a\nb c\n", size),
    "lines that begin as attributions": lambda size: HEAD + TEXT + repeated(b"On Monday, <a@b.example>\n", size),
    "lines that look like headers": lambda size: HEAD + TEXT + repeated(b"From: a@b.example\nTo: b\n", size),
    "lines that begin with two dashes": lambda size: HEAD + TEXT + repeated(b"-- a\n", size),
    "dashes": lambda size: HEAD + TEXT + repeated(b"-", size),
    "carriage returns": lambda size: HEAD + TEXT + repeated(b"a\r", size),
    "surrogates": lambda size: HEAD + TEXT + repeated(b"\xff\xfe\xfd ", size),
    "names of parts that are glued": lambda size: HEAD + b"Content-Type: multipart/mixed; boundary=abcd\n\n"
    + repeated(b"x--abcd\nq\n", size),
    "parts": lambda size: HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + repeated(b"--b\n\nx\n", size),
    "parts, 15,000": lambda size: HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 15_000
    + repeated(LINE, size),
    "two dashes every 30 lines": lambda size: HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + TEXT
    + repeated(LINE * 30 + b"--x\n", size) + b"--b--\n",
    "parts nested 90 deep": lambda size: HEAD
    + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(90))
    + TEXT + repeated(LINE, size),
    "mails nested 20 deep": lambda size: nested(size, 20),
    "mails nested 900 deep": lambda size: HEAD + b"Content-Type: message/rfc822\n\n" * 900 + TEXT
    + repeated(LINE, size),
    "headers": lambda size: repeated(b"X-A: b\n", size) + HEAD + b"\nx",
    "one header": lambda size: b"X-A: " + repeated(b"b", size) + b"\n" + HEAD + b"\nx",
    "addresses": lambda size: b"To: " + repeated(b"=?utf-8?q?Jos=C3=A9?= <a@b.example>, ", size) + b"\n" + HEAD
    + b"\nx",
    "many To headers": lambda size: repeated(b"To: " + b"(a" * 900 + b" a@b.example\n", size) + HEAD + b"\nx",
    "many To headers of words": lambda size: repeated(b"To: " + b"a b <a@b.example>, " * 90 + b"c@d.example\n", size)
    + HEAD + b"\nx",
    "uuencode without end": lambda size: HEAD + TEXT + repeated(b"begin 644 x\n", size),
    "uuencoded files": lambda size: HEAD + TEXT + repeated(b"begin 644 x\n#86)C\n`\nend\n", size),
    "pgp lines": lambda size: HEAD + TEXT + b"-----BEGIN PGP SIGNED MESSAGE-----\n\n" + repeated(b"- a\n", size),
    "delivery reports": lambda size: HEAD.replace(b"ana@", b"mailer-daemon@")
    + b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n"
    b"Content-Type: message/delivery-status\n\n"
    + repeated(b"Final-Recipient: rfc822; a@b.example\nAction: failed\n\n", size),
    "a daemon's words": lambda size: HEAD.replace(b"ana@", b"mailer-daemon@").replace(b"My bill", b"failure notice")
    + TEXT + repeated(b"<user@example.com>:\n550 no\n", size),
    "winmail.dat with packed RTF": compressed_rtf,
    "attributes of winmail.dat": lambda size: HEAD + b"Content-Type: application/ms-tnef\n\n\x78\x9f\x3e\x22\x01\x00"
    + repeated(b"\x02\x02\x90\x06\x00", size),
    "html, cells": lambda size: HEAD + HTML + b"<table>" + repeated(b"<tr><td>a", size),
    "html, tables in tables": lambda size: HEAD + HTML + repeated(b"<table><tr><td>", size),
    "html, one wide table": lambda size: HEAD + HTML + b"<table><tr>" + repeated(b"<td>", size),
    "html, bold": lambda size: HEAD + HTML + repeated(b"<b>", size),
    "html, closed": lambda size: HEAD + HTML + repeated(b"<b>x</b>", size),
    "html, line ends": lambda size: HEAD + HTML + repeated(b"x<br>", size),
    "html, quotes in quotes": lambda size: HEAD + HTML + repeated(b"<blockquote type=cite>a", size),
    "html, named parts": lambda size: HEAD + HTML + repeated(b'<div class="gmail_quote">a</div>', size),
    "html, lists": lambda size: HEAD + HTML + repeated(b"<ul><li>a", size),
    "html, preformatted": lambda size: HEAD + HTML + b"<pre>" + repeated(b"a\n", size),
    "html, attributes": lambda size: HEAD + HTML + b"<p " + b" ".join(b"a%d=1" % n for n in range(size // 9)) + b">x",
    "html, one attribute": lambda size: HEAD + HTML + b'<p style="' + repeated(b"display:", size) + b'">x',
    "html, styles": lambda size: HEAD + HTML + b"<style>" + repeated(b".a{color:red}\n", size) + b"</style><p>x",
    "html, comments": lambda size: HEAD + HTML + repeated(b"<!--a-->", size),
    "html, conditions left open": lambda size: HEAD + HTML + b"x" + repeated(b"<!--[if ", size),
    "html, entities": lambda size: HEAD + HTML + repeated(b"&eacute;", size),
    "html, forms and links": lambda size: HEAD + HTML + repeated(b"<form><a><p></form>", size),
    "html, pictures begun": lambda size: HEAD + HTML + repeated(b"data:a/b;base64,", size),
}  # fmt: skip
