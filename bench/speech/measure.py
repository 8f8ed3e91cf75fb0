"""What the product makes of voicemail: spoken by voices that nobody trained on, in noise, long, and of no speech."""

import random
import tempfile
from pathlib import Path

import numpy as np

from bench.figures import Figures
from bench.speech.messages import BANDS, RATE, VOICES, Message, message, noisy, through
from bench.speech.score import Score
from bench.speech.sounds import sounds
from local import speech
from services.voicemail.speech_process import SpeechProcess
from shared.settings import Settings

LANGUAGES = {"en": "English", "es": "Spanish"}
NOISES_DB = (20, 10)
LONG_S = (60,)
SEED = 20


async def measure(size: int) -> Figures:
    """`size` recordings without speech; a fiftieth of that of messages in each language and band."""
    figures = Figures(
        "Voicemail heard",
        "Spoken by espeak-ng in variants, speeds and pitches that were not trained on, with names and reasons that "
        "were not trained on either, put together from the words that the small checkpoint knows: its vocabulary is "
        "closed, so these figures say how the product hears with it, not how real weights hear real callers. Each "
        "message has a callback number of ten random digits. Everything goes through the product's own decoding of "
        "audio, finding of speech, recogniser and flags.",
    )
    with tempfile.TemporaryDirectory(prefix="centralita-bench-speech-") as folder:
        checkpoint = speech.checkpoint(Path(folder))
        engine = SpeechProcess(
            Settings.model_validate(
                {"database_url": "postgresql+asyncpg://", "secret_key": "bench-key-" * 4, "blob_dir": folder,
                 "whisper_model": str(checkpoint), "whisper_threads": 1}
            )
        )  # fmt: skip
        try:
            await _nobody(figures, engine, size)
            await _messages(figures, engine, max(1, size // 50))
        finally:
            await engine.close()
    return figures


async def _messages(figures: Figures, engine: SpeechProcess, count: int) -> None:
    chance = random.Random(SEED)
    spoken = {language: [message(chance, language) for _ in range(count)] for language in VOICES}
    for band in BANDS:
        for language, name in LANGUAGES.items():
            score = Score()
            for each in spoken[language]:
                await _hear(score, engine, each, band)
            figures.add(f"{band}, {name}", str(score), "language 95 %")
    for decibels in NOISES_DB:
        score = Score()
        for language in LANGUAGES:
            for each in spoken[language][: max(1, count // 2)]:
                with_noise = noisy(each.samples, chance, decibels)
                await _hear(score, engine, Message(each.language, each.text, each.digits, with_noise), BANDS[1])
        figures.add(f"{BANDS[1]}, white noise {decibels} dB below the voice", str(score), "language 95 %")
    for seconds in LONG_S:
        score = Score()
        for language in LANGUAGES:
            await _hear(score, engine, _long(chance, language, seconds), BANDS[1])
        figures.add(f"{BANDS[1]}, {seconds} s and longer", str(score))


async def _hear(score: Score, engine: SpeechProcess, said: Message, band: str) -> None:
    heard = await engine.transcribe(through(band, said.samples), list(LANGUAGES))
    score.add(said, heard.text, heard.language)


def _long(chance: random.Random, language: str, seconds: int) -> Message:
    """Messages one after the other; the number is that of the last, after the first half minute."""
    parts: list[Message] = []
    while sum(len(each.samples) for each in parts) < seconds * RATE:
        parts.append(message(chance, language, reasons=4))
    text = " ".join(each.text for each in parts)
    return Message(language, text, parts[-1].digits, np.concatenate([each.samples for each in parts]))


async def _nobody(figures: Figures, engine: SpeechProcess, count: int) -> None:
    words: dict[str, int] = {}
    for index, (name, samples) in enumerate(sounds(count, SEED)):
        heard = await engine.transcribe(through(BANDS[index // 10 % 2], samples), list(LANGUAGES))
        words[name] = words.get(name, 0) + len(heard.text.split())
    spread = ", ".join(f"{name} {number}" for name, number in words.items())
    figures.add(f"words from {count} recordings without speech ({spread})", str(sum(words.values())), "0")
