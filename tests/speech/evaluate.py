"""Measures a checkpoint through Whisper's own transcribe(): by band, with trained and with new voices, long, nobody."""

import argparse
import random
from pathlib import Path

import numpy as np
import whisper

from bench.speech.messages import BANDS, RATE, Message, message, through
from bench.speech.score import Score
from bench.speech.sounds import sounds
from local.speech import synthesis
from local.speech.phrases import NUMBER, PHRASES, random_number
from tests.speech.examples import Samples, kinds_of

SEED = 1


def trained(chance: random.Random, language: str) -> Message:
    """A message in a voice and of sentences that were trained on, in an order and with a number that were not."""
    voice = chance.choice(synthesis.VOICES[language])
    number, number_said = random_number(chance, language)
    texts: list[str] = []
    parts: list[Samples] = []
    for kind in kinds_of(chance, 5, with_number=True):
        text, said = (number, number_said) if kind == NUMBER else (chance.choice(PHRASES[language][kind]),) * 2
        texts.append(text)
        sound = synthesis.say(said, language, voice=voice, speed=chance.randint(145, 185), pitch=chance.randint(40, 60))
        parts += [sound, np.zeros(int(RATE * chance.uniform(0.15, 0.5)), np.float32)]
    return Message(language, " ".join(texts), "".join(c for c in number if c.isdigit()), np.concatenate(parts))


def joined(messages: list[Message]) -> Message:
    text = " ".join(each.text for each in messages)
    samples = np.concatenate([each.samples for each in messages])
    return Message(messages[0].language, text, messages[-1].digits, samples)


def measure(model: whisper.Whisper, messages: list[Message], band: str, *, show: bool) -> Score:
    score = Score()
    for said in messages:
        result = model.transcribe(through(band, said.samples), fp16=False, temperature=0.0)
        score.add(said, result["text"], result["language"])
        if show:
            print(f"  said  {said.text}\n  heard {result['text'].strip()}")
    return score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--clips", type=int, default=8, help="per language")
    parser.add_argument("--nobody", type=int, default=40, help="recordings without speech")
    parser.add_argument("--show", action="store_true", help="print what was said and heard")
    arguments = parser.parse_args()
    model = whisper.load_model(str(arguments.checkpoint), device="cpu")
    for name, make in (("trained", trained), ("held out", message)):
        chance = random.Random(SEED)
        for language in PHRASES:
            messages = [make(chance, language) for _ in range(arguments.clips)]
            for band in BANDS:
                print(f"{name}, {language}, {band}: {measure(model, messages, band, show=arguments.show)}", flush=True)
    chance = random.Random(SEED)
    for language in PHRASES:
        long = joined([trained(chance, language) for _ in range(8)])
        score = measure(model, [long], BANDS[1], show=arguments.show)
        print(f"{language}, {len(long.samples) / RATE:.0f} s, {BANDS[1]}: {score}", flush=True)
    for name, samples in sounds(arguments.nobody, SEED):
        if text := model.transcribe(samples, fp16=False, temperature=0.0)["text"].strip():
            print(f"{name}, {len(samples) / RATE:.1f} s: {text!r}", flush=True)


if __name__ == "__main__":
    main()
