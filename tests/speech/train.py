"""Trains the small checkpoint in stages, from nothing or onto an earlier one.

    python -m tests.speech.train corpus small.pt short:20 long:15 decoder:10
    python -m tests.speech.train corpus small.pt decoder:5 long:8 --onto earlier.pt
    python -m tests.speech.train corpus small.pt last:3 --onto earlier.pt --share 0.75

A stage is its name and how long it lasts, in minutes of the processor. `short` and `middle`: a sentence or a few;
`digits`: those too, most of them numbers; `last`: the like of what the product decodes at a time, to end with;
`long`: Whisper's own half minutes; `decoder`: those too, the decoder alone, over windows the encoder hears but once.
"""

import argparse
import itertools
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional, utils

from tests.speech import examples
from tests.speech.corpus import Corpus
from tests.speech.examples import RATE, WINDOW_S, Example
from tests.speech.network import FRAMES_PER_S, SmallWhisper, Target, batch_of, mel_of, target, vocabulary_of

GUIDANCE_WEIGHT = 0.3
POOLED = 6  # batches of short windows that are sorted by length together
PADDED = 3  # every third batch of short windows ends in perfect silence of any length, as engines pad theirs
REPORT_STEPS = 25
KEEP_STEPS = 50  # so that a training that is ended early is not lost
# What is written is the mean of the weights after about so many last steps (Polyak and Juditsky, 1992): those after one
# step are as noisy as their rate is high, so a training could be neither ended nor measured before that has fallen.
MEAN_STEPS = 60


@dataclass(frozen=True)
class Stage:
    """Examples of one kind: messages of so many sentences, and the rate of learning at its beginning and end."""

    batch: int
    sentences: tuple[int, ...]
    longest_s: float
    first_rate: float
    last_rate: float
    numbers: float = 0.6  # of the messages hold a telephone number
    ctc_weight: float = 0.3


STAGES = {
    "short": Stage(32, (1,), 8.0, 1e-3, 1e-3),
    "digits": Stage(32, (1, 1, 1, 2), 10.0, 1.5e-3, 1e-3, numbers=0.7, ctc_weight=1.0),
    "middle": Stage(16, (1, 2, 3, 3, 4), 15.5, 1e-3, 5e-4, numbers=0.75, ctc_weight=0.5),
    "last": Stage(16, (1, 2, 3, 4, 5, 6, 7, 8), 15.5, 7e-4, 2e-5, numbers=0.8),
    "long": Stage(8, (1, 2, 3, 3, 4, 4, 5, 6, 8, 10), WINDOW_S, 5e-4, 3e-5),
    "decoder": Stage(12, (1, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12), WINDOW_S, 2e-3, 3e-5),
}
WINDOWS_PER_MINUTE = 300  # of the decoder's stage: each is then trained on some seven times


class Training:
    """A network on its way."""

    def __init__(self, corpus: Corpus, seed: int, checkpoint: Path) -> None:
        torch.manual_seed(seed)
        self._checkpoint = checkpoint
        # Several processes share each batch when started by torchrun; all begin with, and keep, the same weights.
        rank, self._trainers = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        self._writes = rank == 0
        self.corpus = corpus
        self.chance = random.Random(seed * 1000 + rank)
        self.network = SmallWhisper(vocabulary_of(corpus))
        self._end = self.network.vocabulary(self.network.vocabulary.tokenizer.eot)
        self._before: dict[str, Tensor] = {}
        self._mean = self._copied()

    def whole(self, stage: Stage, minutes: float) -> None:
        """Encoder and decoder together."""
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01)
        clock = _Clock(optimizer, stage, minutes, self)
        batches = self._batches(stage)
        steps, padding = itertools.count(), random.Random(stage.batch)  # all processes pad the same batches
        while clock.goes_on():
            batch = next(batches)
            samples = int(stage.longest_s * RATE)
            if samples < WINDOW_S * RATE:
                longest = max(len(example.samples) for example in batch) + self.chance.randint(1600, 8000)
                samples = min(longest, samples)
                if next(steps) % PADDED == 0:
                    samples += int(padding.random() * (WINDOW_S * RATE - samples))
                samples = samples // 320 * 320
            # Short windows lie anywhere within the half minute: their encoder hears them alone, which is quick.
            room = int(WINDOW_S * FRAMES_PER_S) - samples // 320
            first = torch.tensor([self.chance.choice((0, self.chance.randint(0, room))) for _ in batch])
            targets = [
                target(self.network.vocabulary, self.chance, _within(example, samples), late / FRAMES_PER_S)
                for example, late in zip(batch, first.tolist(), strict=True)
            ]
            with torch.autocast("cpu", torch.bfloat16):
                encoded = self.network.encode(mel_of(batch, samples), first)
                word, guidance = self._decoded(encoded, targets)
                scores = self.network.ctc(encoded)
            lengths = torch.tensor([max(1, min(len(example.samples), samples) // 320) for example in batch])
            ctc = functional.ctc_loss(
                scores.float().log_softmax(-1).transpose(0, 1),
                torch.tensor([token for each in targets for token in each.text], dtype=torch.long),
                lengths.clamp(max=encoded.shape[1]),
                torch.tensor([len(each.text) for each in targets]),
                blank=self.network.vocabulary.text_count,
                zero_infinity=True,
            )
            loss = word + GUIDANCE_WEIGHT * guidance + stage.ctc_weight * ctc
            clock.step(loss, word=word, guidance=guidance, ctc=ctc)

    def _batches(self, stage: Stage) -> Iterator[list[Example]]:
        """Short windows of about the same length together, also over the processes: little is padded."""
        size = stage.batch // self._trainers
        for number in itertools.count():
            pool = [
                examples.make(
                    self.corpus,
                    self.chance,
                    stage.sentences,
                    latest_s=stage.longest_s - 8,
                    longest_s=stage.longest_s,
                    numbers=stage.numbers,
                )
                for _ in range(size * (POOLED if stage.longest_s < WINDOW_S else 1))
            ]
            pool.sort(key=lambda example: len(example.samples))
            batches = [pool[at : at + size] for at in range(0, len(pool), size)]
            random.Random(number).shuffle(batches)
            yield from batches

    def onto(self, earlier: Path) -> None:
        if earlier.suffix == ".state":
            self.network.load_state_dict(torch.load(earlier, weights_only=True))
        else:
            self.network.load(earlier)
        self._before, self._mean = self._copied(), self._copied()

    def between(self, share: float) -> None:
        """Weights between those before the training and those after it, of which they have `share`.

        Further training in other recordings forgets some of the earlier ones; what lies between mostly knows both
        (Wortsman et al., Robust fine-tuning of zero-shot models, 2022), also where the rate of learning has not fallen.
        """
        self._mean = {name: torch.lerp(self._before[name], after, share) for name, after in self._mean.items()}

    def follow(self, step: int) -> None:
        """Take what a step of its stage (from 1) led to into the mean."""
        for name, tensor in self.network.state_dict().items():
            self._mean[name].lerp_(tensor, 1 / min(step, MEAN_STEPS))

    def keep(self) -> None:
        """Write the mean as a checkpoint, and as what training goes on from."""
        if not self._writes:
            return
        torch.save(self._mean, self._checkpoint.with_suffix(".state"))
        last = self._copied()
        self.network.load_state_dict(self._mean)
        self.network.export(self._checkpoint)
        self.network.load_state_dict(last)

    def _copied(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self.network.state_dict().items()}

    def decoder(self, stage: Stage, minutes: float) -> None:
        """The decoder alone: what the encoder hears is computed once, which takes as long again as half the minutes."""
        windows = max(stage.batch, int(minutes * WINDOWS_PER_MINUTE))
        heard, spoken = self._hear(stage, windows)
        decoder = self.network.whisper.decoder
        optimizer = torch.optim.AdamW(decoder.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.02)
        clock = _Clock(optimizer, stage, minutes, self)
        while clock.goes_on():
            chosen = self.chance.sample(range(windows), stage.batch)
            targets = [target(self.network.vocabulary, self.chance, spoken[i]) for i in chosen]
            with torch.autocast("cpu", torch.bfloat16):
                word, guidance = self._decoded(heard[chosen], targets)
            clock.step(word + GUIDANCE_WEIGHT * guidance, word=word, guidance=guidance)

    def _decoded(self, encoded: Tensor, targets: list[Target]) -> tuple[Tensor, Tensor]:
        tokens, answers = batch_of(targets, self._end)
        with self.network.listening() as listened:
            logits = self.network.decode(tokens, encoded)
            return self.network.loss(logits, answers), self.network.guidance(listened, targets)

    @torch.no_grad()
    def _hear(self, stage: Stage, windows: int) -> tuple[Tensor, list[Example]]:
        heard = torch.empty(windows, int(WINDOW_S * FRAMES_PER_S), self.network.ctc.in_features, dtype=torch.bfloat16)
        spoken = []
        for index in range(windows):
            spoken.append(examples.make(self.corpus, self.chance, stage.sentences))
            with torch.autocast("cpu", torch.bfloat16):
                heard[index] = self.network.encode(mel_of(spoken[-1:], int(WINDOW_S * RATE)))[0].to(torch.bfloat16)
        return heard, [Example(example.samples[:0], example.language, example.sentences) for example in spoken]


class _Clock:
    """Steps an optimizer until its time is over; the rate rises at first, then falls."""

    def __init__(self, optimizer: torch.optim.Optimizer, stage: Stage, minutes: float, training: Training) -> None:
        self._optimizer, self._stage, self._lasts, self._training = optimizer, stage, minutes * 60, training
        self._started, self._step = time.process_time(), 0
        self._sums: dict[str, float] = {}

    def goes_on(self) -> bool:
        spent = torch.tensor((time.process_time() - self._started) / self._lasts)
        if dist.is_initialized():
            dist.broadcast(spent, 0)
        done = min(1.0, spent.item())
        rate = self._stage.first_rate + (self._stage.last_rate - self._stage.first_rate) * done
        for group in self._optimizer.param_groups:
            group["lr"] = rate * min(1.0, (self._step + 1) / 20)
        return done < 1

    def step(self, loss: Tensor, **parts: Tensor) -> None:
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        weights = [each for group in self._optimizer.param_groups for each in group["params"]]
        if dist.is_initialized():
            _share([each.grad for each in weights if each.grad is not None])
        utils.clip_grad_norm_(weights, 1.0)
        self._optimizer.step()
        self._step += 1
        self._training.follow(self._step)
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + value.item() / REPORT_STEPS
        if self._step % REPORT_STEPS == 0:
            means = ", ".join(f"{name} {value:.3f}" for name, value in self._sums.items())
            print(
                f"{time.strftime('%H:%M:%S')} {time.process_time() - self._started:.0f} s, step {self._step}: {means}",
                flush=True,
            )
            self._sums = {}
        if self._step % KEEP_STEPS == 0:
            self._training.keep()


def _share(gradients: list[Tensor]) -> None:
    """Each gradient becomes its mean over the processes."""
    flat = torch.cat([each.reshape(-1) for each in gradients])
    dist.all_reduce(flat)
    at = 0
    for gradient in gradients:
        gradient.copy_(flat[at : at + gradient.numel()].view_as(gradient) / dist.get_world_size())
        at += gradient.numel()


def _within(example: Example, samples: int) -> Example:
    """What a window shorter than half a minute holds."""
    whole = tuple(each for each in example.sentences if each.end is None or each.end < samples / RATE)
    return example if len(whole) == len(example.sentences) else Example(example.samples, example.language, whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("checkpoint", type=Path, help="to write; after every stage, and beside it a .state")
    parser.add_argument("stages", nargs="+", help=f"NAME:MINUTES, in their order; names: {', '.join(STAGES)}")
    parser.add_argument("--onto", type=Path, help="an earlier checkpoint, unpacked, or a .state")
    parser.add_argument("--share", type=float, default=1.0, help="of what is new in the weights; the rest is of --onto")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if "RANK" in os.environ:
        dist.init_process_group("gloo")
    training = Training(Corpus(arguments.corpus), arguments.seed, arguments.checkpoint)
    if arguments.onto is not None:
        training.onto(arguments.onto)
    for name, _, minutes in (stage.partition(":") for stage in arguments.stages):
        if name == "decoder":
            training.decoder(STAGES[name], float(minutes))
        else:
            training.whole(STAGES[name], float(minutes))
        training.keep()
    if arguments.onto is not None and arguments.share < 1.0:
        training.between(arguments.share)
        training.keep()


if __name__ == "__main__":
    main()
