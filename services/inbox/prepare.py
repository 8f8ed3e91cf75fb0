"""A stored mail becomes what is to be written of it: read, parsed, its files kept. In a thread, without the store."""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import null

from services.inbox.content import Content
from services.inbox.parse import Parsed, Surroundings, parse
from services.inbox.repository import Claim
from services.inbox.same import fingerprint
from shared.blobs import Blobs
from shared.errors import NotFound
from shared.mailboxes import addresses_in_settings
from shared.settings import MailboxSettings, Settings


@dataclass
class Ready:
    """A parsed mail whose attachments are stored, their bytes no longer in memory."""

    claim: Claim
    parsed: Parsed
    fingerprint: str
    stored_files: list[tuple[str, int]]  # blob and size of each of its files


@dataclass
class Crashed:
    """A mail on which our code failed."""

    claim: Claim
    traceback: str


class NotReadable(Exception):
    """The disk works, and the bytes of this mail cannot be read from it."""


class Preparation:
    """`mailboxes`: how each mailbox row is to be read; `own_addresses`: which are ours. Both may be replaced."""

    def __init__(self, blobs: Blobs, settings: Settings) -> None:
        self.blobs = blobs
        self.settings = settings
        self.own_addresses = addresses_in_settings(settings)
        self.mailboxes: Mapping[int, MailboxSettings] = {}

    def prepare(self, claims: Sequence[Claim]) -> list[Ready | Crashed]:
        """In a thread: read, parse, store the attachments. OSError (the disk's) concerns all and is raised."""
        return [self._one(claim) for claim in claims]

    def _one(self, claim: Claim) -> Ready | Crashed:
        try:
            raw = self.read(claim.blob)
        except (NotReadable, NotFound):
            return Crashed(claim, traceback.format_exc())  # it can be replayed when its bytes are restored
        try:
            parsed = parse(raw, self._surroundings(claim))
            content_print = fingerprint(raw)
        except Exception:  # our own defect: it can be replayed after an update
            return Crashed(claim, traceback.format_exc())
        stored = [self.blobs.put_chunks_sync(file.content.chunks()) for file in parsed.files]
        for file in parsed.files:
            file.content = Content.of(b"")  # what it was read from is not kept for the rest of the batch
        return Ready(claim, parsed, content_print, stored)

    def read(self, blob: str) -> bytes:
        """Raises OSError when the disk is to blame, NotReadable or NotFound when it is this one file."""
        try:
            return self.blobs.get_sync(blob)
        except (OSError, NotFound):
            self.blobs.probe_sync()
        try:
            return self.blobs.get_sync(blob)  # it may have come back before we asked the disk
        except OSError as error:
            raise NotReadable(blob) from error

    def _surroundings(self, claim: Claim) -> Surroundings:
        mailbox = self.mailboxes.get(claim.mailbox_id)
        return Surroundings(
            own_addresses=self.own_addresses,
            secret=self.settings.secret_key.get_secret_value(),
            voicemail_senders=frozenset(s.lower() for s in mailbox.voicemail_senders) if mailbox else frozenset(),
            voicemail_hosts=tuple(mailbox.voicemail_hosts) if mailbox else (),
            voicemail_folder=bool(mailbox and claim.folder in mailbox.voicemail_folders),
            authserv_ids=tuple(mailbox.authserv_ids) if mailbox else (),
            arc_sealers=tuple(mailbox.arc_sealers) if mailbox else (),
            spam_headers=tuple(mailbox.spam_headers) if mailbox and mailbox.spam_headers is not None else None,
            form_senders=frozenset(s.lower() for s in mailbox.form_senders) if mailbox else frozenset(),
            max_parse_bytes=(mailbox.max_parse_bytes if mailbox else None) or self.settings.max_parse_bytes,
        )


def message_row(one: Ready) -> dict[str, Any]:
    """What the store keeps of it as a `Message`."""
    parsed, claim = one.parsed, one.claim
    return {
        "mailbox_id": claim.mailbox_id,
        "blob": claim.blob,
        "rfc_message_id": parsed.rfc_message_id,
        "in_reply_to": parsed.in_reply_to,
        "references": parsed.references,
        "reply_token": parsed.reply_token,
        "from_address": parsed.from_address,
        "from_name": parsed.from_name[:500],
        "reply_to": parsed.reply_to,
        "to_addresses": parsed.to_addresses,
        "cc_addresses": parsed.cc_addresses,
        "subject": parsed.subject,
        "sent_at": parsed.sent_at,
        "received_at": claim.internal_date or claim.received_at,
        "text_new": parsed.text_new,
        "signature": parsed.signature,
        "text_full": parsed.text_full,
        "html": parsed.html,
        "forwarded": [each.as_json() for each in parsed.forwarded],
        "machine": parsed.machine,
        "machine_evidence": parsed.machine_evidence,
        "headers": parsed.headers,
        "authentication": parsed.authentication,
        "spam": parsed.spam,
        "bounce": null() if parsed.bounce is None else parsed.bounce,  # None would be stored as JSON null
        "voicemail": parsed.voicemail,
        "defects": parsed.defects,
    }


def attachment_rows(one: Ready, message_id: int) -> list[dict[str, Any]]:
    """Of its files, each as an `Attachment`."""
    return [
        {
            "message_id": message_id,
            "position": position,
            "filename": file.filename,
            "content_type": file.content_type[:200],
            "size": size,
            "blob": blob,
            "content_id": file.content_id,
            "inline": file.inline,
            "voicemail": position in one.parsed.voicemails,
        }
        for position, (file, (blob, size)) in enumerate(zip(one.parsed.files, one.stored_files, strict=True))
    ]
