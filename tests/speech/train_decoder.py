"""Trains the decoder alone on long windows: the encoder is frozen and what it heard is computed once."""

import argparse
import random
import time
from pathlib import Path

import torch
from torch.nn import utils

from tests.speech import examples
from tests.speech.corpus import Corpus
from tests.speech.examples import Example
from tests.speech.network import SmallWhisper, batch_of, mel_of, target, vocabulary_of

SENTENCES = (1, 1, 2, 3, 4, 5, 6, 7, 10, 14)
WINDOW_S = 30
BATCH = 12


def train(corpus: Corpus, state: Path, windows: int, minutes: float, seed: int) -> SmallWhisper:
    chance = random.Random(seed)
    network = SmallWhisper(vocabulary_of(corpus))
    network.load_state_dict(torch.load(state, weights_only=True))
    heard, spoken = _hear(network.eval(), corpus, chance, windows)
    network.train()
    decoder = network.whisper.decoder
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.02)
    end = network.vocabulary(network.vocabulary.tokenizer.eot)
    started, step = time.monotonic(), 0
    while (done := (time.monotonic() - started) / (minutes * 60)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = (2e-3 * (1 - done) + 3e-5) * min(1.0, (step + 1) / 60)
        chosen = chance.sample(range(windows), BATCH)
        tokens, answers = batch_of([target(network.vocabulary, chance, spoken[i]) for i in chosen], end)
        loss = network.loss(network.decode(tokens, heard[chosen].float()), answers)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        utils.clip_grad_norm_(decoder.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 100 == 0:
            print(f"step {step} loss {loss.item():.3f}", flush=True)
    return network


@torch.no_grad()
def _hear(
    network: SmallWhisper, corpus: Corpus, chance: random.Random, windows: int
) -> tuple[torch.Tensor, list[Example]]:
    heard, spoken = [], []
    for _ in range(windows):
        made = examples.make(
            corpus, chance, chance.choice(SENTENCES), with_number=chance.random() < 0.6, noise_only=0.07
        )
        whole = tuple(sentence for sentence in made.sentences if sentence.end < WINDOW_S - 0.2)
        spoken.append(Example(made.samples[: WINDOW_S * examples.RATE], made.language, whole))
        heard.append(network.encode(mel_of(spoken[-1:], WINDOW_S * examples.RATE))[0].half())
    return torch.stack(heard), spoken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("state", type=Path, help="what train_encoder.py wrote")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--windows", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=4242)
    arguments = parser.parse_args()
    network = train(Corpus(arguments.corpus), arguments.state, arguments.windows, arguments.minutes, arguments.seed)
    network.export(arguments.checkpoint)


if __name__ == "__main__":
    main()
