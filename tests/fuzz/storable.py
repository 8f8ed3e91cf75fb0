"""Everything of a parsed mail that becomes text in the store, which refuses NULs and lone surrogates."""

from services.inbox.parse import Parsed


def texts(parsed: Parsed) -> list[str]:
    found = [
        parsed.subject, parsed.from_name, parsed.from_address, parsed.text_full, parsed.text_new, parsed.html or "",
        parsed.rfc_message_id or "", parsed.machine_evidence or "", parsed.spam or "", *parsed.defects,
        *parsed.references, *parsed.in_reply_to, *parsed.to_addresses, *parsed.cc_addresses, *parsed.reply_to,
        *map(str, parsed.headers.values()), *map(str, parsed.authentication.values()), repr(parsed.bounce),
    ]  # fmt: skip
    for file in parsed.files:
        found += [file.filename, file.content_type, file.content_id or ""]
    return found
