"""The spool door: watches the phone systems' voicemail folders and takes in what appears, each message once."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy import select
from watchfiles import awatch

from services.voicemail import asterisk, intake
from services.voicemail.asterisk import Found, Information
from services.voicemail.doors import Keeper
from shared import clock, health
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Recording, RecordingSource
from shared.settings import AsteriskSpool, Settings

log = structlog.get_logger(__name__)

SERVICE = "voicemail"
SETTLE_S = 0.1  # renaming a whole mailbox takes a phone system far less
AS_IT_IS_AFTER_S = 60.0  # a message whose audio does not come is a ticket all the same


class SpoolWatch:
    """One phone system's spool. What was taken in is remembered by file, so that a scan reads only what is new."""

    def __init__(self, database: Database, blobs: Blobs, settings: Settings, spool: AsteriskSpool) -> None:
        self._database = database
        self._blobs = blobs
        self._settings = settings
        self._spool = spool
        self._known: set[tuple[str, str, asterisk.Stamp]] = set()
        self._not_whole: dict[tuple[str, str, asterisk.Stamp], float] = {}
        self._moved = False
        self._changed = asyncio.Event()
        self._keeper = Keeper(database, f"spool:{spool.name}")
        self._in_trouble = True  # a problem left open by the process before us is resolved by our first good scan

    async def run(self) -> None:
        """Until cancelled. Scanning every few seconds finds everything; watching only makes it quicker."""
        watching = asyncio.create_task(self._watch(), name=f"spool.watch.{self._spool.name}")
        try:
            while True:
                self._changed.clear()
                await self.scan_once()
                pause = SETTLE_S if self._moved else self._settings.spool_scan_s
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._changed.wait()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def wake(self) -> None:
        """Scan now: somebody says that something changed."""
        self._changed.set()

    async def scan_once(self) -> int:
        """Take in every message that stands there and was not taken in; how many were new."""
        try:
            unreadable: list[OSError] = []
            found = await asyncio.to_thread(lambda: list(asterisk.scan(self._spool.path, unreadable)))
        except OSError as error:
            await self._trouble(f"The voicemail folder {self._spool.path} cannot be read: {error.strerror or error}")
            return 0
        keys = {(item.context, item.mailbox, item.stamp) for item in found}
        self._known &= keys
        self._not_whole = {key: since for key, since in self._not_whole.items() if key in keys}
        news = [item for item in found if (item.context, item.mailbox, item.stamp) not in self._known]
        self._moved = False
        if news:
            await asyncio.sleep(SETTLE_S)
        taken = 0
        failure = ""
        if unreadable:
            failure = f"{unreadable[0].filename or self._spool.path} cannot be read: {unreadable[0].strerror}"
        for item in news:
            try:
                taken += await self._take_in(item)
            except asterisk.Moved:
                self._moved = True  # it stands there under another number: the next scan sees it
            except OSError as error:
                failure = f"A voicemail in {item.txt.parent} cannot be taken in: {error.strerror or error}"
                log.error("spool.cannot_take_in", spool=self._spool.name, path=str(item.txt), error=repr(error))
        if failure:
            await self._trouble(failure)
        else:
            await self._keeper.open()
        if not failure and self._in_trouble:
            await health.resolve(self._database, SERVICE, f"spool:{self._spool.name}")
            self._in_trouble = False
        return taken

    async def _take_in(self, item: Found) -> int:
        key = (item.context, item.mailbox, item.stamp)
        since = self._not_whole.get(key)
        patient = since is None or time.monotonic() - since < AS_IT_IS_AFTER_S
        most = self._settings.max_upload_bytes
        message = await asyncio.to_thread(lambda: asterisk.read(item, max_bytes=most, patient=patient))
        if message is None:
            self._not_whole.setdefault(key, time.monotonic())
            return 0
        information = message.information
        source_id = f"{self._spool.name}/{message.source_id}"
        if not await self._is_known(source_id):
            name, number = intake.caller(information.caller_id)
            _, is_new = await intake.deliver(
                self._database,
                self._blobs,
                self._settings,
                intake.NewRecording(
                    source=RecordingSource.SPOOL,
                    door=f"spool:{self._spool.name}",
                    source_id=source_id,
                    data=message.data,
                    content_type=message.content_type,
                    filename=message.filename,
                    line=information.rdnis,
                    mailbox=item.mailbox,
                    caller_id=number,
                    caller_name=name,
                    menu_language=self._spool.languages.get(item.mailbox),
                    urgent=item.folder == "Urgent" or information.urgent,
                    called_at=information.orig_time or clock.now(),
                    told=self._told(item, information),
                ),
            )
        else:
            is_new = False
        self._known.add(key)
        return int(is_new)

    def _told(self, item: Found, information: Information) -> intake.Told | None:
        """Asterisk finds a message by its msg_id; one of an old system stays where it is."""
        if self._spool.after_ticket == "leave" or not information.msg_id:
            return None
        message = {
            "context": item.context, "mailbox": item.mailbox, "folder": item.folder, "id": information.msg_id
        }  # fmt: skip
        return intake.Told(f"spool:{self._spool.name}", message)

    async def _is_known(self, source_id: str) -> bool:
        async with self._database.transaction() as session:
            found = await session.scalar(
                select(Recording.id).where(Recording.source == RecordingSource.SPOOL, Recording.source_id == source_id)
            )
        return found is not None

    async def _trouble(self, message: str) -> None:
        self._in_trouble = True
        await self._keeper.failed(message)
        await health.report(
            self._database, SERVICE, f"spool:{self._spool.name}", message,
            "Check that the folder is there, that the service may read it, and that the disk has room.",
        )  # fmt: skip

    async def _watch(self) -> None:
        """Wake the scan when a file appears. Without a folder or without inotify, the scans go on alone."""

        def is_message(_change: object, path: str) -> bool:
            return Path(path).suffix.lower() == ".txt"

        while True:
            try:
                async for _ in awatch(self._spool.path, watch_filter=is_message, debounce=50, step=20):
                    self._changed.set()
            except (OSError, RuntimeError) as error:
                log.info("spool.not_watching", spool=self._spool.name, error=repr(error))
            await asyncio.sleep(max(1.0, self._settings.spool_scan_s))
