"""Trains the whole small network: short windows first, then longer ones, then Whisper's own thirty seconds."""

import argparse
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional, utils

from tests.speech import examples
from tests.speech.corpus import Corpus
from tests.speech.network import SmallWhisper, batch_of, mel_of, target, vocabulary_of

RATE = 16_000
CTC_WEIGHT = 0.3


@dataclass(frozen=True)
class Stage:
    """A share of the time with examples of one kind."""

    share: float
    batch: int
    sentences: tuple[int, ...]
    longest_s: float
    first_rate: float
    last_rate: float


STAGES = (
    Stage(0.35, 32, (1,), 5.0, 1e-3, 1e-3),
    Stage(0.30, 16, (1, 2, 3), 12.0, 1e-3, 6e-4),
    Stage(0.35, 8, (1, 2, 3, 4, 5, 6, 7), 30.0, 6e-4, 5e-5),
)


def train(corpus: Corpus, minutes: float, seed: int) -> SmallWhisper:
    torch.manual_seed(seed)
    chance = random.Random(seed)
    vocabulary = vocabulary_of(corpus)
    network = SmallWhisper(vocabulary)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01)
    step = 0
    for stage in STAGES:
        started, lasts = time.monotonic(), stage.share * minutes * 60
        while (done := (time.monotonic() - started) / lasts) < 1:
            rate = stage.first_rate + (stage.last_rate - stage.first_rate) * done
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1.0, (step + 1) / 60)
            loss = _loss(network, corpus, chance, stage)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            step += 1
            if step % 50 == 0:
                print(f"step {step} loss {loss.item():.3f}", flush=True)
    return network


def _loss(network: SmallWhisper, corpus: Corpus, chance: random.Random, stage: Stage) -> torch.Tensor:
    with_number = chance.random() < 0.3
    batch = [
        examples.make(corpus, chance, chance.choice(stage.sentences), with_number=with_number)
        for _ in range(stage.batch)
    ]
    if stage.longest_s >= 30:
        samples = 30 * RATE
    else:
        longest = max(len(example.samples) for example in batch) + chance.randint(1600, 16_000)
        samples = min(longest, int(stage.longest_s * RATE)) // 320 * 320
    targets = [target(network.vocabulary, chance, example) for example in batch]
    tokens, answers = batch_of(targets, network.vocabulary(network.vocabulary.tokenizer.eot))
    encoded = network.encode(mel_of(batch, samples))
    loss = network.loss(network.decode(tokens, encoded), answers)
    frames = torch.tensor([max(1, min(len(example.samples), samples) // 320) for example in batch])
    ctc = functional.ctc_loss(
        network.ctc(encoded).float().log_softmax(-1).transpose(0, 1),
        torch.tensor([token for _, _, text in targets for token in text], dtype=torch.long),
        frames.clamp(max=encoded.shape[1]),
        torch.tensor([len(text) for _, _, text in targets]),
        blank=network.vocabulary.text_count,
        zero_infinity=True,
    )
    return loss + CTC_WEIGHT * ctc


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("state", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.save(train(Corpus(arguments.corpus), arguments.minutes, arguments.seed).state_dict(), arguments.state)


if __name__ == "__main__":
    main()
