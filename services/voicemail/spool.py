"""The spool door: watches the phone systems' voicemail folders and takes in what appears, each message once."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy import select
from watchfiles import awatch

from services.voicemail import asterisk, intake
from services.voicemail.asterisk import Found, SpoolMessage
from shared import clock, health
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Recording, RecordingSource
from shared.settings import AsteriskSpool, Settings

log = structlog.get_logger(__name__)

SERVICE = "voicemail"
SETTLE_S = 0.1  # renaming a whole mailbox takes a phone system far less
WITHOUT_AUDIO_AFTER_S = 60.0  # a message whose audio does not come is a ticket all the same


class SpoolWatch:
    """One phone system's spool. What was taken in is remembered by file, so that a scan reads only what is new."""

    def __init__(self, database: Database, blobs: Blobs, settings: Settings, spool: AsteriskSpool) -> None:
        self._database = database
        self._blobs = blobs
        self._settings = settings
        self._spool = spool
        self._known: set[tuple[str, str, asterisk.Stamp]] = set()
        self._without_audio: dict[tuple[str, str, asterisk.Stamp], float] = {}
        self._moved = False
        self._in_trouble = True  # a problem left open by the process before us is resolved by our first good scan

    async def run(self) -> None:
        """Until cancelled. Scanning every few seconds finds everything; watching only makes it quicker."""
        changed = asyncio.Event()
        watching = asyncio.create_task(self._watch(changed), name=f"spool.watch.{self._spool.name}")
        try:
            while True:
                changed.clear()
                await self.scan_once()
                pause = SETTLE_S if self._moved else self._settings.spool_scan_s
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), timeout=pause)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def scan_once(self) -> int:
        """Take in every message that stands there and was not taken in; how many were new."""
        try:
            found = await asyncio.to_thread(lambda: list(asterisk.scan(self._spool.path)))
        except OSError as error:
            await self._trouble(f"The voicemail folder {self._spool.path} cannot be read: {error.strerror or error}")
            return 0
        keys = {(item.context, item.mailbox, item.stamp) for item in found}
        self._known &= keys
        self._without_audio = {key: since for key, since in self._without_audio.items() if key in keys}
        news = [item for item in found if (item.context, item.mailbox, item.stamp) not in self._known]
        self._moved = False
        if news:
            await asyncio.sleep(SETTLE_S)
        taken = 0
        failure = ""
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
        elif self._in_trouble:
            await health.resolve(self._database, SERVICE, f"spool:{self._spool.name}")
            self._in_trouble = False
        return taken

    async def _take_in(self, item: Found) -> int:
        key = (item.context, item.mailbox, item.stamp)
        read: Callable[[], SpoolMessage | None] = lambda: asterisk.read(  # noqa: E731
            item, max_bytes=self._settings.max_upload_bytes
        )
        message = await asyncio.to_thread(read)
        if message is None:
            since = self._without_audio.setdefault(key, time.monotonic())
            if time.monotonic() - since < WITHOUT_AUDIO_AFTER_S:
                return 0
            information = asterisk.parse(await asyncio.to_thread(item.txt.read_text, "utf-8", "replace"))
            message = SpoolMessage(asterisk.identity(item, information, b""), information, b"", "", "audio/wav")
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
                ),
            )
        else:
            is_new = False
        self._known.add(key)
        return int(is_new)

    async def _is_known(self, source_id: str) -> bool:
        async with self._database.transaction() as session:
            found = await session.scalar(
                select(Recording.id).where(Recording.source == RecordingSource.SPOOL, Recording.source_id == source_id)
            )
        return found is not None

    async def _trouble(self, message: str) -> None:
        self._in_trouble = True
        await health.report(
            self._database, SERVICE, f"spool:{self._spool.name}", message,
            "Check that the folder is there, that the service may read it, and that the disk has room.",
        )  # fmt: skip

    async def _watch(self, changed: asyncio.Event) -> None:
        """Wake the scan when a file appears. Without a folder or without inotify, the scans go on alone."""

        def is_message(_change: object, path: str) -> bool:
            return Path(path).suffix == ".txt"

        while True:
            try:
                async for _ in awatch(self._spool.path, watch_filter=is_message, debounce=50, step=20):
                    changed.set()
            except (OSError, RuntimeError) as error:
                log.info("spool.not_watching", spool=self._spool.name, error=repr(error))
            await asyncio.sleep(max(1.0, self._settings.spool_scan_s))
