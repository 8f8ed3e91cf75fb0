"""Fetches recordings from telephone providers, while they keep them: tried again with back-off, taken up after a crash.

Only from hosts that the settings name, by HTTPS, over a few redirects that lead to such hosts again, and never more
than a recording may have. The ticket stands meanwhile, and says so when the audio will not come.
"""

import asyncio
import ipaddress
import socket
from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit

import httpx
import structlog
from sqlalchemy import or_, select

from services.voicemail import intake, metrics
from services.voicemail.doors import Keeper
from shared import clock
from shared.blobs import Blobs
from shared.database import Database, ring
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import Recording, RecordingFetch, RecordingState
from shared.settings import RecordingCallback, Settings
from shared.web.i18n import N_

log = structlog.get_logger(__name__)

REDIRECTS = 3
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
WHOLE_S = 120.0  # for one attempt
LEASE = timedelta(seconds=WHOLE_S + 30)
BACK_OFF_S = (2, 5, 10, 20, 40, 60, 120, 300, 900, 1800, 3600)
GONE = N_("The telephone provider does not have the audio any more.")
GIVEN_UP = N_("The audio could not be fetched from the telephone provider in time.")
NOT_ALLOWED = N_("The audio lies on a server that is not named in the settings, and was not fetched.")
TOO_LARGE = N_("The recording is larger than is allowed, and was not fetched.")


class ForGood(Exception):
    """It will not come, however often one asks. The message is a sentence for people."""


class Later(Exception):
    """Not now. The message is for the operator."""


def is_allowed(url: str, hosts: list[str]) -> bool:
    """HTTPS and a host of the list, or below one that begins with a dot; an entry `http://127.0.0.1:8099` as it is."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None or not host:
        return False
    for entry in hosts:
        allowed = entry.strip().lower()
        if "://" in allowed:
            if f"{parts.scheme}://{parts.netloc}".lower() == allowed:
                return True
        elif (
            parts.scheme == "https"
            and port in (None, 443)
            and (host == allowed or (allowed.startswith(".") and host.endswith(allowed)))
        ):
            return True
    return False


async def _leads_where_it_may(url: str, hosts: list[str]) -> bool:
    """Whether the name leads out of this network, unless the settings name it with scheme and port: DNS is no word."""
    parts = urlsplit(url)
    if any("://" in entry and f"{parts.scheme}://{parts.netloc}".lower() == entry.strip().lower() for entry in hosts):
        return True  # written down with its scheme and port: meant
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Later(f"{parts.hostname} cannot be found: {error}") from error
    return all(ipaddress.ip_address(address[4][0]).is_global for address in found)


async def download(client: httpx.AsyncClient, url: str, callback: RecordingCallback, max_bytes: int) -> bytes:
    """The audio. Raises Later or ForGood."""
    first_host = urlsplit(url).netloc
    for _ in range(REDIRECTS + 1):
        if not is_allowed(url, callback.hosts) or not await _leads_where_it_may(url, callback.hosts):
            raise ForGood(NOT_ALLOWED)
        auth = None
        if callback.username and callback.password and urlsplit(url).netloc == first_host:
            auth = httpx.BasicAuth(callback.username, callback.password.get_secret_value())
        try:
            async with client.stream("GET", url, auth=auth, follow_redirects=False) as answer:
                if answer.is_redirect:
                    url = urljoin(url, answer.headers.get("location", ""))
                    continue
                return await _content(answer, max_bytes)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Later(f"{urlsplit(url).hostname}: {error!r}") from error
    raise ForGood(NOT_ALLOWED)


async def _content(answer: httpx.Response, max_bytes: int) -> bytes:
    if answer.status_code == httpx.codes.GONE:
        raise ForGood(GONE)
    if answer.status_code != httpx.codes.OK:  # 404: a moment after the call it may not be there yet
        raise Later(f"{answer.url.host} answered {answer.status_code}")
    declared = answer.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise ForGood(TOO_LARGE)
    data = bytearray()
    async for chunk in answer.aiter_bytes():
        data += chunk
        if len(data) > max_bytes:
            raise ForGood(TOO_LARGE)
    if not data:
        raise Later(f"{answer.url.host} sent nothing")
    return bytes(data)


class Fetcher:
    def __init__(self, database: Database, blobs: Blobs, settings: Settings) -> None:
        self._database, self._blobs, self._settings = database, blobs, settings
        self._callbacks = {each.name: each for each in settings.recording_callbacks}
        self._keepers = {name: Keeper(database, f"callback:{name}") for name in self._callbacks}

    async def run(self) -> None:
        """Until cancelled: looks every second, for a provider may keep a recording for minutes only."""
        async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as client:
            while True:
                while await self.fetch_next(client):
                    pass
                await asyncio.sleep(min(1.0, self._settings.sweep_s))

    async def fetch_next(self, client: httpx.AsyncClient) -> bool:
        """One that is due; False when there is none."""
        leased = await self._lease()
        if leased is None:
            return False
        callback = self._callbacks.get(leased.callback)
        try:
            if callback is None:
                raise Later(f"There is no callback {leased.callback} in the settings any more")
            async with asyncio.timeout(WHOLE_S):
                data = await download(client, leased.url, callback, self._settings.max_upload_bytes)
            await self._keep(leased.recording_id, data)
            await self._keepers[leased.callback].open()
        except ForGood as error:
            await self._give_up(leased.recording_id, str(error), str(error))
        except (Later, TimeoutError, OSError) as error:
            said = str(error) or "The provider takes too long."
            log.warning("fetch.later", recording=leased.recording_id, attempt=leased.attempts, error=said)
            if callback is not None:
                await self._keepers[leased.callback].failed(said)
            await self._later(leased, said)
        return True

    async def _lease(self) -> RecordingFetch | None:
        """The attempt counts before anything can go wrong; after a crash another process takes it up."""
        now = clock.now()
        async with self._database.transaction() as session:
            found: RecordingFetch | None = await session.scalar(
                select(RecordingFetch)
                .where(
                    RecordingFetch.next_attempt_at <= now,
                    or_(RecordingFetch.leased_until.is_(None), RecordingFetch.leased_until < now),
                )
                .order_by(RecordingFetch.give_up_at, RecordingFetch.recording_id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if found is not None:
                found.attempts = min(found.attempts + 1, 30_000)
                found.leased_until = now + LEASE
        return found

    async def _keep(self, recording_id: int, data: bytes) -> None:
        blob = await self._blobs.put(data)
        async with self._database.transaction() as session:
            recording = await session.get_one(Recording, recording_id, with_for_update=True)
            fetch = await session.get_one(RecordingFetch, recording_id, with_for_update=True)
            fetch.next_attempt_at = fetch.leased_until = fetch.error = None
            if recording.blob is not None:
                return  # another process was quicker
            recording.blob, recording.state, recording.error = blob, RecordingState.RECEIVED, None
            recording.received_at = clock.now()  # the transcription sweep leaves its door time to decode it
            if recording.compare_until is None:
                ring(session, Job.TAKE_IN_RECORDING, recording_id)
            await publish(session, Event("recording", recording_id, what="fetched"))
        metrics.RECORDINGS.labels(source=recording.source.value, outcome="fetched").inc()
        await intake.prepared(self._database, self._blobs, recording, data=data)

    async def _later(self, leased: RecordingFetch, error: str) -> None:
        after = BACK_OFF_S[min(leased.attempts - 1, len(BACK_OFF_S) - 1)]
        again: datetime = clock.now() + timedelta(seconds=after)
        if again >= leased.give_up_at:
            if clock.now() >= leased.give_up_at:
                await self._give_up(leased.recording_id, GIVEN_UP, error)
                return
            again = leased.give_up_at  # once more at the very end
        async with self._database.transaction() as session:
            fetch = await session.get_one(RecordingFetch, leased.recording_id, with_for_update=True)
            fetch.leased_until, fetch.next_attempt_at, fetch.error = None, again, error[:500]

    async def _give_up(self, recording_id: int, sentence: str, error: str) -> None:
        async with self._database.transaction() as session:
            recording = await session.get_one(Recording, recording_id, with_for_update=True)
            fetch = await session.get_one(RecordingFetch, recording_id, with_for_update=True)
            fetch.next_attempt_at = fetch.leased_until = None
            fetch.error = error[:500]
            if recording.blob is None:
                recording.state, recording.error = RecordingState.MISSING, sentence
                recording.compare_until = None
                ring(session, Job.TAKE_IN_RECORDING, recording_id)
                await publish(session, Event("recording", recording_id, what="missing"))
        log.error("fetch.given_up", recording=recording_id, error=error)
        metrics.RECORDINGS.labels(source="callback", outcome="missing").inc()
