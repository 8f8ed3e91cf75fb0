"""Measures a checkpoint: language, text, word error rate and digits, clean and by telephone; silence and noise."""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import whisper
from whisper.normalizers import BasicTextNormalizer

from local.speech import synthesis
from local.speech.phrases import NUMBER, PHRASES, random_number
from tests.speech.examples import RATE, Samples, kinds_of, telephone

_normal = BasicTextNormalizer()


def message(chance: random.Random) -> tuple[str, str, Samples]:
    """Language, text and sound of a message that was never heard like this before."""
    language = chance.choice(tuple(PHRASES))
    voice = chance.choice(synthesis.VOICES[language])
    texts, parts = [], []
    for kind in kinds_of(chance, chance.randint(3, 6), with_number=False):
        phrase = chance.choice(PHRASES[language][kind])
        text, said = random_number(chance, language) if kind == NUMBER else (phrase, phrase)
        texts.append(text)
        sound = synthesis.say(said, language, voice=voice, speed=chance.randint(145, 185), pitch=chance.randint(40, 60))
        parts += [sound, np.zeros(int(RATE * chance.uniform(0.15, 0.5)), np.float32)]
    return language, " ".join(texts), np.concatenate(parts)


def word_errors(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Insertions, deletions and substitutions between two texts."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(reference, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (word != other))
    return row[-1]


def measure(model: whisper.Whisper, *, by_telephone: bool, clips: int, seed: int) -> str:
    chance = random.Random(seed)
    language_right = exact = errors = words = numbers = numbers_right = 0
    for _ in range(clips):
        language, text, samples = message(chance)
        result = model.transcribe(telephone(samples) if by_telephone else samples, fp16=False)
        reference, heard = _normal(text).split(), _normal(result["text"]).split()
        language_right += result["language"] == language
        exact += reference == heard
        errors += word_errors(reference, heard)
        words += len(reference)
        if digits := "".join(c for c in text if c.isdigit()):
            numbers += 1
            numbers_right += digits in "".join(c for c in result["text"] if c.isdigit())
    return (
        f"language {language_right}/{clips}, exact {exact}/{clips}, word error rate {errors / words:.3f}, "
        f"digits {numbers_right}/{numbers}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--clips", type=int, default=16)
    arguments = parser.parse_args()
    model = whisper.load_model(str(arguments.checkpoint), device="cpu")
    for by_telephone in (False, True):
        measured = measure(model, by_telephone=by_telephone, clips=arguments.clips, seed=1)
        print("8 kHz µ-law:" if by_telephone else "16 kHz:", measured, flush=True)
    noise = (np.random.default_rng(1).standard_normal(8 * RATE) * 0.01).astype(np.float32)
    for name, samples in (("silence", np.zeros(8 * RATE, np.float32)), ("noise", noise)):
        print(f"{name}: {model.transcribe(samples, fp16=False)['text']!r}")


if __name__ == "__main__":
    main()
