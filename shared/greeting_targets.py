"""The settings of the phone systems that greetings are published to, one class for each kind."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, SecretStr, Tag

Language = Literal["en", "es"]


class GreetingTarget(BaseModel):
    """What all kinds have in common: one line of one phone system."""

    kind: str
    name: str  # part of a greeting's address: letters, digits and dashes
    line: str
    fallback_language: Language = "en"  # what is played where the caller's language is not known
    mailbox: str = ""  # whose voicemail this is, as recordings name it; empty: as the settings of the kind imply
    check_s: float = Field(default=5.0, ge=1)  # how long a change behind our back stays unnoticed

    @property
    def mailbox_name(self) -> str:
        return self.mailbox


class AsteriskFolder(GreetingTarget):
    """A mailbox folder of Asterisk or FreePBX: {path}/{language}/{greeting}.wav and {path}/{greeting}.wav."""

    kind: Literal["asterisk"] = "asterisk"
    path: Path  # .../voicemail/default/1000
    greeting: str = "unavail"
    # Where emergencies go: the temporary greeting, which is played instead of unavail and busy; or the usual file.
    emergency: Literal["temp", "same"] = "temp"

    @property
    def mailbox_name(self) -> str:
        return self.mailbox or self.path.name


class FreeSwitchMailboxes(GreetingTarget):
    """Mailboxes of FreeSWITCH or FusionPBX, one for each language: it has no greetings by language in one mailbox."""

    kind: Literal["freeswitch"] = "freeswitch"
    host: str = "127.0.0.1"  # of the event socket
    port: int = 8021
    password: SecretStr
    profile: str = "default"
    domain: str
    mailboxes: dict[Language, str]  # the one of the fallback language is required
    path: Path  # {storage}/voicemail/{profile}/{domain}, as this service sees it
    remote_path: Path | None = None  # the same folder as FreeSWITCH sees it; null: under the same name
    slot: int = Field(default=1, ge=1, le=9)
    emergency_slot: int = Field(default=9, ge=1, le=9)
    extension: str = "wav"

    @property
    def mailbox_name(self) -> str:
        return self.mailbox or self.mailboxes.get(self.fallback_language, "")


class GreetingFolder(GreetingTarget):
    """Files for a system that takes them from a folder or a mounted bucket: {path}/{line}-{language}.wav."""

    kind: Literal["folder"] = "folder"
    path: Path
    codec: Literal["mulaw", "pcm"] = "mulaw"  # µ-law 8 kHz is what cloud systems ask for


class GreetingPush(GreetingTarget):
    """A cloud system or an object store: the file is sent by HTTP, and fetched again to see that it arrived.

    `{line}` and `{language}` in the addresses are filled in.
    """

    kind: Literal["http"] = "http"
    url: str
    method: Literal["PUT", "POST"] = "PUT"
    field: str | None = None  # POST as a multipart form with the file in this field; null: the bare file
    headers: dict[str, SecretStr] = {}  # Authorization and the like, of both requests
    read_back_url: str | None = None  # null: where it was sent to
    codec: Literal["mulaw", "pcm"] = "mulaw"
    timeout_s: float = Field(default=10.0, gt=0, le=60)
    check_s: float = Field(default=300.0, ge=1)


def _kind(value: Any) -> str:
    found = value.get("kind", "asterisk") if isinstance(value, dict) else getattr(value, "kind", "asterisk")
    return str(found)


AnyGreetingTarget = Annotated[
    Annotated[AsteriskFolder, Tag("asterisk")]
    | Annotated[FreeSwitchMailboxes, Tag("freeswitch")]
    | Annotated[GreetingFolder, Tag("folder")]
    | Annotated[GreetingPush, Tag("http")],
    Discriminator(_kind),
]
