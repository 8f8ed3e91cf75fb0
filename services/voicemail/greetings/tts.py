"""Reads a script aloud, for a draft: behind a Protocol, with espeak-ng as the engine."""

import asyncio
import re
import shutil
from typing import Protocol

from shared.errors import Unavailable
from shared.settings import Settings

TIMEOUT_S = 30.0
WORDS_A_MINUTE = 150
_VOICES = {"en": "en-us", "es": "es-419"}
# «9-1-1» and telephone numbers are said digit by digit, with a breath between the groups.
_NUMBER = re.compile(r"(?<!\w)\+?\(?\d[\d()]*(?:[-. ]\(?\d[\d()]*)+(?!\w)")


class Voice(Protocol):
    """A synthesiser. Every implementation passes tests/voicemail/greetings/test_tts.py."""

    @property
    def name(self) -> str:
        """What spoke, for the record."""

    async def read(self, script: str, language: str) -> bytes:
        """The script as a WAV file. Raises Unavailable, with words that say what to do."""


class Espeak:
    """espeak-ng in a process of its own: small, without a model, and unmistakably a machine."""

    name = "espeak-ng"

    def __init__(self, program: str = "espeak-ng") -> None:
        self._program = program

    async def read(self, script: str, language: str) -> bytes:
        program = shutil.which(self._program)
        if program is None:
            raise Unavailable(
                "Drafts cannot be read aloud: espeak-ng is not installed where this service runs. Ask an "
                "administrator to install it, or record the greeting yourself."
            )
        process = await asyncio.create_subprocess_exec(
            program, "-v", _VOICES[language], "-s", str(WORDS_A_MINUTE), "--stdin", "--stdout",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(TIMEOUT_S):
                made, _said = await process.communicate(spoken(script).encode())
        except TimeoutError:
            process.kill()
            await process.wait()
            made = b""
        if process.returncode != 0 or len(made) <= 44:
            raise Unavailable("The script could not be read aloud. Try it again, or record the greeting yourself.")
        return made


class Nobody:
    """No synthesiser is wanted."""

    name = "none"

    async def read(self, script: str, language: str) -> bytes:
        raise Unavailable("Drafts read aloud are switched off here. Record the greeting yourself.")


def voice_of(settings: Settings) -> Voice:
    return Espeak() if settings.greeting_voice == "espeak-ng" else Nobody()


def spoken(script: str) -> str:
    """The script with its telephone numbers spelled out, as callers must be able to write them down."""

    def digits(found: re.Match[str]) -> str:
        groups = re.findall(r"\d+", found.group())
        return ", ".join(" ".join(group) for group in groups) if len(groups) > 1 else found.group()

    return _NUMBER.sub(digits, script)
