"""Looks senders up for a batch of parsed mail, side by side, and lets nothing wait for DNS longer than a moment."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email import message_from_bytes
from typing import Any

import structlog

from services.inbox import headers, verify
from services.inbox.authentication import Verdict
from services.inbox.dns_lookup import Txt
from services.inbox.parse import Parsed
from shared.blobs import Blobs
from shared.models import Machine

log = structlog.get_logger(__name__)

BATCH_S = 2.0  # for all mail of a batch together
WORKERS = 8


class Senders:
    def __init__(self, blobs: Blobs, txt: Txt) -> None:
        self._blobs = blobs
        self._txt = txt
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="senders")

    async def verify(self, mails: Sequence[tuple[str, Parsed, Sequence[str]]]) -> None:
        """Completes `authentication` of these (raw bytes' blob, parsed mail, believed sealers). Never raises."""
        open_ones = [each for each in mails if _is_open(each[1])]
        if not open_ones:
            return
        loop = asyncio.get_running_loop()
        lookups = {
            loop.run_in_executor(self._pool, self._look, blob, parsed.from_address, sealers): parsed
            for blob, parsed, sealers in open_ones
        }
        done, late = await asyncio.wait(lookups, timeout=BATCH_S)
        for lookup in done:
            with suppress(Exception):  # logged there
                lookups[lookup].authentication |= lookup.result()
        for lookup in late:
            lookup.cancel()
        if late:
            log.warning("senders.late", mails=len(late))

    def _look(self, blob: str, from_address: str, sealers: Sequence[str]) -> dict[str, Any]:
        try:
            raw = self._blobs.get_sync(blob)
            head, _, _ = raw.partition(b"\r\n\r\n") if b"\r\n\r\n" in raw[:300_000] else raw.partition(b"\n\n")
            root = message_from_bytes(head[:300_000], policy=headers.GUARDED)
            return verify.check(raw, root, from_address, self._txt, budget_s=BATCH_S, sealers=sealers)
        except Exception:
            log.exception("senders.failed", blob=blob)
            raise


def _is_open(parsed: Parsed) -> bool:
    return (
        parsed.authentication.get("verdict") == Verdict.UNKNOWN.value
        and not parsed.authentication.get("trusted")
        and bool(parsed.from_address)
        and "form" not in parsed.headers  # a form's address was typed by somebody
        and parsed.machine is not Machine.LOOP
    )
