"""Replaces a file that others are reading: they see the old one or the new one, whole, and a failure can be undone."""

import hashlib
import os
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path

MODE = 0o644  # phone systems run as another user
FOLDER_MODE = 0o755
_LEFTOVER_S = 3600.0


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Swap:
    """One file on its way to being replaced, which can be undone until it is finished."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self.content = content
        mark = uuid.uuid4().hex[:12]
        # The leading dot keeps a phone system from taking it for a greeting.
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
            file.write(self.content)
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


def replace(path: Path, content: bytes) -> None:
    """One file, proven by reading it back. Raises OSError, after which the old one stands as it was."""
    swap = Swap(path, content)
    try:
        swap.prepare()
        swap.replace([])
        prove(swap)
    except BaseException:
        swap.undo()
        raise
    swap.finish()


def prove(swap: Swap) -> None:
    """Raises OSError when the file does not read back as what was written."""
    wanted = hashlib.sha256(swap.content).hexdigest()
    if (read_back := sha256(swap.path)) != wanted:
        raise OSError(f"{swap.path} reads back as {read_back[:12]}, not as {wanted[:12]}")


def _clear_leftovers(path: Path) -> None:
    """Remove what a killed process left beside a greeting; recent files may be another process at work."""
    for entry in path.parent.glob(f".{path.stem}.*"):
        with suppress(OSError):
            if entry.suffix in (".new", ".old") and time.time() - entry.stat().st_mtime > _LEFTOVER_S:
                entry.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself durable; some network file systems cannot, and need not."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
