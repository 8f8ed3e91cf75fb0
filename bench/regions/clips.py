"""Telephone calls of which every spoken second is known: made of espeak-ng's speech, µ-law, and what lines carry."""

from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from local.speech import synthesis
from services.voicemail import audio

RATE = 16_000
Samples = NDArray[np.float32]
SENTENCES = {
    "en": ("Hello, good morning.", "I am calling about my energy bill.", "Please call me back tomorrow."),
    "es": ("Hola, buenos días.", "Llamo por mi factura de luz.", "Por favor llámeme mañana."),
}


@dataclass(frozen=True)
class Clip:
    """`speech` are the spoken stretches in seconds; none of them: nobody speaks."""

    kind: str
    samples: Samples
    speech: tuple[tuple[float, float], ...]


def telephone(samples: Samples) -> Samples:
    """Through 8 kHz µ-law and back to 16 kHz, band-limited both ways."""
    frame = av.AudioFrame.from_ndarray(
        (np.clip(samples, -1, 1) * 32767).astype("<i2").reshape(1, -1), format="s16", layout="mono"
    )
    frame.sample_rate = RATE
    resampler = av.AudioResampler(format="s16", layout="mono", rate=8_000)
    codec = av.CodecContext.create("pcm_mulaw", "w")
    assert isinstance(codec, av.AudioCodecContext)
    codec.sample_rate, codec.layout, codec.format = 8_000, "mono", "s16"
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    raw = b"".join(bytes(packet) for piece in [*frames, None] for packet in codec.encode(piece))
    heard = audio.decode(raw, hint="ulaw", rate=RATE)
    out = np.zeros(len(samples), np.float32)
    out[: len(heard)] = heard[: len(samples)]
    return out


def white(random: np.random.Generator, seconds: float, level: float) -> Samples:
    return (random.standard_normal(int(seconds * RATE)) * level).astype(np.float32)


def babble(random: np.random.Generator, seconds: float, level: float) -> Samples:
    """The low, slowly swelling noise of a street or a room: no voice in it."""
    noise = random.standard_normal(int(seconds * RATE))
    spectrum = np.fft.rfft(noise)
    spectrum /= np.maximum(np.fft.rfftfreq(len(noise), 1 / RATE), 80) ** 0.8
    shaped = np.fft.irfft(spectrum, len(noise))
    swell = 1 + 0.6 * np.sin(np.arange(len(noise)) / RATE * 2 * np.pi * 0.4)
    shaped = shaped * swell
    return np.asarray(shaped / np.sqrt((shaped**2).mean()) * level, np.float32)


def music(random: np.random.Generator, seconds: float, level: float) -> Samples:
    """Music on hold: chords of plucked notes with harmonics, four to the second at most."""
    out = np.zeros(int(seconds * RATE))
    at = 0.0
    while at < seconds - 0.3:
        length = float(random.choice([0.25, 0.5, 0.75]))
        time = np.arange(int(length * RATE)) / RATE
        for note in random.choice([0, 3, 4, 7, 9, 12, 16], size=3, replace=False):
            pitch = 220.0 * 2 ** (float(note) / 12)
            tone = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 6)) * np.exp(-3 * time)
            begin = int(at * RATE)
            part = tone[: len(out) - begin]
            out[begin : begin + len(part)] += part
        at += length
    return np.asarray(out / np.sqrt((out**2).mean()) * level, np.float32)


def beeps(_: np.random.Generator, seconds: float, level: float) -> Samples:
    """The busy tone that a phone system records after a caller hung up."""
    time = np.arange(int(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * 480 * time) + np.sin(2 * np.pi * 620 * time)
    return (tone * (time % 1.0 < 0.5) * level).astype(np.float32)


def all_clips(each: int) -> list[Clip]:
    """`each` clips of every kind; the same ones every time."""
    clips = []
    for number in range(each):
        random = np.random.default_rng(number)
        language = ("en", "es")[number % 2]
        voice = synthesis.VOICES[language][number % 4]
        said = synthesis.message(list(SENTENCES[language]), language, voice=voice, speed=150 + 15 * (number % 3))
        said = said / np.sqrt((said**2).mean()) * np.float32(0.1)
        for kind, gain, noise in (
            ("clear", 1.0, white(random, 60, 0.0003)),
            ("quiet speaker", 0.06, white(random, 60, 0.0003)),
            ("hiss, 10 dB below", 1.0, white(random, 60, 0.032)),
            ("street, 6 dB below", 1.0, babble(random, 60, 0.05)),
            ("music, 10 dB below", 1.0, music(random, 60, 0.032)),
        ):
            before, after = 1.0 + float(random.uniform(0, 3)), 2.0
            whole = np.concatenate(
                [
                    np.zeros(int(before * RATE), np.float32),
                    said * np.float32(gain),
                    np.zeros(int(after * RATE), np.float32),
                ]
            )
            spoken = _spoken(whole)
            clips.append(Clip(kind, telephone(whole + noise[: len(whole)]), spoken))
        for kind, nobody in (
            ("silence", white(random, 10, 0.0003)),
            ("hiss", white(random, 10, 0.01)),
            ("street", babble(random, 10, 0.05)),
            ("music", music(random, 10, 0.08)),
            ("busy tone", beeps(random, 10, 0.1)),
        ):
            clips.append(Clip(kind, telephone(nobody), ()))
    return clips


def _spoken(clean: Samples) -> tuple[tuple[float, float], ...]:
    """Where the clean voice sounds, with pauses of less than 0.2 s counted to it."""
    frames = clean[: len(clean) // 160 * 160].reshape(-1, 160)
    loud = np.sqrt((frames**2).mean(axis=1)) > 0.02 * np.abs(clean).max()
    spans: list[tuple[float, float]] = []
    for index in np.flatnonzero(loud):
        start, end = index * 0.01, index * 0.01 + 0.01
        if spans and start - spans[-1][1] < 0.2:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return tuple(spans)
