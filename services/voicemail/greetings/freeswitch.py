"""Publishes greetings to FreeSWITCH's mod_voicemail: a mailbox for each language, slots 1 to 9, by event socket.

The file is put beside the mailbox's messages and handed over with vm_fsdb_pref_greeting_set, which renames it into its
slot and makes that slot the one that is played; vm_fsdb_pref_greeting_get and the file itself say whether it is. An
emergency has a slot of its own, so its end only has to choose the other one again. A greeting that is recorded at the
phone overwrites the file of its slot in place, which is seen by its hash.
"""

import re
import uuid
from contextlib import suppress
from pathlib import Path

from services.voicemail.greetings import files
from services.voicemail.greetings.event_socket import EventSocket, EventSocketError
from services.voicemail.greetings.studio import Format
from services.voicemail.greetings.targets import Playing, PublishError
from shared.greeting_targets import FreeSwitchMailboxes

_SLOT = re.compile(r"greeting_(\d)\.\w+")
_HINT = (
    "Check FreeSWITCH: its event socket, the password, mod_voicemail, and that {path} is its voicemail folder; it is "
    "tried again by itself."
)


class FreeSwitchTarget:
    def __init__(self, target: FreeSwitchMailboxes) -> None:
        self._target = target
        self._mailboxes: dict[str, str] = {str(language): user for language, user in target.mailboxes.items()}
        self.format = Format(8_000)

    @property
    def overrides(self) -> bool:
        return self._target.emergency_slot != self._target.slot

    def languages(self, wanted: list[str]) -> list[str]:
        """Those that have a mailbox: FreeSWITCH plays one greeting in one mailbox, whatever the caller speaks."""
        return [language for language in wanted if language in self._mailboxes]

    def playing(self, language: str) -> Playing | None:
        try:
            with self._socket() as socket:
                slot = self._chosen(socket, language)
            if slot is None:
                return None
            path = self._file(language, slot)
            override = self.overrides and slot == self._target.emergency_slot
            return Playing(path.read_bytes(), path.name, override)
        except FileNotFoundError:
            return None
        except (OSError, EventSocketError) as error:
            raise self._failure(error) from error

    def found(self, language: str) -> Playing | None:
        return self.playing(language)

    def publish(self, language: str, rendition: bytes, *, override: bool = False) -> None:
        slot = self._target.emergency_slot if override else self._target.slot
        path = self._file(language, slot)
        try:
            if not self._target.path.is_dir():
                raise FileNotFoundError(f"There is no folder {self._target.path}")
            with self._socket() as socket:
                before = self._chosen(socket, language)
                kept = path.read_bytes() if path.is_file() else None
                try:
                    self._hand_over(socket, language, slot, rendition)
                    self._prove(socket, language, slot, path, rendition)
                except BaseException:
                    with suppress(OSError, EventSocketError):
                        self._undo(socket, language, path, kept, before)
                    raise
        except (OSError, EventSocketError) as error:
            raise self._failure(error) from error

    def _hand_over(self, socket: EventSocket, language: str, slot: int, rendition: bytes) -> None:
        folder = self._file(language, slot).parent
        if not folder.is_dir():
            folder.mkdir()
            folder.chmod(files.FOLDER_MODE)
        new = folder / f".greeting.{uuid.uuid4().hex[:12]}.{self._target.extension}"
        files.replace(new, rendition)
        try:
            self._set(socket, language, slot, new)
        finally:
            new.unlink(missing_ok=True)  # it has been renamed away, or was refused

    def _set(self, socket: EventSocket, language: str, slot: int, file: Path | None = None) -> None:
        target = self._target
        words = ["vm_fsdb_pref_greeting_set", target.profile, target.domain, self._mailboxes[language], str(slot)]
        if file is not None:
            remote = (target.remote_path or target.path) / file.relative_to(target.path)
            words.append(str(remote))
        socket.api(" ".join(words))

    def _chosen(self, socket: EventSocket, language: str) -> int | None:
        """The slot that is played."""
        target = self._target
        asked = f"vm_fsdb_pref_greeting_get json {target.profile} {target.domain} {self._mailboxes[language]}"
        found = _SLOT.search(socket.api(asked))
        return int(found.group(1)) if found else None

    def _prove(self, socket: EventSocket, language: str, slot: int, path: Path, rendition: bytes) -> None:
        if (chosen := self._chosen(socket, language)) != slot:
            raise OSError(f"FreeSWITCH plays slot {chosen} of {self._mailboxes[language]}, not {slot}")
        if path.read_bytes() != rendition:
            raise OSError(f"{path} reads back differently from what was written")

    def _undo(self, socket: EventSocket, language: str, path: Path, kept: bytes | None, before: int | None) -> None:
        if kept is not None:
            files.replace(path, kept)
        if before is not None:
            self._set(socket, language, before)

    def _file(self, language: str, slot: int) -> Path:
        return self._target.path / self._mailboxes[language] / f"greeting_{slot}.{self._target.extension}"

    def _socket(self) -> EventSocket:
        return EventSocket(self._target.host, self._target.port, self._target.password.get_secret_value())

    def _failure(self, error: Exception) -> PublishError:
        return PublishError(str(error), _HINT.format(path=self._target.path))
