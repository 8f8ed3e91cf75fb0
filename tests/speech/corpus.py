"""Speaks the corpus that the small checkpoint is trained on: sentences in every voice, many numbers, and when each
word is said."""

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from local.speech.phrases import GROUPINGS, NUMBER, PHRASES, combined, random_number, spoken
from tests.speech.espeak import RATE, Espeak, Word

# Those of the demo among them, as the library names them (to it `en-gb` is `en`). The voices of bench/speech are of
# other variants: nobody trains on them.
VOICES = {
    "en": (
        "en-us", "en-us+m3", "en-us+f2", "en", "en+m1", "en-us+m6", "en-us+f5", "en-us+f3", "en-us+m2", "en+f4",
        "en-us+m8", "en-us+Alex", "en-us+Andy", "en+Denis", "en-us+Michael", "en+Lee", "en-us+adam", "en-us+belinda",
        "en+linda", "en-us+paul", "en-us+steph", "en-us+klatt2",
    ),
    "es": (
        "es-419", "es-419+m3", "es-419+f2", "es+m1", "es", "es-419+m6", "es-419+f5", "es-419+f3", "es+m2", "es+f4",
        "es-419+m8", "es-419+Alicia", "es+Andrea", "es-419+Diogo", "es+Hugo", "es-419+Marco", "es-419+pablo",
        "es+pedro", "es-419+miguel", "es-419+sandro", "es-419+anika", "es-419+klatt4",
    ),
}  # fmt: skip
SPEEDS, PITCHES = (145, 185), (40, 60)
SHORTEST_PAUSE_S = 0.08


@dataclass(frozen=True)
class Clip:
    """One spoken sentence within the corpus' samples.

    `times` is when each of its words begins, in seconds; `pauses` are those between groups of digits: which word
    follows, and when the word before it ends.
    """

    language: str
    voice: str
    kind: str
    text: str
    start: int
    length: int
    times: tuple[float, ...]
    pauses: tuple[tuple[int, float], ...] = ()


class Corpus:
    """Clips by language and voice, then by kind; samples stay on disk until they are asked for."""

    def __init__(self, path: Path) -> None:
        self._samples = np.load(path.with_suffix(".npy"), mmap_mode="r")
        self.clips = [Clip(**fields) for fields in json.loads(path.with_suffix(".json").read_text())]
        self.voices: dict[str, dict[str, dict[str, list[Clip]]]] = {}
        for clip in self.clips:
            kinds = self.voices.setdefault(clip.language, {}).setdefault(clip.voice, {})
            kinds.setdefault(clip.kind, []).append(clip)

    def samples(self, clip: Clip) -> NDArray[np.float32]:
        return np.asarray(self._samples[clip.start : clip.start + clip.length], np.float32) / np.float32(32768)


def speak(path: Path, *, seed: int, numbers: int, others: int, repetitions: int) -> None:
    """Write `path`.npy (16 kHz samples, one after the other) and `path`.json (what is where)."""
    chance = random.Random(seed)
    espeak = Espeak()
    parts: list[NDArray[np.int16]] = []
    clips: list[dict[str, object]] = []
    at = 0
    for language, voices in VOICES.items():
        for voice in voices:
            for kind, text, said in _sentences(chance, language, numbers, others, repetitions):
                pieces = said.split() if kind == NUMBER else [spoken(word, language) for word in text.split()]
                samples, words = espeak.say(
                    " ".join(pieces), voice=voice, speed=chance.randint(*SPEEDS), pitch=chance.randint(*PITCHES)
                )
                parts.append((np.clip(samples, -1, 1) * 32767).astype(np.int16))
                times = word_times(pieces, words, len(samples))
                pauses = number_pauses(pieces, times, samples) if kind == NUMBER else ()
                clips.append(vars(Clip(language, voice, kind, text, at, len(samples), times, pauses)))
                at += len(samples)
    np.save(path.with_suffix(".npy"), np.concatenate(parts))
    path.with_suffix(".json").write_text(json.dumps(clips, ensure_ascii=False))


def word_times(pieces: list[str], words: list[Word], count: int) -> tuple[float, ...]:
    """When each piece of the text begins; espeak-ng says some words as one, those lie evenly between their neighbours.

    `pieces` were joined by blanks; `words` count characters of that; `count` samples were spoken.
    """
    known: dict[int, int] = {0: 0, len(pieces): count}
    first = 0
    for index, piece in enumerate(pieces):
        inside = [word.at for word in words if word.length and first <= word.first < first + len(piece)]
        if inside and index:
            known[index] = min(inside)
        first += len(piece) + 1
    at = np.interp(range(len(pieces)), sorted(known), [known[index] for index in sorted(known)])
    return tuple(round(float(each) / RATE, 3) for each in at)


def number_pauses(
    pieces: list[str], times: Sequence[float], samples: NDArray[np.float32]
) -> tuple[tuple[int, float], ...]:
    """Where a speaker pauses after a comma for long enough to be heard."""
    found = []
    for index in range(1, len(pieces)):
        first, next_one = int(times[index - 1] * RATE), int(times[index] * RATE)
        loud = np.flatnonzero(np.abs(samples[first : next_one - RATE // 50]) > 0.02)
        end = (first + int(loud[-1])) / RATE if len(loud) else times[index - 1]
        if pieces[index - 1].endswith(",") and times[index] - end >= SHORTEST_PAUSE_S:
            found.append((index, round(end, 3)))
    return tuple(found)


def _sentences(
    chance: random.Random, language: str, numbers: int, others: int, repetitions: int
) -> list[tuple[str, str, str]]:
    """Kind, text and what is said."""
    found = [
        (kind, text, text)
        for kind, texts in PHRASES[language].items()
        if kind != NUMBER
        for text in texts
        for _ in range(repetitions)
    ]
    for kind, texts in combined(language, held_out=False).items():
        found += [(kind, text, text) for text in chance.sample(texts, others)]
    return found + [(NUMBER, *random_number(chance, language, GROUPINGS)) for _ in range(numbers)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--numbers", type=int, default=150, help="per voice")
    parser.add_argument("--others", type=int, default=25, help="further names and further reasons, per voice")
    parser.add_argument("--repetitions", type=int, default=1, help="of every sentence in every voice")
    arguments = parser.parse_args()
    speak(
        arguments.path,
        seed=arguments.seed,
        numbers=arguments.numbers,
        others=arguments.others,
        repetitions=arguments.repetitions,
    )


if __name__ == "__main__":
    main()
