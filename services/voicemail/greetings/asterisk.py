"""Publishes greetings into an Asterisk voicemail folder: {mailbox}/{language}/unavail.wav and {mailbox}/unavail.wav.

Asterisk plays the file of the channel's language only when a file without a language folder exists too, so the
fallback language is written to both places. It chooses the cheapest of all formats it finds under one name, so
sibling formats are removed. It keeps playing an open file that is renamed over, so callers hear the old greeting or
the new one, never a mixture.
"""

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import structlog

from services.voicemail.greetings.studio import Format
from services.voicemail.greetings.targets import PublishError
from shared.settings import GreetingTarget

log = structlog.get_logger(__name__)

FORMAT = Format(rate=8_000)
EXTENSION = ".wav"
MODE = 0o644  # the phone system runs as another user
FOLDER_MODE = 0o755
_LEFTOVER_S = 3600.0
_UNFINISHED = {".tmp", ".txt"}  # what the phone system writes beside a greeting and does not play
_HINT = (
    "Check that the voicemail folder of the phone system is mounted and that this service may write into {path}; "
    "it is tried again by itself."
)


class AsteriskTarget:
    def __init__(self, target: GreetingTarget) -> None:
        self._mailbox = target.path
        self._name = target.greeting
        self._fallback_language = target.fallback_language

    @property
    def format(self) -> Format:
        return FORMAT

    def playing(self, language: str) -> str | None:
        try:
            found = set()
            for path in self._paths(language):
                if self._siblings(path):
                    return None
                found.add(_sha256(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failure(error) from error
        self._refuse_override(language)
        return found.pop() if len(found) == 1 else None

    def publish(self, language: str, rendition: bytes) -> None:
        wanted = hashlib.sha256(rendition).hexdigest()
        try:
            if not self._mailbox.parent.is_dir():
                # Making the whole path would write into an empty mount point and call it live.
                raise FileNotFoundError(f"There is no folder {self._mailbox.parent}")
            swaps = [_Swap(path, rendition) for path in self._paths(language)]
            try:
                for swap in swaps:
                    swap.prepare()
                for swap in swaps:
                    swap.replace(self._siblings(swap.path))
                for swap in swaps:
                    if (read_back := _sha256(swap.path)) != wanted:
                        raise OSError(f"{swap.path} reads back as {read_back[:12]}, not as {wanted[:12]}")
            except BaseException:
                for swap in reversed(swaps):
                    swap.undo()
                raise
            for swap in swaps:
                swap.finish()
        except OSError as error:
            raise self._failure(error) from error
        self._refuse_override(language)

    def _paths(self, language: str) -> list[Path]:
        own = self._mailbox / language / (self._name + EXTENSION)
        return [own, self._mailbox / (self._name + EXTENSION)] if language == self._fallback_language else [own]

    def _siblings(self, path: Path) -> list[Path]:
        """The same greeting in other formats, which Asterisk could play instead."""
        return [each for each in _same_name(path.parent, self._name) if each.name != path.name and not _is(each, path)]

    def _refuse_override(self, language: str) -> None:
        """A temporary greeting, recorded at the phone, is played instead of every other."""
        if self._name == "temp":
            return
        for folder in (self._mailbox, self._mailbox / language):
            for found in _same_name(folder, "temp"):
                raise PublishError(
                    f"The phone system plays its temporary greeting instead: {found}",
                    "Somebody recorded a temporary greeting at the phone. Erase it there, or delete that file.",
                )

    def _failure(self, error: OSError) -> PublishError:
        return PublishError(str(error), _HINT.format(path=self._mailbox))


class _Swap:
    """One file on its way to being replaced, which can be undone until it is finished."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self._content = content
        mark = uuid.uuid4().hex[:12]
        # The leading dot keeps Asterisk from taking it for a greeting.
        self._new = path.with_name(f".{path.stem}.{mark}.new")
        self._old = path.with_name(f".{path.stem}.{mark}.old")
        self._had_old = False
        self._replaced = False
        self._removed: list[tuple[Path, Path]] = []

    def prepare(self) -> None:
        """Everything that can run out of space happens here, before anything is replaced."""
        _clear_leftovers(self.path)
        for folder in (self.path.parent.parent, self.path.parent):
            if not folder.is_dir():
                folder.mkdir()
                folder.chmod(FOLDER_MODE)
        owner = self.path.parent.stat()
        with self._new.open("xb") as file:
            file.write(self._content)
            file.flush()
            os.fsync(file.fileno())
        self._new.chmod(MODE)
        with suppress(PermissionError):  # only root may, and then Asterisk's user should own it
            os.chown(self._new, owner.st_uid, owner.st_gid)
        if self.path.is_file():
            try:
                os.link(self.path, self._old)
            except OSError:  # not every network file system has hard links
                shutil.copy2(self.path, self._old)
            self._had_old = True

    def replace(self, siblings: list[Path]) -> None:
        self._new.replace(self.path)
        self._replaced = True
        for sibling in siblings:
            aside = sibling.with_name(f".{sibling.name}.{uuid.uuid4().hex[:12]}.old")
            sibling.rename(aside)
            self._removed.append((sibling, aside))
        _sync_folder(self.path.parent)

    def undo(self) -> None:
        with suppress(OSError):
            self._new.unlink(missing_ok=True)
        for sibling, aside in self._removed:
            with suppress(OSError):
                aside.rename(sibling)
        with suppress(OSError):
            if self._replaced and self._had_old:
                self._old.replace(self.path)
            elif self._replaced:
                self.path.unlink(missing_ok=True)
            elif self._had_old:
                self._old.unlink(missing_ok=True)

    def finish(self) -> None:
        for aside in (self._old, *(aside for _sibling, aside in self._removed)):
            with suppress(OSError):  # a leftover with a leading dot harms nobody
                aside.unlink(missing_ok=True)


def _clear_leftovers(path: Path) -> None:
    """Remove what a killed process left beside a greeting; recent files may be another process at work."""
    for entry in path.parent.glob(f".{path.stem}.*"):
        with suppress(OSError):
            if entry.suffix in (".new", ".old") and time.time() - entry.stat().st_mtime > _LEFTOVER_S:
                entry.unlink()


def _same_name(folder: Path, stem: str) -> Iterator[Path]:
    """Files that Asterisk could take for the greeting `stem`: any single extension."""
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.stem == stem and entry.suffix and entry.suffix not in _UNFINISHED and not entry.is_dir():
            yield entry


def _is(one: Path, other: Path) -> bool:
    """The same file under two spellings, as `.WAV` and `.wav` are where case does not count."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself durable; some network file systems cannot, and need not."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
