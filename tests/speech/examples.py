"""Makes training examples: windows of messages as they come through a telephone, and what should be heard in them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import av
import numpy as np
from numpy.typing import NDArray

from local.speech.phrases import CLOSING, NAME, NUMBER, OPENING, REASON
from tests.speech import nonspeech
from tests.speech.corpus import Corpus

RATE = 16_000
WINDOW_S = 30.0  # what Whisper hears at a time
THROATS = (0.86, 1.16)  # a child's to a big man's is about so far from the one to the other
SLICE = 400  # see nonspeech.FAST
ORDER = (OPENING, NAME, REASON, REASON, NUMBER, CLOSING)
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Word:
    """A word as Whisper writes it and when it is said, in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Spoken:
    """A sentence, or what a window holds of it. Without an end it goes on after the window: only its start counts."""

    words: tuple[Word, ...]
    start: float
    end: float | None

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class Example:
    """A window, the language it is in (None: nobody speaks) and its sentences."""

    samples: Samples
    language: str | None
    sentences: tuple[Spoken, ...]


def telephone(samples: Samples) -> Samples:
    """8 kHz, 300 to 3,400 Hz, µ-law, and back to 16 kHz."""
    padded = len(samples) + -len(samples) % nonspeech.FAST
    spectrum = np.fft.rfft(samples, padded)
    frequencies = np.fft.rfftfreq(padded, 1 / RATE)
    spectrum[(frequencies < 300) | (frequencies > 3400)] = 0
    narrow = np.clip(np.fft.irfft(spectrum)[: len(samples)], -1, 1)
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
    kinds += [chance.choice(ORDER) for _ in range(count - 6)]
    if chance.random() < 0.3:
        chance.shuffle(kinds)
    return kinds


def make(
    corpus: Corpus,
    chance: random.Random,
    counts: Sequence[int],
    *,
    latest_s: float = 20.0,
    longest_s: float = WINDOW_S,
    numbers: float = 0.6,
    nobody: float = 0.18,
) -> Example:
    """A window with some of so many sentences: late, by telephone, in noise, cut where Whisper or the product cuts.

    `numbers` of the messages hold a telephone number, in `nobody` of the windows nobody speaks.
    """
    if chance.random() < nobody:
        return _nobody(chance, longest_s)
    language = chance.choice(tuple(corpus.voices))
    kinds = corpus.voices[language][chance.choice(tuple(corpus.voices[language]))]
    throat = chance.choice((1.0, chance.uniform(*THROATS), chance.uniform(*THROATS)))
    parts = _before(chance, latest_s)
    at = sum(len(part) for part in parts)
    sentences: list[Spoken] = []
    for kind in kinds_of(chance, chance.choice(counts), with_number=chance.random() < numbers):
        clip = chance.choice(kinds[kind])
        longest = chance.choice((0.6, 1.0, 2.0))
        pause = np.zeros(int(RATE * chance.uniform(0.1, longest)), np.float32)
        said, slower = of_another(corpus.samples(clip), throat)
        parts += [said, pause]
        times = [time * slower for time in (*clip.times, clip.length / RATE)]
        words = zip(clip.text.split(), times[:-1], times[1:], strict=True)
        spoken = tuple(Word(text, at / RATE + start, at / RATE + end) for text, start, end in words)
        pauses = [(word, end * slower) for word, end in clip.pauses]
        sentences += groups_of(spoken, pauses, at / RATE, (at + len(said)) / RATE)
        at += len(said) + len(pause)
    samples = np.concatenate([*parts, *_after(chance)]) * np.float32(chance.uniform(0.3, 1.1))
    samples, cut = window(chance, samples, sentences, longest_s)
    if not cut:
        return _nobody(chance, longest_s)
    if chance.random() < 0.6:
        samples = over_something(corpus, chance, samples)
    if chance.random() < 0.5:
        samples = telephone(samples)
    return Example(samples.astype(np.float32), language, cut)


def of_another(samples: Samples, throat: float) -> tuple[Samples, float]:
    """The like of another speaker: pitch, formants and pace are `throat` times as high; how much longer it lasts.

    A handful of synthesised voices is soon known by heart; digits in others are then taken for one another.
    """
    if throat == 1.0:
        return samples, 1.0
    padded = len(samples) + -len(samples) % nonspeech.FAST
    changed = max(1, round(padded / throat / SLICE)) * SLICE
    slower = changed / padded
    said = np.fft.irfft(np.fft.rfft(samples, padded), changed) * slower
    return said[: round(len(samples) * slower)].astype(np.float32), slower


def over_something(corpus: Corpus, chance: random.Random, samples: Samples) -> Samples:
    """What goes on behind the caller while the window lasts, as the telephone then carries it: noise, music, people."""
    made = chance.choice((
        nonspeech.hiss, nonspeech.hiss, nonspeech.breath, nonspeech.gusts, nonspeech.rumble, nonspeech.music,
        nonspeech.strings, nonspeech.held, partial(babble, corpus),
    ))  # fmt: skip
    behind = made(chance, len(samples))
    ratio = 10 ** (chance.uniform(-32, -8) / 20)
    level = float(np.sqrt(np.mean(samples**2))) / max(float(np.sqrt(np.mean(behind**2))), 1e-9)
    return samples + behind * np.float32(ratio * level)


def babble(corpus: Corpus, chance: random.Random, count: int) -> Samples:
    """An office or a kitchen behind the caller: several people at once, none of whom is to be written down."""
    samples = np.zeros(count, np.float32)
    for _ in range(chance.randint(4, 7)):
        at = -chance.randrange(RATE)
        while at < count:
            said = corpus.samples(chance.choice(corpus.clips))[max(0, -at) : count - at]
            samples[max(0, at) : max(0, at) + len(said)] += said
            at = max(0, at) + len(said) + chance.randrange(1, RATE // 2)
    return samples


def groups_of(words: tuple[Word, ...], pauses: Sequence[tuple[int, float]], start: float, end: float) -> list[Spoken]:
    """A sentence, parted where its speaker pauses between groups of digits.

    Each group is a segment with times of its own, from which the decoder counts: to keep its place among ten digits
    that sound alike is what a small network learns last.
    """
    firsts = [0, *(index for index, _ in pauses)]
    ends = [*(start + last for _, last in pauses), end]
    parts = [list(words[i:j]) for i, j in zip(firsts, [*firsts[1:], len(words)], strict=True)]
    for part, last in zip(parts, ends, strict=True):
        part[-1] = Word(part[-1].text, part[-1].start, last)
    return [Spoken(tuple(part), part[0].start, part[-1].end) for part in parts]


def _nobody(chance: random.Random, longest_s: float) -> Example:
    _, samples = nonspeech.sound(chance, chance.uniform(0.3, longest_s))
    return Example(telephone(samples) if chance.random() < 0.5 else samples, None, ())


def _before(chance: random.Random, latest_s: float) -> list[Samples]:
    """Silence of any length, sometimes the mailbox's own beep."""
    lead_s = chance.choice((0.0, 0.0, 0.0, 0.0, chance.uniform(0, 0.6), chance.uniform(0, 2), chance.uniform(2, 20)))
    lead = np.zeros(int(RATE * min(lead_s, latest_s)), np.float32)
    if chance.random() < 0.05:
        time = np.arange(int(RATE * chance.uniform(0.2, 0.6))) / RATE
        beep = 0.3 * np.sin(2 * np.pi * chance.choice((400, 800, 1000, 1400)) * time)
        lead = np.concatenate([beep.astype(np.float32), np.zeros(RATE // 5, np.float32), lead])
    return [lead]


def _after(chance: random.Random) -> list[Samples]:
    """Sometimes what the line does after the caller has hung up."""
    if chance.random() > 0.12:
        return []
    made = chance.choice((nonspeech.line_tone, nonspeech.clicks, nonspeech.keys, nonspeech.rumble, nonspeech.breath))
    samples = made(chance, int(chance.uniform(1, 8) * RATE))
    return [samples * np.float32(chance.uniform(0.02, 0.4) / max(float(np.abs(samples).max()), 1e-9))]


def window(
    chance: random.Random, samples: Samples, sentences: Sequence[Spoken], longest_s: float = WINDOW_S
) -> tuple[Samples, tuple[Spoken, ...]]:
    """The first half minute (or less), which may end within a sentence, as Whisper cuts; or to a word, as we cut."""
    first, last = 0.0, min(len(samples) / RATE, longest_s)
    words = [word for sentence in sentences for word in sentence.words]
    whole = len(samples) / RATE <= longest_s
    if chance.random() < 0.2 or words[0].start > longest_s - 2:
        first = max(0.0, chance.choice(words[: max(1, len(words) * 2 // 3)]).start - chance.uniform(0.02, 0.3))
        last = min(len(samples) / RATE, first + longest_s)
        whole = len(samples) / RATE - first <= longest_s
    if chance.random() < (0.1 if whole else 0.4):
        ends = [word.end for word in words if first + 1 < word.end < last - 0.3]
        if ends:
            last, whole = chance.choice(ends), True
    kept: list[Spoken] = []
    for sentence in sentences:
        inside = tuple(
            Word(word.text, max(0.0, word.start - first), word.end - first)
            for word in sentence.words
            if word.start >= first - 0.05 and word.end <= last + 0.05
        )
        if sentence.end is not None and sentence.end > last + 0.05 and not whole:
            if last - 0.5 > sentence.start >= first:
                kept.append(Spoken(inside, sentence.start - first, None))
        elif inside:
            kept.append(Spoken(inside, inside[0].start, inside[-1].end))
    return samples[int(first * RATE) : int(last * RATE)], tuple(kept)
