"""Publishes greetings to FreeSWITCH's mod_voicemail: a mailbox for each language, slots 1 to 9, by event socket.

The file is put beside the mailbox's messages and handed over with vm_fsdb_pref_greeting_set, which renames it into its
slot and makes that slot the one that is played; vm_fsdb_pref_greeting_get and the file itself say whether it is. An
emergency has a slot of its own, so its end only has to choose the other one again. A greeting that is recorded at the
phone overwrites the file of its slot in place, which is seen by its hash.
"""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from services.voicemail.esl import Esl, Refused, connected
from services.voicemail.greetings import files
from services.voicemail.greetings.studio import Format
from services.voicemail.greetings.targets import Playing, PublishError
from shared.greeting_targets import FreeSwitchMailboxes

T = TypeVar("T")
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
            slot = self._connected(lambda esl: self._chosen(esl, language))
            if slot is None:
                return None
            path = self._file(language, slot)
            override = self.overrides and slot == self._target.emergency_slot
            return Playing(path.read_bytes(), path.name, override)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failure(error) from error

    def found(self, language: str) -> Playing | None:
        return self.playing(language)

    def publish(self, language: str, rendition: bytes, *, override: bool = False) -> None:
        slot = self._target.emergency_slot if override else self._target.slot
        try:
            if not self._target.path.is_dir():
                raise FileNotFoundError(f"There is no folder {self._target.path}")
            self._connected(lambda esl: self._replace(esl, language, slot, rendition))
        except OSError as error:
            raise self._failure(error) from error

    async def _replace(self, esl: Esl, language: str, slot: int, rendition: bytes) -> None:
        """Hand the file over and prove it; what was chosen and what lay in the slot come back when that fails."""
        path = self._file(language, slot)
        before = await self._chosen(esl, language)
        kept = path.read_bytes() if path.is_file() else None
        try:
            await self._hand_over(esl, language, slot, rendition)
            if (chosen := await self._chosen(esl, language)) != slot:
                raise OSError(f"FreeSWITCH plays slot {chosen} of {self._mailboxes[language]}, not {slot}")
            if path.read_bytes() != rendition:
                raise OSError(f"{path} reads back differently from what was written")
        except BaseException:
            with suppress(OSError):
                if kept is not None:
                    files.replace(path, kept)
                if before is not None:
                    await self._set(esl, language, before)
            raise

    async def _hand_over(self, esl: Esl, language: str, slot: int, rendition: bytes) -> None:
        folder = self._file(language, slot).parent
        if not folder.is_dir():
            folder.mkdir()
            folder.chmod(files.FOLDER_MODE)
        new = folder / f".greeting.{uuid.uuid4().hex[:12]}.{self._target.extension}"
        files.replace(new, rendition)
        try:
            await self._set(esl, language, slot, new)
        finally:
            new.unlink(missing_ok=True)  # it has been renamed away, or was refused

    async def _set(self, esl: Esl, language: str, slot: int, file: Path | None = None) -> None:
        target = self._target
        words = ["vm_fsdb_pref_greeting_set", target.profile, target.domain, self._mailboxes[language], str(slot)]
        if file is not None:
            words.append(str((target.remote_path or target.path) / file.relative_to(target.path)))
        try:
            await esl.command("api " + " ".join(words))
        except Refused as refused:
            if "-OK" not in str(refused):  # mod_voicemail's own way to say that it went well
                raise

    async def _chosen(self, esl: Esl, language: str) -> int | None:
        """The slot that is played."""
        target = self._target
        mailbox = self._mailboxes[language]
        asked = await esl.command(f"api vm_fsdb_pref_greeting_get json {target.profile} {target.domain} {mailbox}")
        found = _SLOT.search(asked.body)
        return int(found.group(1)) if found else None

    def _file(self, language: str, slot: int) -> Path:
        return self._target.path / self._mailboxes[language] / f"greeting_{slot}.{self._target.extension}"

    def _connected(self, work: Callable[[Esl], Awaitable[T]]) -> T:
        """One conversation. Targets are asked in threads, which have no loop of their own."""

        async def talk() -> T:
            target = self._target
            password = target.password.get_secret_value()
            async with connected(target.host, target.port, password, lambda _event: None) as (esl, _reading):
                return await work(esl)

        try:
            return asyncio.run(talk())
        except TimeoutError as error:
            raise OSError("FreeSWITCH does not answer.") from error

    def _failure(self, error: OSError) -> PublishError:
        return PublishError(str(error), _HINT.format(path=self._target.path))
