"""What a mailbox records when nobody speaks: silence, noise, tones of the telephone network, music on hold, clicks."""

import random
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
FAST = 4_000  # Fourier transforms of its multiples are quick; of a length with large factors ten times as slow
Samples = NDArray[np.float32]


def sound(chance: random.Random, seconds: float) -> tuple[str, Samples]:
    """The name of its kind, and samples of it, at any loudness a line may have."""
    name = chance.choice((*KINDS, *LIKE_SPEECH))
    samples = KINDS[name](chance, int(seconds * RATE))
    peak = float(np.abs(samples).max())
    loudness = 10 ** chance.uniform(-2.0, -0.1)
    return name, (samples * np.float32(loudness / peak) if peak > 0 else samples).astype(np.float32)


def silence(_: random.Random, count: int) -> Samples:
    return np.zeros(count, np.float32)


def hiss(chance: random.Random, count: int) -> Samples:
    """White to brown noise."""
    spectrum = np.fft.rfft(_generator(chance).standard_normal(count + -count % FAST))
    slope = chance.uniform(0, 1.2)
    spectrum /= np.maximum(np.arange(len(spectrum)), 20.0) ** slope
    noise: Samples = np.fft.irfft(spectrum)[:count].astype(np.float32)
    return noise


def breath(chance: random.Random, count: int) -> Samples:
    """Noise that comes and goes."""
    rate = chance.uniform(0.2, 1.5)
    swell = np.clip(np.sin(2 * np.pi * rate * _time(count) + chance.uniform(0, 6)), 0, 1) ** 2
    return hiss(chance, count) * swell.astype(np.float32)


def hum(chance: random.Random, count: int) -> Samples:
    """The mains and their overtones."""
    base = chance.choice((50, 60, 100, 120))
    return _chord(count, [base * k for k in range(1, 8)], [1 / k for k in range(1, 8)])


def tone(chance: random.Random, count: int) -> Samples:
    """One frequency, steady or gliding, whole or in pulses."""
    start = chance.uniform(120, 2500)
    end = start if chance.random() < 0.7 else chance.uniform(120, 2500)
    phase = 2 * np.pi * np.cumsum(np.linspace(start, end, count)) / RATE
    samples = np.sin(phase).astype(np.float32)
    if chance.random() < 0.5:
        samples *= _pulses(count, chance.uniform(0.05, 2), chance.uniform(0.05, 2))
    return samples


def line_tone(chance: random.Random, count: int) -> Samples:
    """Dial tone, ringing, busy, congestion and the three tones before an announcement (North America and Europe)."""
    frequencies, on_s, off_s = chance.choice((
        ((350, 440), 60.0, 0.0), ((440, 480), 2.0, 4.0), ((480, 620), 0.5, 0.5), ((480, 620), 0.25, 0.25),
        ((425,), 60.0, 0.0), ((425,), 1.0, 4.0), ((425,), 0.5, 0.5), ((425,), 0.2, 0.2), ((1400,), 0.5, 4.5),
        ((1000,), 0.4, 60.0), ((1100,), 0.5, 3.0), ((2100,), 3.0, 1.0), ((1400, 2060, 2450, 2600), 0.1, 0.1),
    ))  # fmt: skip
    return _chord(count, frequencies, [1.0] * len(frequencies)) * _pulses(count, on_s, off_s, chance.uniform(0, 1))


def keys(chance: random.Random, count: int) -> Samples:
    """A keypad's tones (DTMF), evenly or as somebody presses them."""
    samples = np.zeros(count, np.float32)
    at = int(chance.uniform(0, 1) * RATE)
    while at < count:
        length = min(int(chance.uniform(0.06, 0.4) * RATE), count - at)
        pair = (chance.choice((697, 770, 852, 941)), chance.choice((1209, 1336, 1477, 1633)))
        samples[at : at + length] = _chord(length, pair, (1.0, 1.0))
        at += length + int(chance.uniform(0.05, 0.8) * RATE)
    return samples


def music(chance: random.Random, count: int) -> Samples:
    """Notes, chords and arpeggios of several timbres, as music on hold is."""
    samples = np.zeros(count, np.float32)
    beat_s = chance.uniform(0.12, 0.7)
    root = chance.uniform(80, 320)
    scale = chance.choice(((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9)))
    overtones = [1 / k ** chance.uniform(0.8, 3) for k in range(1, chance.randint(2, 8))]
    decay, together = chance.uniform(0.5, 8), chance.choice((1, 1, 2, 3, 4))
    at = 0
    while at < count:
        length = min(int(beat_s * chance.choice((1, 1, 1, 2, 4)) * RATE), count - at)
        for _ in range(together):
            pitch = root * 2 ** ((chance.choice(scale) + 12 * chance.randrange(3)) / 12)
            note = _chord(length, [pitch * k for k in range(1, len(overtones) + 1)], overtones)
            attack = np.minimum(1, np.arange(length) / (RATE * 0.01))
            samples[at : at + length] += note * (np.exp(-decay * _time(length)) * attack).astype(np.float32)
        at += length
    if chance.random() < 0.4:
        samples += 0.3 * np.abs(samples).max() * hiss(chance, count) * _pulses(count, 0.05, beat_s * 2 - 0.05)
    return samples


def strings(chance: random.Random, count: int) -> Samples:
    """A melody over a bass whose notes ring on into each other: the higher an overtone, the sooner it is gone."""
    samples = np.zeros(count, np.float32)
    beat = int(RATE * chance.uniform(0.15, 0.6))
    root, slowest, harder = chance.uniform(90, 300), chance.uniform(0.5, 6), chance.uniform(0.1, 1.5)
    scale = chance.choice(((0, 2, 4, 5, 7, 9, 11, 12), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 7, 10, 12)))
    for index, at in enumerate(range(0, count, beat)):
        length = min(count - at, beat * chance.randint(1, 4))
        fading = np.exp(-slowest * _time(length)).astype(np.float32)
        for step in [chance.choice(scale), *((-12,) if index % chance.choice((2, 3, 4)) == 0 else ())]:
            pitch, faded = root * 2 ** (step / 12), fading
            for overtone in range(1, chance.randint(6, 16)):
                note = _chord(length, [pitch * overtone], [chance.uniform(0.3, 1) / overtone**harder])
                samples[at : at + length] += note * faded
                faded = faded * fading
    return samples


def held(chance: random.Random, count: int) -> Samples:
    """Chords that are held, by an organ or a choir of them, swelling or trembling."""
    samples = np.zeros(count, np.float32)
    bar = int(RATE * chance.uniform(0.5, 2.5))
    overtones = [1 / k ** chance.uniform(0, 1.5) for k in range(1, chance.randint(3, 8))]
    for at in range(0, count, bar):
        root = chance.uniform(90, 280)
        steps = chance.choice(((0, 4, 7), (0, 3, 7), (0, 5, 9), (0, 7, 12), (0, 4, 7, 10)))
        pitches = [root * 2 ** (step / 12) * k for step in steps for k in range(1, len(overtones) + 1)]
        samples[at : at + bar] = _chord(min(bar, count - at), pitches, overtones * len(steps))
    trembling = chance.uniform(0, 0.7) * np.sin(2 * np.pi * chance.uniform(1, 9) * _time(count))
    return (samples * (1 + trembling)).astype(np.float32)


def gusts(chance: random.Random, count: int) -> Samples:
    """Wind on the microphone, a hand on the receiver: noise whose loudness wanders, quickly or slowly."""
    made = chance.choice((hiss, hiss, rumble))(chance, count)
    places = np.linspace(0, count, max(2, int(count / RATE / chance.uniform(0.05, 1))))
    loudness = _generator(chance).random(len(places)) ** chance.uniform(1, 4)
    return (made * np.interp(np.arange(count), places, loudness)).astype(np.float32)


def clicks(chance: random.Random, count: int) -> Samples:
    """A receiver that is put down, crackle on a line."""
    samples = np.zeros(count, np.float32)
    for _ in range(chance.randint(1, 12)):
        length = min(int(chance.uniform(0.002, 0.08) * RATE), count - 1)
        at = chance.randrange(count - length)
        burst = hiss(chance, max(length, 64))[:length]
        samples[at : at + length] += burst * np.exp(-_time(length) * chance.uniform(20, 300)).astype(np.float32)
    return samples


def rumble(chance: random.Random, count: int) -> Samples:
    """Traffic, wind, a machine: low noise that wanders in loudness, with something turning in it."""
    padded = count + -count % FAST
    spectrum = np.fft.rfft(_generator(chance).standard_normal(padded))
    spectrum[np.fft.rfftfreq(padded, 1 / RATE) > chance.uniform(200, 1200)] = 0
    wander = 1 + 0.8 * np.sin(2 * np.pi * chance.uniform(0.1, 3) * _time(count))
    low = np.fft.irfft(spectrum)[:count] * wander
    low /= max(float(np.abs(low).max()), 1e-9)
    turning = [chance.uniform(30, 200) * k for k in (1, 2, 3, 5)]
    motor = chance.uniform(0, 0.5) * _chord(count, turning, (1, 1, 0.5, 0.5))
    return (low + motor).astype(np.float32)


KINDS: dict[str, Callable[[random.Random, int], Samples]] = {
    "silence": silence, "hiss": hiss, "breath": breath, "hum": hum, "tone": tone, "line tone": line_tone,
    "keys": keys, "music": music, "strings": strings, "held chords": held, "gusts": gusts, "clicks": clicks,
    "rumble": rumble,
}  # fmt: skip

LIKE_SPEECH = ("music", "strings", "held chords", "gusts", "keys")  # what a detector of speech mistakes most, so twice


def _generator(chance: random.Random) -> np.random.Generator:
    return np.random.default_rng(chance.randrange(1 << 31))


def _time(count: int) -> NDArray[np.float64]:
    return np.arange(count) / RATE


def _chord(count: int, frequencies: Sequence[float], levels: Sequence[float]) -> Samples:
    time = _time(count)
    parts = [level * np.sin(2 * np.pi * f * time) for f, level in zip(frequencies, levels, strict=True) if f < RATE / 2]
    return np.sum(parts, axis=0).astype(np.float32) if parts else np.zeros(count, np.float32)


def _pulses(count: int, on_s: float, off_s: float, late_s: float = 0.0) -> Samples:
    return (((_time(count) + late_s) % (on_s + off_s)) < on_s).astype(np.float32)
