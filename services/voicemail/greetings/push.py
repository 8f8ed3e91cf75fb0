"""Publishes greetings by HTTP, to a cloud system or an object store, and fetches them again to see that they arrived.

A request that may have been lost is sent again under the same Idempotency-Key, so that no system counts it twice. When
what comes back is not what was sent, what was there before is sent again: callers hear the old greeting, not half a new
one.
"""

import hashlib
import time
from urllib.parse import quote, urlsplit

import httpx
import structlog

from services.voicemail.greetings.studio import Format
from services.voicemail.greetings.targets import Playing, PublishError
from shared.greeting_targets import GreetingPush

log = structlog.get_logger(__name__)

TRIES = 3
PAUSES_S = (0.5, 2.0)
LONGEST_PAUSE_S = 5.0  # whatever Retry-After says: the next pass tries again anyway
BIGGEST = 20 * 1024 * 1024
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_HINT = "Check address and access key of this system in CENTRALITA_GREETING_TARGETS; it is tried again by itself."


class PushTarget:
    overrides = False

    def __init__(self, target: GreetingPush, transport: httpx.BaseTransport | None = None) -> None:
        self._target = target
        self._transport = transport
        self.format = Format(8_000, target.codec)

    def languages(self, wanted: list[str]) -> list[str]:
        return wanted

    def playing(self, language: str) -> Playing | None:
        with self._client() as client:
            return self._fetch(client, language)

    def found(self, language: str) -> Playing | None:
        return self.playing(language)

    def publish(self, language: str, rendition: bytes, *, override: bool = False) -> None:
        with self._client() as client:
            before = self._fetch(client, language)
            self._send(client, language, rendition)
            after = self._fetch(client, language)
            if after is not None and after.content == rendition:
                return
            read_back = after.sha256[:12] if after is not None else "nothing"
            if before is not None and (after is None or after.content != before.content):
                self._send(client, language, before.content)
        wanted = hashlib.sha256(rendition).hexdigest()[:12]
        raise PublishError(f"{self._host} reads back as {read_back}, not as {wanted}", _HINT)

    @property
    def _host(self) -> str:
        return urlsplit(self._target.url).hostname or self._target.name

    def _client(self) -> httpx.Client:
        headers = {name: value.get_secret_value() for name, value in self._target.headers.items()}
        return httpx.Client(headers=headers, timeout=self._target.timeout_s, transport=self._transport)

    def _address(self, pattern: str, language: str) -> str:
        return pattern.replace("{line}", quote(self._target.line, safe="")).replace("{language}", language)

    def _fetch(self, client: httpx.Client, language: str) -> Playing | None:
        address = self._address(self._target.read_back_url or self._target.url, language)
        answer = self._ask(client, client.build_request("GET", address, headers={"Cache-Control": "no-cache"}))
        if answer.status_code in (404, 410):
            return None
        self._expect_success(answer)
        if len(answer.content) > BIGGEST:
            raise PublishError(f"{self._host} answers with a file that is far too large", _HINT)
        return Playing(answer.content, address.rpartition("/")[2].partition("?")[0] or "greeting.wav")

    def _send(self, client: httpx.Client, language: str, content: bytes) -> None:
        address = self._address(self._target.url, language)
        key = hashlib.sha256(f"{address}\n".encode() + content).hexdigest()
        headers = {"Idempotency-Key": key}
        name = f"{self._target.line}-{language}.wav"
        if self._target.field is not None:
            files = {self._target.field: (name, content, "audio/wav")}
            request = client.build_request(self._target.method, address, files=files, headers=headers)
        else:
            headers["Content-Type"] = "audio/wav"
            request = client.build_request(self._target.method, address, content=content, headers=headers)
        self._expect_success(self._ask(client, request))

    def _ask(self, client: httpx.Client, request: httpx.Request) -> httpx.Response:
        """The answer, after some tries. Redirects are not followed: the key is for this host alone."""
        for number in range(TRIES):
            last = number == TRIES - 1
            try:
                answer = client.send(request)
            except httpx.HTTPError as error:
                if last:
                    raise PublishError(f"{self._host} does not answer: {error}", _HINT) from error
                pause = PAUSES_S[number]
            else:
                if last or answer.status_code not in _AGAIN:
                    return answer
                pause = _retry_after(answer) or PAUSES_S[number]
            log.info("greetings.push_again", host=self._host, after_s=pause)
            time.sleep(min(pause, LONGEST_PAUSE_S))
        raise AssertionError("unreachable")

    def _expect_success(self, answer: httpx.Response) -> None:
        if not answer.is_success:
            raise PublishError(f"{self._host} answers {answer.status_code} {answer.reason_phrase}", _HINT)


def _retry_after(answer: httpx.Response) -> float | None:
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None
