"""The line to an Asterisk whose spool is watched: its events wake the scan, and it is told what became of a message."""

import asyncio
from contextlib import suppress

from services.voicemail import ami, asterisk, phone_line, phone_tasks
from services.voicemail.ami import Ami, Block
from services.voicemail.doors import Keeper
from services.voicemail.spool import SpoolWatch
from shared.database import Database
from shared.settings import AsteriskSpool

LOOK_EVERY_S = 5.0  # for tickets that stand now
PING_EVERY_S = 30.0


class AsteriskLine:
    def __init__(self, database: Database, spool: AsteriskSpool, watch: SpoolWatch) -> None:
        assert spool.ami is not None
        self._database, self._spool, self._server, self._watch = database, spool, spool.ami, watch
        self._keeper = Keeper(database, f"ami:{spool.name}")

    async def run(self, back_off_s: tuple[float, ...] = phone_line.BACK_OFF_S) -> None:
        """Until cancelled."""
        await phone_line.keep(self._keeper, lambda: ami.connected(self._server, self._on_event), self._use, back_off_s)

    def _on_event(self, event: Block) -> None:
        # MessageWaiting comes with every change of a mailbox, so also after a message that externnotify never told of.
        if event.get("event", "").lower() == "messagewaiting":
            self._watch.wake()

    async def _use(self, line: Ami) -> None:
        self._watch.wake()  # whatever came while there was no line
        pinged = asyncio.get_running_loop().time()
        while True:
            await self._tell(line)
            await self._keeper.open()
            await asyncio.sleep(LOOK_EVERY_S)
            if asyncio.get_running_loop().time() - pinged >= PING_EVERY_S:
                await line.action("Ping")
                pinged = asyncio.get_running_loop().time()

    async def _tell(self, line: Ami) -> None:
        if self._spool.after_ticket == "leave":
            return
        changed: set[tuple[str, str]] = set()

        async def tell(message: dict[str, str]) -> None:
            try:
                await self._ask(line, message)
            except ami.Refused:
                if not await asyncio.to_thread(self._is_done, message):
                    raise
            changed.add((message["context"], message["mailbox"]))

        await phone_tasks.work_off(self._database, f"spool:{self._spool.name}", tell, ami.Refused)
        for context, mailbox in changed:  # the lamps of the telephones
            with suppress(ami.Refused):
                await line.action("VoicemailRefresh", Context=context, Mailbox=mailbox)

    async def _ask(self, line: Ami, message: dict[str, str]) -> None:
        where = {"Context": message["context"], "Mailbox": message["mailbox"], "Folder": message["folder"]}
        if self._spool.after_ticket == "remove":
            await line.action("VoicemailRemove", **where, ID=message["id"])
        else:
            await line.action("VoicemailMove", **where, ID=message["id"], ToFolder=self._spool.move_to)

    def _is_done(self, message: dict[str, str]) -> bool:
        """Whether a refused message is where it should be all the same.

        The line broke after Asterisk did it and before we wrote that down, or somebody was quicker at the telephone.
        """
        try:
            folders = asterisk.folders_with(self._spool.path, message["context"], message["mailbox"], message["id"])
        except OSError:  # not known: it is asked for again
            return False
        return not folders if self._spool.after_ticket == "remove" else self._spool.move_to.lower() in folders
