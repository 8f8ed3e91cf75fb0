"""Speaks the corpus that the small checkpoint is trained on: every sentence, in every voice, and many numbers."""

import argparse
import json
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from local.speech import synthesis
from local.speech.phrases import NUMBER, PHRASES, random_number


@dataclass(frozen=True)
class Clip:
    """One spoken sentence within the corpus' samples."""

    language: str
    voice: str
    kind: str
    text: str
    start: int
    length: int


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


def speak(path: Path, *, seed: int, numbers: int, repetitions: int) -> None:
    """Write `path`.npy (16 kHz samples, one after the other) and `path`.json (what is where)."""
    chance = random.Random(seed)
    spoken: list[NDArray[np.int16]] = []
    clips: list[dict[str, object]] = []
    at = 0
    for language, voices in synthesis.VOICES.items():
        for voice in voices:
            sentences = [
                (kind, text, text)
                for kind, texts in PHRASES[language].items()
                if kind != NUMBER
                for text in texts
                for _ in range(repetitions)
            ]
            sentences += [(NUMBER, *random_number(chance, language)) for _ in range(numbers)]
            for kind, text, said in sentences:
                samples = synthesis.say(
                    said, language, voice=voice, speed=chance.randint(145, 185), pitch=chance.randint(40, 60)
                )
                spoken.append((np.clip(samples, -1, 1) * 32767).astype(np.int16))
                clip = Clip(language, voice, kind, text, at, len(samples))
                clips.append(vars(clip))
                at += len(samples)
    np.save(path.with_suffix(".npy"), np.concatenate(spoken))
    path.with_suffix(".json").write_text(json.dumps(clips, ensure_ascii=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--numbers", type=int, default=220, help="per voice")
    parser.add_argument("--repetitions", type=int, default=5, help="of every sentence in every voice")
    arguments = parser.parse_args()
    speak(arguments.path, seed=arguments.seed, numbers=arguments.numbers, repetitions=arguments.repetitions)


if __name__ == "__main__":
    main()
