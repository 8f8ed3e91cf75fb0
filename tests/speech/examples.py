"""Makes training examples: messages of several sentences as they come through a telephone, and what should be heard."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from local.speech.phrases import CLOSING, NAME, NUMBER, OPENING, REASON
from tests.speech.corpus import Corpus

RATE = 16_000
ORDER = (OPENING, NAME, REASON, REASON, NUMBER, CLOSING)
ANY = (OPENING, NAME, REASON, REASON, NUMBER, CLOSING)
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Spoken:
    """A sentence and when it is said, in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Example:
    """A recording, the language it is in (None: nobody speaks) and its sentences."""

    samples: Samples
    language: str | None
    sentences: tuple[Spoken, ...]


def telephone(samples: Samples) -> Samples:
    """8 kHz, 300 to 3,400 Hz, µ-law, and back to 16 kHz."""
    spectrum = np.fft.rfft(samples)
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    spectrum[(frequencies < 300) | (frequencies > 3400)] = 0
    narrow = np.clip(np.fft.irfft(spectrum, len(samples)), -1, 1)
    companded = np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256)
    companded = np.round(companded * 127) / 127
    expanded = np.sign(companded) * (np.power(256, np.abs(companded)) - 1) / 255
    return _through_8k(expanded.astype(np.float32))


def _through_8k(samples: Samples) -> Samples:
    for source, target in ((RATE, 8_000), (8_000, RATE)):
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate = source
        resampler = av.AudioResampler(format="flt", layout="mono", rate=target)
        frames = [*resampler.resample(frame), *resampler.resample(None)]
        samples = np.concatenate([piece.to_ndarray().reshape(-1) for piece in frames]).astype(np.float32)
    return samples


def kinds_of(chance: random.Random, count: int, *, with_number: bool) -> list[str]:
    """What is said, in the order people say it, for a message of so many sentences."""
    if count == 1:
        return [NUMBER if with_number else chance.choice((OPENING, NAME, REASON, REASON, REASON, REASON, CLOSING))]
    kinds = list(ORDER) if count >= 6 else [ORDER[i] for i in sorted(chance.sample(range(6), count))]
    if with_number and NUMBER not in kinds:
        kinds[chance.randrange(len(kinds))] = NUMBER
    kinds += [chance.choice(ANY) for _ in range(count - 6)]
    if chance.random() < 0.3:
        chance.shuffle(kinds)
    return kinds


def make(
    corpus: Corpus, chance: random.Random, count: int, *, with_number: bool = False, noise_only: float = 0.06
) -> Example:
    """One example: sometimes only noise, sometimes late, often through a telephone, mostly with some noise."""
    generator = np.random.default_rng(chance.randrange(1 << 31))
    if chance.random() < noise_only:
        seconds = chance.uniform(1, 6)
        level = 0.0 if chance.random() < 0.3 else 10 ** chance.uniform(-5, -1.8)
        noise = (generator.standard_normal(int(RATE * seconds)) * level).astype(np.float32)
        return Example(telephone(noise) if chance.random() < 0.5 else noise, None, ())
    language = chance.choice(tuple(corpus.voices))
    kinds = corpus.voices[language][chance.choice(tuple(corpus.voices[language]))]
    lead_s = chance.choice((0, 0, 0, 0, 0, chance.uniform(0, 0.6), chance.uniform(0, 2), chance.uniform(2, 20)))
    parts: list[Samples] = [np.zeros(int(RATE * lead_s), np.float32)]
    sentences: list[Spoken] = []
    at = len(parts[0])
    for kind in kinds_of(chance, count, with_number=with_number):
        clip = chance.choice(kinds[kind])
        pause = np.zeros(int(RATE * chance.uniform(0.1, 0.6)), np.float32)
        parts += [corpus.samples(clip), pause]
        sentences.append(Spoken(clip.text, at / RATE, (at + clip.length) / RATE))
        at += clip.length + len(pause)
    samples = np.concatenate(parts) * np.float32(chance.uniform(0.3, 1.1))
    if chance.random() < 0.5:
        samples = telephone(samples)
    if chance.random() < 0.6:
        samples = samples + (generator.standard_normal(len(samples)) * 10 ** chance.uniform(-4, -2.2)).astype(
            np.float32
        )
    return Example(samples, language, tuple(sentences))


def texts(sentences: Sequence[Spoken]) -> str:
    return " ".join(sentence.text for sentence in sentences)
