"""Raw mail and audio by content hash, in a folder. Written once, never changed.

A blob's name is the SHA-256 of its bytes in hexadecimal, so writing the same bytes twice is harmless and a reader
can tell a damaged file. Files are written beside their place, synced, and renamed into it. The folder itself is never
made here: when it is gone its volume is, and that is an OSError (blob_folder.py makes it at the first start).
"""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path

from shared.errors import NotFound
from shared.settings import Settings


class Blobs:
    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def from_settings(cls, settings: Settings) -> "Blobs":
        return cls(settings.blob_dir)

    def path(self, name: str) -> Path:
        if len(name) != 64 or not all(c in "0123456789abcdef" for c in name):
            raise NotFound("There is no such file.")
        return self.root / name[:2] / name[2:4] / name

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
        folder = self.path(name).parent
        for each in (folder.parent, folder):
            each.mkdir(exist_ok=True)
        return folder

    def _has(self, name: str, size: int) -> bool:
        target = self.path(name)
        return target.exists() and target.stat().st_size == size

    def _write(self, folder: Path, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Into a file in that folder, synced, and from there to its place."""
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".new-")
        digest, size = hashlib.sha256(), 0
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                name = digest.hexdigest()
                if self._has(name, size):
                    Path(temporary).unlink()
                    return name, size
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o640)
            Path(temporary).replace(self._parent(name) / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return name, size

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
