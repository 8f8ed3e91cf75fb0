"""Publishes greetings into an Asterisk voicemail folder: {mailbox}/{language}/unavail.wav and {mailbox}/unavail.wav.

Asterisk plays the file of the channel's language only when a file without a language folder exists too, so the
fallback language is written to both places. It chooses the cheapest of all formats it finds under one name, so
sibling formats are removed. It keeps playing an open file that is renamed over, so callers hear the old greeting or
the new one, never a mixture.

An emergency goes to the temporary greeting (temp.wav), which Asterisk plays instead of unavail and busy alike. Once
temp.wav stands, callers of every language get it, so every language gets a temp of its own: languages without an
emergency their usual words. The file without a language folder is written last and removed first: it is the switch.
"""

from collections.abc import Iterator
from pathlib import Path

from services.voicemail.greetings import files
from services.voicemail.greetings.files import Swap
from services.voicemail.greetings.studio import Format
from services.voicemail.greetings.targets import Playing, PublishError
from shared.greeting_targets import AsteriskFolder

FORMAT = Format(rate=8_000)
EXTENSION = ".wav"
OVERRIDE = "temp"
_UNFINISHED = {".tmp", ".txt"}  # what the phone system writes beside a greeting and does not play
_HINT = (
    "Check that the voicemail folder of the phone system is mounted and that this service may write into {path}; "
    "it is tried again by itself."
)


class AsteriskTarget:
    def __init__(self, target: AsteriskFolder) -> None:
        self._mailbox = target.path
        self._name = target.greeting
        self._fallback_language = target.fallback_language
        self._override = OVERRIDE if target.emergency == "temp" else target.greeting

    @property
    def format(self) -> Format:
        return FORMAT

    @property
    def overrides(self) -> bool:
        return self._override == OVERRIDE != self._name

    def languages(self, wanted: list[str]) -> list[str]:
        """The fallback language last when an override is written; `publish` removes it first by itself."""
        return sorted(wanted, key=lambda language: language == self._fallback_language)

    def playing(self, language: str) -> Playing | None:
        try:
            paths = self._played(language)
            if any(self._siblings(path) for path in paths):
                return None
            contents = {path.read_bytes() for path in paths}
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failure(error) from error
        if len(contents) != 1:
            return None
        override = self.overrides and paths[0].stem == OVERRIDE
        return Playing(contents.pop(), str(paths[0].relative_to(self._mailbox)), override)

    def found(self, language: str) -> Playing | None:
        try:
            there = [
                each
                for name in (OVERRIDE, self._name)
                for folder in (self._mailbox / language, self._mailbox)
                for each in _same_name(folder, name)
            ]
            if not there:
                return None
            newest = max(there, key=lambda path: path.stat().st_mtime)
            return Playing(newest.read_bytes(), str(newest.relative_to(self._mailbox)))
        except OSError as error:
            raise self._failure(error) from error

    def publish(self, language: str, rendition: bytes, *, override: bool = False) -> None:
        name = self._override if override else self._name
        try:
            if not self._mailbox.parent.is_dir():
                # Making the whole path would write into an empty mount point and call it live.
                raise FileNotFoundError(f"There is no folder {self._mailbox.parent}")
            swaps = [Swap(path, rendition) for path in self._paths(language, name)]
            try:
                for swap in swaps:
                    swap.prepare()
                for swap in swaps:
                    swap.replace(self._siblings(swap.path))
                for swap in swaps:
                    files.prove(swap)
            except BaseException:
                for swap in reversed(swaps):
                    swap.undo()
                raise
            for swap in swaps:
                swap.finish()
            if name != OVERRIDE and self._name != OVERRIDE:
                self._end_override(language)
        except OSError as error:
            raise self._failure(error) from error

    def _paths(self, language: str, name: str) -> list[Path]:
        """Where a greeting of that name stands for a language: its own folder first, which switches nothing yet."""
        own = self._mailbox / language / (name + EXTENSION)
        return [own, self._mailbox / (name + EXTENSION)] if language == self._fallback_language else [own]

    def _switched(self) -> bool:
        return any(_same_name(self._mailbox, OVERRIDE))

    def _played(self, language: str) -> list[Path]:
        """The files that callers in this language hear, in whatever way Asterisk comes to them."""
        if not self._switched():
            return self._paths(language, self._name)
        own = any(_same_name(self._mailbox / language, OVERRIDE))
        if own or language == self._fallback_language:
            return self._paths(language, OVERRIDE)
        return [self._mailbox / (OVERRIDE + EXTENSION)]

    def _end_override(self, language: str) -> None:
        """The usual greeting stands and is proven: take the temporary one away, ours or one recorded at the phone."""
        for folder in (self._mailbox, self._mailbox / language):
            for path in list(_same_name(folder, OVERRIDE)):
                path.unlink(missing_ok=True)
        if self._switched():
            raise OSError(f"The temporary greeting in {self._mailbox} cannot be removed")

    def _siblings(self, path: Path) -> list[Path]:
        """The same greeting in other formats, which Asterisk could play instead."""
        return [each for each in _same_name(path.parent, path.stem) if each.name != path.name and not _is(each, path)]

    def _failure(self, error: OSError) -> PublishError:
        return PublishError(str(error), _HINT.format(path=self._mailbox))


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
