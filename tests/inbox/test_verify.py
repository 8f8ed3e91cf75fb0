"""Who really wrote: our server's word, and DKIM, DMARC and ARC looked up at a DNS server on loopback."""

import base64
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import select

from services.inbox import dns_lookup, headers, verify
from services.inbox.dns_lookup import DnsAway, Resolver
from services.inbox.parse import Surroundings, parse
from services.inbox.process import Processor
from shared import clock
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Mailbox, MailReceipt, Problem
from shared.settings import Settings
from tests.inbox.conftest import HELP, mail, mailbox, messages, rows
from tests.servers.dns import DnsServer

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)
PRIVATE = _KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
PUBLIC = base64.b64encode(_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
KEY_RECORD = f"v=DKIM1; k=rsa; p={PUBLIC}"
RECORDS = {
    "s1._domainkey.example.com": KEY_RECORD,
    "s1._domainkey.news.example.com": KEY_RECORD,
    "s1._domainkey.sender.example.net": KEY_RECORD,
    "s1._domainkey.relay.example.org": KEY_RECORD,
    "_dmarc.example.com": "v=DMARC1; p=reject; adkim=r",
    "_dmarc.strict.example": "v=DMARC1; p=reject; adkim=s",
    "s1._domainkey.mail.strict.example": KEY_RECORD,
}


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer(RECORDS) as server:
        yield server


def signed(raw: bytes, domain: str, **more: Any) -> bytes:
    raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    header: bytes = dkim.sign(raw, b"s1", domain.encode(), PRIVATE, **more)
    return header + raw


def written_by(address: str, **headers: str) -> bytes:
    return mail("My bill", "How much do I owe?", sender=f"Ana <{address}>", **headers)


async def verdict(
    database: Database, blobs: Blobs, settings: Settings, dns: DnsServer, raw: bytes, **box: Any
) -> dict[str, Any]:
    """What stands in the message row after the inbox has processed this mail."""
    the_box = mailbox("main", HELP, imap_port=1, **box)
    changed = settings.model_copy(
        update={"mailboxes": [the_box], "verify_senders": "auto", "dns_servers": [dns.address]}
    )
    async with database.transaction() as session:
        row = Mailbox(name="main", address=HELP)
        session.add(row)
        await session.flush()
        session.add(
            MailReceipt(
                mailbox_id=row.id, folder="INBOX", uidvalidity=1, uid=1, blob=blobs.put_sync(raw), size=len(raw),
                internal_date=clock.now(),
            )
        )  # fmt: skip
        box_id = row.id
    processor = Processor(database, blobs, changed)
    processor.knows({box_id: the_box}, frozenset({HELP}))
    await processor.drain()
    (message,) = await messages(database)
    return message.authentication


Case = tuple[bytes, dict[str, Any]]
CASES: dict[str, Case] = {
    "aligned signature": (
        signed(written_by("ana@example.com"), "example.com"),
        {"verdict": "pass", "verified_by": "here", "domain": "example.com", "dkim": "pass", "dmarc": "pass"}),
    "signature of a subdomain": (
        signed(written_by("ana@example.com"), "news.example.com"),
        {"verdict": "pass", "domain": "news.example.com", "dmarc": "pass"}),
    "no policy is published": (
        signed(written_by("ana@sender.example.net"), "sender.example.net"),
        {"verdict": "pass", "domain": "sender.example.net", "dkim": "pass"}),
    "changed on the way": (
        signed(written_by("ana@example.com"), "example.com").replace(b"owe?", b"owe you?"),
        {"verdict": "fail", "verified_by": "here", "domain": None, "dkim": "fail", "dmarc": "fail"}),
    "words added below what was signed": (
        signed(written_by("ana@example.com"), "example.com", length=True) + b"Pay me instead.\r\n",
        {"verdict": "fail", "dkim": "fail"}),
    "somebody else's signature": (
        signed(b"Return-Path: <x@sender.example.net>\r\n" + written_by("ana@example.com"), "sender.example.net"),
        {"verdict": "fail", "dkim": "pass", "dkim_domain": "sender.example.net", "dmarc": "fail"}),
    "only SPF may have authenticated it": (
        b"Return-Path: <ana@example.com>\r\n" + written_by("ana@example.com"),
        {"verdict": "unknown", "verified_by": None, "dkim": "none"}),
    "the policy is strict": (
        signed(b"Return-Path: <x@sender.example.net>\r\n" + written_by("ana@strict.example"), "mail.strict.example"),
        {"verdict": "fail", "dmarc": "fail"}),
    "nothing published, nothing signed": (
        written_by("ana@nothing.example"), {"verdict": "none", "verified_by": "here", "dkim": "none"}),
    "a key that is not there": (
        signed(written_by("ana@nothing.example"), "nothing.example"), {"verdict": "fail", "dkim": "fail"}),
    "a signature that is none": (
        b"DKIM-Signature: v=1; a=rsa-sha256; d=\xff; s=;;;\r\n" + written_by("ana@nothing.example"),
        {"verdict": "none"}),
}  # fmt: skip


def looked_up(raw: bytes, dns: DnsServer, sealers: Sequence[str] = ()) -> dict[str, Any]:
    root = message_from_bytes(raw, policy=headers.GUARDED)
    sender = parse(raw, Surroundings(frozenset({HELP}), "s" * 40)).from_address
    return verify.check(raw, root, sender, Resolver([dns.address]), budget_s=5, sealers=sealers)


@pytest.mark.parametrize("name", CASES)
def test_senders_are_looked_up(name: str, dns: DnsServer) -> None:
    raw, expected = CASES[name]
    found = looked_up(raw, dns)
    assert {key: found.get(key) for key in expected} == expected


async def test_the_message_says_what_was_found(
    database: Database, blobs: Blobs, settings: Settings, dns: DnsServer
) -> None:
    raw, expected = CASES["aligned signature"]
    found = await verdict(database, blobs, settings, dns, raw)
    assert {key: found.get(key) for key in expected} == expected


async def test_our_own_server_is_believed_and_nobody_is_asked(
    database: Database, blobs: Blobs, settings: Settings, dns: DnsServer
) -> None:
    raw = b"Authentication-Results: mx.center.example.org; dmarc=pass header.from=example.com\r\n" + written_by(
        "ana@example.com"
    )
    found = await verdict(database, blobs, settings, dns, raw, authserv_ids=["mx.center.example.org"])
    assert (found["verdict"], found["verified_by"], found["domain"]) == ("pass", "server", "example.com")
    assert not dns.questions


def test_a_forged_result_is_not_believed(dns: DnsServer) -> None:
    raw = b"Authentication-Results: mx.center.example.org; dmarc=pass header.from=example.com\r\n" + written_by(
        "ana@example.com", Return_Path="<x@sender.example.net>"
    )
    found = looked_up(raw, dns)
    assert (found["verdict"], found["verified_by"]) == ("fail", "here")


def sealed(raw: bytes, results: str) -> bytes:
    """Passed on by relay.example.org, which found these results, and then changed below the author's words."""
    raw = f"Authentication-Results: relay.example.org; {results}\r\n".encode() + raw
    sealing = dkim.arc_sign(raw, b"s1", b"relay.example.org", PRIVATE, b"relay.example.org", linesep=b"\r\n")
    return b"".join(sealing) + raw


@pytest.mark.parametrize(
    ("results", "sealers", "expected"),
    [
        ("dmarc=pass header.from=example.com", ["relay.example.org"], "pass"),
        ("dmarc=pass header.from=example.com", [], "fail"),
        ("dmarc=fail header.from=example.com", ["relay.example.org"], "fail"),
    ],
)
def test_a_forwarder_whose_word_counts(dns: DnsServer, results: str, sealers: list[str], expected: str) -> None:
    changed = signed(written_by("ana@example.com"), "example.com").replace(b"owe?", b"owe?\r\n-- a list's footer")
    found = looked_up(sealed(changed, results), dns, sealers)
    assert (found["verdict"], found["arc"]) == (expected, "pass")


async def test_the_settings_of_a_mailbox_reach_the_parser(
    database: Database, blobs: Blobs, settings: Settings, dns: DnsServer
) -> None:
    raw = mail("Form", sender="forms@center.example.net", Reply_To="lucia@example.com", Auto_Submitted="auto-generated")
    raw = b"Received: from a by mx.center.example.org\r\nX-Our-Filter: yes\r\n" + raw
    box = {"form_senders": ["Forms@center.example.net"], "spam_headers": ["X-Our-Filter"]}
    found = await verdict(database, blobs, settings, dns, raw, **box)
    (message,) = await messages(database)
    assert (message.from_address, message.machine, message.spam) == ("lucia@example.com", None, "X-Our-Filter: yes")
    assert found["verdict"] == "unknown"  # whoever fills in a form can type any address
    assert not dns.questions


async def test_silence_leaves_the_sender_unknown_and_the_mail_arrives(
    database: Database, blobs: Blobs, settings: Settings, dns: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_lookup, "LOOKUP_S", 0.1)
    dns.silent = True
    found = await verdict(database, blobs, settings, dns, signed(written_by("ana@example.com"), "example.com"))
    assert (found["verdict"], found["verified_by"], found["dkim"]) == ("unknown", None, "temperror")


async def test_a_silent_dns_is_a_problem_until_it_answers(
    database: Database, blobs: Blobs, settings: Settings, dns: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_lookup, "LOOKUP_S", 0.05)
    monkeypatch.setattr(dns_lookup, "PATIENCE", 2)
    dns.silent = True
    await verdict(database, blobs, settings, dns, signed(written_by("ana@example.com"), "example.com"))
    problem = select(Problem.key).where(Problem.key == "dns", Problem.resolved_at.is_(None))
    assert await rows(database, problem) == ["dns"]
    processor = Processor(database, blobs, settings.model_copy(update={"dns_servers": [dns.address]}))
    dns.silent = False
    processor.resolver("_dmarc.example.com", 1)
    await processor._tell_of_dns()
    assert await rows(database, problem) == []


def test_answers_are_kept_and_a_silent_server_is_not_asked_for_ever(
    dns: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_lookup, "LOOKUP_S", 0.05)
    txt = Resolver([dns.address])
    assert txt("_dmarc.example.com", 1) == [b"v=DMARC1; p=reject; adkim=r"]
    assert txt("_dmarc.example.com", 1) == [b"v=DMARC1; p=reject; adkim=r"]
    assert txt("nothing.example", 1) == []
    assert dns.questions["_dmarc.example.com"] == 1
    dns.silent = True
    for number in range(dns_lookup.PATIENCE + 3):
        with pytest.raises(DnsAway):
            txt(f"q{number}.example", 1)
    assert f"q{dns_lookup.PATIENCE + 2}.example" not in dns.questions


@pytest.mark.parametrize(
    ("results", "expected", "domain"),
    [
        ("spf=pass smtp.mailfrom=news.example.com; dkim=none; dmarc=none", "pass", "news.example.com"),
        ("spf=pass smtp.mailfrom=bounce.example.net; dkim=pass header.d=mailer.example.net", "none", None),
        ("dkim=pass header.d=mailer.example.net; dkim=pass header.i=@example.com; dmarc=bestguesspass", "pass",
            "example.com"),
        ("spf=softfail smtp.mailfrom=example.com; dkim=none", "fail", None),
        ("spf=neutral smtp.mailfrom=example.com; dkim=none", "none", None),
        ("dmarc=temperror", "unknown", None),
        ("spf=pass smtp.mailfrom=example.com; dmarc=fail (p=reject) header.from=example.com", "fail", None),
        ("none", "unknown", None),
    ],
)  # fmt: skip
def test_the_verdict_that_follows_from_our_servers_results(results: str, expected: str, domain: str | None) -> None:
    raw = f"Authentication-Results: mx.center.example.org; {results}\r\n".encode() + written_by("ana@example.com")
    around = Surroundings(frozenset({HELP}), "s" * 40, authserv_ids=("mx.center.example.org",))
    found = parse(raw, around).authentication
    assert (found["verdict"], found["verified_by"], found["domain"]) == (expected, "server", domain)
