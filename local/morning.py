"""The demo's morning: invented customers write and call one after the other, through the same doors as real ones."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import structlog

from local import customers, sounds
from local.config import HELP_ADDRESS, LocalConfig
from local.customers import Letter
from local.mail import LocalMail
from local.mailboxes import StoredMail
from local.phone import leave_voicemail

log = structlog.get_logger(__name__)

ANSWER_WITHIN_S = 120.0


class Morning:
    """Plays what is left of the morning; a second start goes on with what had not yet happened."""

    def __init__(self, config: LocalConfig, mail: LocalMail, *, pace: float = 1.0) -> None:
        """`pace`: how many times quicker than written; 0 for all at once."""
        self._config = config
        self._mail = mail
        self._pace = pace
        self._state = config.directory / "morning.json"
        self._done: set[str] = set(json.loads(self._state.read_text())) if self._state.exists() else set()
        self._answers: set[asyncio.Task[None]] = set()

    @property
    def left(self) -> int:
        return sum(1 for item in sounds.morning() if item["id"] not in self._done)

    async def play(self, told: Callable[[dict[str, Any]], None] = lambda _item: None) -> None:
        """Let everything happen in its time. `told` hears of each."""
        items = [item for item in sounds.morning() if item["id"] not in self._done]
        before = items[0]["at"] if items else 0
        for item in items:
            if self._pace > 0:
                await asyncio.sleep((item["at"] - before) / self._pace)
            before = item["at"]
            if item["kind"] == "reply":
                # It needs the center's own mail first, which may take its time; the morning goes on meanwhile.
                task = asyncio.create_task(self._answer(item, told))
                self._answers.add(task)
                task.add_done_callback(self._answers.discard)
                continue
            try:
                await self._happen(item)
            except Exception:  # the rest of the morning still comes; this one is tried again at the next start
                log.exception("morning.not_delivered", item=item["id"])
                continue
            self._note(item, told)
        await asyncio.gather(*self._answers)

    async def _happen(self, item: dict[str, Any]) -> None:
        if item["kind"] == "email":
            await customers.send(self._mail, customers.compose(self._letter(item)))
            return
        audio = sounds.recording(item["id"])
        if item.get("via") == "email":
            wav = await asyncio.to_thread(sounds.telephone_wav, audio)
            notice = customers.voicemail_notice(
                wav, caller=item["caller"], name=item["name"], mailbox=item["mailbox"], number=7
            )
            await customers.send(self._mail, notice)
            return
        await asyncio.to_thread(
            leave_voicemail,
            self._config.spool,
            item["mailbox"],
            audio,
            caller=item["caller"],
            name=item["name"],
            urgent=item.get("urgent", False),
        )

    async def _answer(self, item: dict[str, Any], told: Callable[[dict[str, Any]], None]) -> None:
        center = HELP_ADDRESS.partition("@")[0]

        def from_center(mail: StoredMail) -> bool:
            return center in str(mail.parsed()["From"])

        try:
            received = await self._mail.wait_for(item["from"], from_center, timeout=ANSWER_WITHIN_S)
            await customers.send(self._mail, customers.answer_to(received[0], self._letter(item)))
        except TimeoutError:
            log.warning("morning.nothing_to_answer", item=item["id"])
            return
        self._note(item, told)

    def _letter(self, item: dict[str, Any]) -> Letter:
        return Letter(
            item["name"],
            item["from"],
            item.get("subject", ""),
            item["text"],
            item.get("headers", {}),
            item.get("attachment"),
            item.get("html", False),
        )

    def _note(self, item: dict[str, Any], told: Callable[[dict[str, Any]], None]) -> None:
        self._done.add(item["id"])
        self._state.write_text(json.dumps(sorted(self._done)))
        told(item)
