"""Recordings in which nobody speaks, made otherwise than those that were trained on (tests/speech/nonspeech.py)."""

import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Samples = NDArray[np.float32]
LONGEST_S = 12.0


def sounds(count: int, seed: int) -> list[tuple[str, Samples]]:
    """So many recordings of 0.5 to 12 s, the kinds in turn, each with its name."""
    chance = random.Random(seed)
    recordings = []
    for index in range(count):
        name, make = KINDS[index % len(KINDS)]
        samples = make(chance, int(RATE * chance.uniform(0.5, LONGEST_S)))
        peak = float(np.abs(samples).max())
        loudness = chance.choice((0.02, 0.1, 0.3, 0.9))
        recordings.append((name, (samples * (loudness / peak if peak else 0.0)).astype(np.float32)))
    return recordings


def made(name: str, chance: random.Random, count: int) -> Samples:
    """So many samples of one kind, as loud as it comes."""
    return dict(KINDS)[name](chance, count)


def _silence(chance: random.Random, count: int) -> Samples:
    return np.zeros(count, np.float32)


def _noise(chance: random.Random, count: int) -> Samples:
    samples = np.random.default_rng(chance.randrange(1 << 31)).standard_normal(count)
    size = chance.choice((1, 3, 9, 27))  # from hiss to rumble
    smooth: Samples = np.convolve(samples, np.ones(size) / size, mode="same").astype(np.float32)
    return smooth


def _gusts(chance: random.Random, count: int) -> Samples:
    """Wind, breath, a scratching receiver: noise whose loudness wanders by chance."""
    points = max(2, count // chance.choice((1_600, 4_000, 12_000)))
    loudness = [chance.random() ** 3 for _ in range(points)]
    return (_noise(chance, count) * np.interp(np.arange(count), np.linspace(0, count, points), loudness)).astype(
        np.float32
    )


def _sines(count: int, *frequencies: float) -> Samples:
    time = np.arange(count) / RATE
    samples: Samples = np.sum([np.sin(2 * np.pi * each * time) for each in frequencies], axis=0).astype(np.float32)
    return samples


def _beep(chance: random.Random, count: int) -> Samples:
    samples = _sines(count, chance.choice((440.0, 523.0, 880.0, 1_000.0, 1_800.0)))
    if chance.random() < 0.5:
        samples[int(RATE * chance.uniform(0.2, 1.0)) :] = 0
    return samples


def _busy(chance: random.Random, count: int) -> Samples:
    """A receiver put down, then what the exchange plays."""
    period = RATE * chance.choice((0.5, 0.75, 1.0))
    tone = _sines(count, *chance.choice(((480.0, 620.0), (425.0,), (400.0, 450.0))))
    tone[np.arange(count) % period > period / 2] = 0
    tone[: min(count, int(RATE * chance.uniform(0.1, 0.8)))] = 0
    return tone + _hang_up(chance, count)


def _dial(chance: random.Random, count: int) -> Samples:
    return _sines(count, *chance.choice(((350.0, 440.0), (425.0,), (350.0, 450.0))))


def _keypad(chance: random.Random, count: int) -> Samples:
    samples = np.zeros(count, np.float32)
    length, gap = int(RATE * chance.uniform(0.08, 0.25)), int(RATE * chance.uniform(0.08, 0.5))
    for at in range(chance.randrange(RATE // 2), count - length, length + gap):
        pair = (chance.choice((697.0, 770.0, 852.0, 941.0)), chance.choice((1209.0, 1336.0, 1477.0)))
        samples[at : at + length] = _sines(length, *pair)
    return samples


def _hang_up(chance: random.Random, count: int) -> Samples:
    """A click or two and the line's own noise."""
    samples = np.random.default_rng(chance.randrange(1 << 31)).standard_normal(count).astype(np.float32) * 0.002
    for _ in range(chance.randint(1, 3)):
        length = min(count - 1, int(RATE * chance.uniform(0.004, 0.05)))
        at = chance.randrange(count - length)
        samples[at : at + length] += _noise(chance, length) * np.linspace(1, 0, length, dtype=np.float32) ** 2
    return samples


def _plucked(chance: random.Random, count: int) -> Samples:
    """Music on hold from plucked strings (Karplus and Strong): a melody over a bass."""
    samples = np.zeros(count, np.float32)
    beat = int(RATE * chance.uniform(0.2, 0.5))
    root = chance.uniform(110, 260)
    for index, at in enumerate(range(0, count, beat)):
        steps = [chance.choice((0, 2, 4, 5, 7, 9, 12))] + ([-12] if index % 4 == 0 else [])
        for step in steps:
            note = _string(chance, root * 2 ** (step / 12), min(count - at, beat * 3))
            samples[at : at + len(note)] += note
    return samples


def _string(chance: random.Random, frequency: float, count: int) -> Samples:
    period = max(2, round(RATE / frequency))
    wave = np.random.default_rng(chance.randrange(1 << 31)).uniform(-1, 1, period)
    rounds = []
    for _ in range(count // period + 1):
        rounds.append(wave)
        wave = 0.5 * 0.995 * (wave + np.roll(wave, 1))
    return np.concatenate(rounds)[:count].astype(np.float32)


def _organ(chance: random.Random, count: int) -> Samples:
    """Sustained chords, as a synthesiser holds them, with a tremolo."""
    samples = np.zeros(count, np.float32)
    bar = int(RATE * chance.uniform(0.8, 2.0))
    for at in range(0, count, bar):
        root = 130.8 * 2 ** (chance.choice((0, 5, 7, 9)) / 12)
        chord = [root * 2 ** (step / 12) * k for step in (0, chance.choice((3, 4)), 7) for k in (1, 2, 3)]
        samples[at : at + bar] = _sines(min(bar, count - at), *chord)
    tremolo = 1 + 0.4 * np.sin(2 * np.pi * chance.uniform(3, 7) * np.arange(count) / RATE)
    return (samples * tremolo).astype(np.float32)


KINDS: tuple[tuple[str, Callable[[random.Random, int], Samples]], ...] = (
    ("silence", _silence), ("noise", _noise), ("gusts", _gusts), ("beep", _beep), ("busy", _busy), ("dial", _dial),
    ("keypad", _keypad), ("hang-up", _hang_up), ("plucked", _plucked), ("organ", _organ),
)  # fmt: skip
