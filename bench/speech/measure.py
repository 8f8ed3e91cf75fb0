"""What the product makes of voicemail: spoken by voices that nobody trained on, in noise, long, and of no speech."""

import random
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.figures import Figures
from bench.speech.messages import BANDS, RATE, VOICES, Message, message, over, through
from bench.speech.score import Score
from bench.speech.sounds import made, sounds
from local import speech
from services.tickets.callers.facts import Kind
from services.tickets.callers.listen import listen
from services.tickets.callers.words import of_segments
from services.voicemail.convert import convert
from services.voicemail.speech_process import SpeechProcess
from shared.settings import Settings

LANGUAGES = {"en": "English", "es": "Spanish"}
AIM = "language 95 %, keywords 90 %, digits 90 %"
BACKGROUNDS = (("noise", 20), ("noise", 10), ("plucked", 15), ("organ", 15), ("gusts", 15))  # dB below the voice
BEFORE_S, AFTER_S = 8, 5
LONG_S = 60
SEED = 20


async def measure(size: int) -> Figures:
    """`size` recordings without speech; a twentieth of that of messages in each language and band."""
    figures = Figures(
        "Voicemail heard",
        "Spoken by espeak-ng in variants, speeds and pitches that were not trained on, with names and reasons that "
        "were not trained on either, put together from the words that the small checkpoint knows: its vocabulary is "
        "closed, so these figures say how the product hears with it, not how real weights hear real callers. Each "
        "message has a random callback number, said in groups of three, three and four. Everything goes through the "
        "product's own decoding of audio, finding of speech, recogniser (the fast engine), flags and reading of "
        "numbers, as the service does it; without the hint of the trade's words, which so small a model cannot read.",
    )
    with tempfile.TemporaryDirectory(prefix="centralita-bench-speech-") as folder:
        checkpoint = speech.checkpoint(Path(folder))
        convert(checkpoint)
        engine = SpeechProcess(
            Settings.model_validate(
                {"database_url": "postgresql+asyncpg://", "secret_key": "bench-key-" * 4, "blob_dir": folder,
                 "whisper_model": str(checkpoint), "whisper_threads": 1, "transcription_words": {}}
            )
        )  # fmt: skip
        try:
            await _nobody(figures, engine, size)
            await _messages(figures, engine, max(1, size // 20))
        finally:
            await engine.close()
    return figures


async def _messages(figures: Figures, engine: SpeechProcess, count: int) -> None:
    chance = random.Random(SEED)
    spoken = {language: [message(chance, language) for _ in range(count)] for language in VOICES}
    every = Score()
    for band in BANDS:
        for language, name in LANGUAGES.items():
            score = Score()
            for each in spoken[language]:
                await _hear((score, every), engine, each, band)
            figures.add(f"{band}, {name}", str(score), AIM)
    some = [each for language in LANGUAGES for each in spoken[language][: max(1, count // 2)]]
    for kind, decibels in BACKGROUNDS:
        score = Score()
        for each in some:
            behind = over(each.samples, made(kind, chance, len(each.samples)), decibels)
            await _hear((score, every), engine, replace(each, samples=behind), BANDS[1])
        figures.add(f"{BANDS[1]}, {kind} {decibels} dB below the voice", str(score), AIM)
    score = Score()
    for each in some:
        parts = [np.zeros(BEFORE_S * RATE, np.float32), each.samples, 0.2 * made("busy", chance, AFTER_S * RATE)]
        await _hear((score, every), engine, replace(each, samples=np.concatenate(parts)), BANDS[1])
    figures.add(f"{BANDS[1]}, {BEFORE_S} s of silence before, a hang-up and {AFTER_S} s of busy tone after", str(score))
    score = Score()
    for each in [_long(chance, language, LONG_S) for language in LANGUAGES for _ in range(max(1, count // 5))]:
        await _hear((score, every), engine, each, BANDS[1])
    figures.add(f"{BANDS[1]}, {LONG_S} s and longer, the number after the first half minute", str(score))
    figures.add(f"what the ticket offers to call back, of these {every.messages}", every.callbacks(), "unmarked 0")


async def _hear(scores: Sequence[Score], engine: SpeechProcess, said: Message, band: str) -> None:
    heard = await engine.transcribe(through(band, said.samples), list(LANGUAGES))
    wishes = listen(of_segments(heard.segments, heard.text))
    for score in scores:
        score.add(said, heard.text, heard.language)
        score.add_callbacks(said, wishes.of(Kind.CALLBACK))


def _long(chance: random.Random, language: str, seconds: int) -> Message:
    """Messages one after the other; the number is that of the last, after the first half minute."""
    parts: list[Message] = []
    while sum(len(each.samples) for each in parts) < seconds * RATE:
        parts.append(message(chance, language, reasons=4))
    text = " ".join(each.text for each in parts)
    samples = np.concatenate([each.samples for each in parts])
    return Message(language, text, parts[-1].digits, samples, tuple(each.digits for each in parts[:-1]))


async def _nobody(figures: Figures, engine: SpeechProcess, count: int) -> None:
    words: dict[str, int] = {}
    for index, (name, samples) in enumerate(sounds(count, SEED)):
        heard = await engine.transcribe(through(BANDS[index // 10 % 2], samples), list(LANGUAGES))
        words[name] = words.get(name, 0) + len(heard.text.split())
    spread = ", ".join(f"{name} {number}" for name, number in words.items())
    figures.add(f"words from {count} recordings without speech ({spread})", str(sum(words.values())), "0")
