"""Publishes greetings as files in a folder or a mounted bucket that a system takes them from."""

import re
from pathlib import Path

from services.voicemail.greetings import files
from services.voicemail.greetings.studio import Format
from services.voicemail.greetings.targets import Playing, PublishError
from shared.greeting_targets import GreetingFolder

_HINT = "Check that {path} is mounted and that this service may write into it; it is tried again by itself."


class FolderTarget:
    overrides = False

    def __init__(self, target: GreetingFolder) -> None:
        self._folder = target.path
        self._line = re.sub(r"[^\w.+-]", "_", target.line).lstrip(".") or "line"
        self.format = Format(8_000, target.codec)

    def languages(self, wanted: list[str]) -> list[str]:
        return wanted

    def playing(self, language: str) -> Playing | None:
        path = self._path(language)
        try:
            return Playing(path.read_bytes(), path.name)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failure(error) from error

    def found(self, language: str) -> Playing | None:
        return self.playing(language)

    def publish(self, language: str, rendition: bytes, *, override: bool = False) -> None:
        try:
            if not self._folder.is_dir():
                raise FileNotFoundError(f"There is no folder {self._folder}")
            files.replace(self._path(language), rendition)
        except OSError as error:
            raise self._failure(error) from error

    def _path(self, language: str) -> Path:
        return self._folder / f"{self._line}-{language}.wav"

    def _failure(self, error: OSError) -> PublishError:
        return PublishError(str(error), _HINT.format(path=self._folder))
