"""Raw mail and audio by content hash, in a folder. Written once, never changed.

A blob's name is the SHA-256 of its bytes in hexadecimal, so writing the same bytes twice is harmless and a reader
can tell a damaged file. Files are written beside their place, synced, and renamed into it; then the folders are synced
too, for after a power cut a PostgreSQL on another volume would know names that are gone here. The store's own folder is
never made here: when it is gone its volume is, and that is an OSError (blob_folder.py makes it at the first start).

They lie in 256 folders, by the first two digits. Earlier ones lie one folder deeper and stay there: 65,536 folders cost
a mail as much as its file, and file systems have long looked names up by their hash.
"""

import asyncio
import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path

from shared.errors import NotFound
from shared.settings import Settings


class Blobs:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._settled: set[Path] = set()  # folders that are there after a power cut, so far as this process knows

    @classmethod
    def from_settings(cls, settings: Settings) -> "Blobs":
        return cls(settings.blob_dir)

    def path(self, name: str) -> Path:
        """Where it is, or will be. Raises NotFound for what is no name."""
        if len(name) != 64 or not all(c in "0123456789abcdef" for c in name):
            raise NotFound("There is no such file.")
        path = self.root / name[:2] / name
        if not path.exists() and (earlier := self.root / name[:2] / name[2:4] / name).exists():
            return earlier
        return path

    def put_sync(self, data: bytes) -> str:
        """Store the bytes durably and return their name. Raises OSError (disk full, read-only…)."""
        name = hashlib.sha256(data).hexdigest()
        if not self._has(name, len(data)):
            self._write(self._parent(name), (data,))
        return name

    def put_chunks_sync(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Store what comes in pieces, never holding all of it; its name and size. Raises OSError."""
        chunks = iter(chunks)
        begun = list(islice(chunks, 2))
        if len(begun) < 2:  # its name is known before anything is written
            data = b"".join(begun)
            return self.put_sync(data), len(data)
        return self._write(self.root, chain(begun, chunks))

    def _parent(self, name: str) -> Path:
        """The folder for this blob, made where it lacks. Raises FileNotFoundError when the root is not there."""
        folder = self.root / name[:2]
        with suppress(FileExistsError):
            folder.mkdir()
            self._settled.discard(folder)
        return folder

    def _has(self, name: str, size: int) -> bool:
        """Whether it is there, and stays: who wrote it may have died before its folder was synced."""
        path = self.path(name)
        try:
            there = path.stat().st_size == size
        except FileNotFoundError:
            return False
        if there:
            self._settle(path.parent)
        return there

    def _write(self, folder: Path, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Into a file in that folder, synced, and from there to its place."""
        temporary = folder / f".new-{secrets.token_hex(8)}"
        digest, size = hashlib.sha256(), 0
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                name = digest.hexdigest()
                known = folder == self.root and self._has(name, size)
                if not known:
                    file.flush()
                    os.fchmod(descriptor, 0o640)
                    os.fsync(descriptor)
            if known:
                temporary.unlink()
                return name, size
            place = self._parent(name) / name
            temporary.replace(place)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self._settle(place.parent)
        return name, size

    def _settle(self, folder: Path) -> None:
        """Sync the folder, and those in which it stands where that was not done before."""
        _sync(folder)
        if folder not in self._settled:
            for above in folder.parents[: len(folder.relative_to(self.root).parts)]:
                _sync(above)
            self._settled.add(folder)

    def get_sync(self, name: str) -> bytes:
        """The bytes. Raises NotFound when they are not here, OSError when the disk fails."""
        try:
            return self.path(name).read_bytes()
        except FileNotFoundError:
            raise NotFound("There is no such file.") from None

    def probe_sync(self) -> None:
        """Return when the folder is there and can be written to. Raises OSError (disk full, not mounted…)."""
        with tempfile.TemporaryFile(dir=self.root) as file:
            file.write(b"probe")
            file.flush()
            os.fsync(file.fileno())

    async def put(self, data: bytes) -> str:
        return await asyncio.to_thread(self.put_sync, data)

    async def get(self, name: str) -> bytes:
        return await asyncio.to_thread(self.get_sync, name)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
