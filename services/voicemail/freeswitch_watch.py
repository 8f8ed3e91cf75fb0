"""The FreeSWITCH door: takes in what its events tell of, at once, and by scanning its storage whatever they did not."""

import asyncio
import time
from datetime import UTC, datetime

import structlog
from sqlalchemy import select

from services.voicemail import esl, freeswitch, intake, phone_line, phone_tasks
from services.voicemail.doors import Keeper
from services.voicemail.esl import Esl, Headers
from services.voicemail.freeswitch import Found, Said
from shared import clock, health
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Recording, RecordingSource
from shared.settings import FreeSwitch, Settings

log = structlog.get_logger(__name__)

SERVICE = "voicemail"
QUIET_S = 30.0  # a file that nobody has written to for so long is whole: recording writes several times a second
LOOKS = 8  # at the file of an event: a share may show it later
LOOK_S = 0.25
TELL_EVERY_S = 5.0
HEADERS_S = 30.0


class FreeSwitchWatch:
    """One phone system."""

    def __init__(self, database: Database, blobs: Blobs, settings: Settings, switch: FreeSwitch) -> None:
        self._database, self._blobs, self._settings, self._switch = database, blobs, settings, switch
        self._scanning = Keeper(database, f"freeswitch:{switch.name}")
        self._calling = Keeper(database, f"esl:{switch.name}")
        self._events: asyncio.Queue[Said] = asyncio.Queue(maxsize=1000)
        self._line: Esl | None = None
        self._known: set[tuple[str, str, str]] = set()
        self._in_trouble = True

    async def run_scans(self) -> None:
        """Until cancelled: the path by which nothing is missed."""
        while True:
            await self.scan_once()
            await asyncio.sleep(self._settings.spool_scan_s)

    async def run_line(self, back_off_s: tuple[float, ...] = phone_line.BACK_OFF_S) -> None:
        """Until cancelled: the event socket."""
        host, password = self._switch.host, self._switch.password
        assert host is not None
        assert password is not None
        await phone_line.keep(
            self._calling,
            lambda: esl.connected(host, self._switch.port, password.get_secret_value(), self._on_event),
            self._use,
            back_off_s,
        )

    def _on_event(self, event: Headers) -> None:
        said = freeswitch.of_event(event)
        if said is not None and not self._events.full():  # what does not fit is found by the scan
            self._events.put_nowait(said)

    async def _use(self, line: Esl) -> None:
        await line.command(f"event plain CUSTOM {freeswitch.MAINTENANCE}")
        self._line = line
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._take_events())
                group.create_task(self._tell(line))
        except* (OSError, TimeoutError) as errors:
            raise errors.exceptions[0] from None
        finally:
            self._line = None

    async def _take_events(self) -> None:
        while True:
            said = await self._events.get()
            try:
                await self.take_event(said)
            except OSError as error:  # of the disk: the scan tries again, and reports it
                log.warning("freeswitch.event_not_taken", uuid=said.uuid, error=repr(error))

    async def take_event(self, said: Said) -> bool:
        """Whether its file was there, whole. The event comes when recording has ended; a share may lag behind."""
        path = freeswitch.here(said.path, self._switch.storage, self._switch.storage_there)
        if path is None:
            log.warning("freeswitch.elsewhere", path=said.path, storage=self._switch.storage_there)
            return False
        before: Found | None = None
        for _ in range(LOOKS):
            found = await asyncio.to_thread(freeswitch.look, self._switch.storage, path)
            if found is not None and found.size > 0 and found == before:
                await self._take_in(found, said)
                return True
            before = found
            await asyncio.sleep(LOOK_S)
        return False

    async def _tell(self, line: Esl) -> None:
        """Messages whose ticket stands are marked as read."""

        async def tell(message: dict[str, str]) -> None:
            command = freeswitch.read_command(message["user"], message["domain"], message["uuid"])
            if command is None:
                raise esl.Refused("The mailbox has a name that cannot be sent.")
            await line.command(command)

        told_at = time.monotonic()
        while True:
            await self._calling.open()
            if self._switch.mark_read:
                await phone_tasks.work_off(self._database, f"freeswitch:{self._switch.name}", tell, esl.Refused)
            if time.monotonic() - told_at > HEADERS_S:  # shows that the line still stands
                await line.command("api status")
                told_at = time.monotonic()
            await asyncio.sleep(TELL_EVERY_S)

    async def scan_once(self) -> int:
        """Take in every message that stands there whole and was not taken in; how many were new."""
        try:
            found = await asyncio.to_thread(lambda: list(freeswitch.scan(self._switch.storage)))
        except OSError as error:
            await self._trouble(f"The folder {self._switch.storage} cannot be read: {error.strerror or error}")
            return 0
        self._known &= {(each.domain, each.user, each.uuid) for each in found}
        quiet_ns = time.time_ns() - int(QUIET_S * 1e9)
        since_ns = int(self._switch.since.timestamp() * 1e9) if self._switch.since is not None else 0
        news = [
            each
            for each in found
            if (each.domain, each.user, each.uuid) not in self._known and since_ns <= each.mtime_ns <= quiet_ns
        ]
        taken = 0
        failure = ""
        for each in news:
            try:
                taken += await self._take_in(each, await self._what_is_said(each))
            except FileNotFoundError:
                continue  # deleted at the telephone meanwhile
            except OSError as error:
                failure = f"{each.path} cannot be taken in: {error.strerror or error}"
                log.error("freeswitch.cannot_take_in", path=str(each.path), error=repr(error))
        if failure:
            await self._trouble(failure)
            return taken
        await self._scanning.open()
        if self._in_trouble:
            await health.resolve(self._database, SERVICE, self._problem)
            self._in_trouble = False
        return taken

    async def _what_is_said(self, found: Found) -> Said | None:
        """Who called, from FreeSWITCH's own list, where there is a line to it."""
        command = freeswitch.list_command(found.user, found.domain)
        if self._line is None or command is None:
            return None
        try:
            return freeswitch.of_list((await self._line.command(command)).body).get(found.uuid)
        except (OSError, TimeoutError) as error:
            log.info("freeswitch.not_listed", error=repr(error))
            return None

    async def _take_in(self, found: Found, said: Said | None) -> int:
        source_id = f"{self._switch.name}/{found.domain}/{found.user}/{found.uuid}"
        if said is None and await self._is_known(source_id):
            self._known.add((found.domain, found.user, found.uuid))
            return 0
        most = self._settings.max_upload_bytes

        def read() -> bytes:
            with found.path.open("rb") as file:
                return file.read(most)

        name, number = intake.caller(f'"{said.name}" <{said.number}>') if said else ("", None)
        written = datetime.fromtimestamp(found.mtime_ns / 1e9, UTC)
        _, is_new = await intake.deliver(
            self._database,
            self._blobs,
            self._settings,
            intake.NewRecording(
                source=RecordingSource.FREESWITCH,
                door=f"freeswitch:{self._switch.name}",
                source_id=source_id,
                data=await asyncio.to_thread(read),
                content_type=found.content_type,
                filename=found.path.name,
                mailbox=found.user,
                caller_id=number,
                caller_name=name,
                menu_language=self._switch.languages.get(found.user),
                urgent=said.urgent if said else False,
                called_at=min(said.at if said and said.at else written, clock.now()),
                told=self._told(found),
            ),
        )
        self._known.add((found.domain, found.user, found.uuid))
        return int(is_new)

    def _told(self, found: Found) -> intake.Told | None:
        if not self._switch.mark_read:
            return None
        message = {"user": found.user, "domain": found.domain, "uuid": found.uuid}
        return intake.Told(f"freeswitch:{self._switch.name}", message)

    async def _is_known(self, source_id: str) -> bool:
        async with self._database.transaction() as session:
            found = await session.scalar(
                select(Recording.id).where(
                    Recording.source == RecordingSource.FREESWITCH, Recording.source_id == source_id
                )
            )
        return found is not None

    @property
    def _problem(self) -> str:
        return f"freeswitch:{self._switch.name}"

    async def _trouble(self, message: str) -> None:
        self._in_trouble = True
        await self._scanning.failed(message)
        await health.report(
            self._database, SERVICE, self._problem, message,
            "Check that the folder is there, that the service may read it, and that the disk has room.",
        )  # fmt: skip
