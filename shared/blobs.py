"""Raw mail and audio by content hash, in a folder. Written once, never changed.

A blob's name is the SHA-256 of its bytes in hexadecimal, so writing the same bytes twice is harmless and a reader
can tell a damaged file. Files are written beside their place, synced, and renamed into it.
"""

import asyncio
import hashlib
import os
import tempfile
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
        target = self.path(name)
        if target.exists() and target.stat().st_size == len(data):
            return name
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o640)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return name

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
