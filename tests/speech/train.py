"""Trains the small checkpoint in stages, from nothing or onto an earlier one.

    python -m tests.speech.train corpus small.pt short:20 long:15 decoder:10
    python -m tests.speech.train corpus small.pt decoder:5 long:8 --onto earlier.pt

A stage is its name and how long it lasts, in minutes of the processor. `short` and `middle`: a sentence or a few;
`long`: Whisper's own half minutes; `decoder`: those too, the decoder alone, over windows the encoder hears but once.
"""

import argparse
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional, utils

from tests.speech import examples
from tests.speech.corpus import Corpus
from tests.speech.examples import RATE, WINDOW_S, Example
from tests.speech.network import FRAMES_PER_S, SmallWhisper, Target, batch_of, mel_of, target, vocabulary_of

CTC_WEIGHT, GUIDANCE_WEIGHT = 0.3, 0.3
REPORT_STEPS = 25


@dataclass(frozen=True)
class Stage:
    """Examples of one kind: messages of so many sentences, and the rate of learning at its beginning and end."""

    batch: int
    sentences: tuple[int, ...]
    longest_s: float
    first_rate: float
    last_rate: float


STAGES = {
    "short": Stage(32, (1,), 6.0, 1e-3, 1e-3),
    "middle": Stage(16, (1, 2, 3), 12.0, 1e-3, 6e-4),
    "long": Stage(8, (1, 2, 4, 6, 7, 8, 9, 10, 12), WINDOW_S, 6e-4, 5e-5),
    "decoder": Stage(12, (1, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12), WINDOW_S, 2e-3, 3e-5),
}
WINDOWS_PER_MINUTE = 300  # of the decoder's stage: each is then trained on some seven times


class Training:
    """A network on its way."""

    def __init__(self, corpus: Corpus, seed: int) -> None:
        torch.manual_seed(seed)
        self.corpus = corpus
        self.chance = random.Random(seed)
        self.network = SmallWhisper(vocabulary_of(corpus))
        self._end = self.network.vocabulary(self.network.vocabulary.tokenizer.eot)

    def whole(self, stage: Stage, minutes: float) -> None:
        """Encoder and decoder together."""
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01)
        clock = _Clock(optimizer, stage, minutes)
        while clock.goes_on():
            batch = [examples.make(self.corpus, self.chance, stage.sentences) for _ in range(stage.batch)]
            longest = max(len(example.samples) for example in batch) + self.chance.randint(1600, 16_000)
            samples = min(longest, int(stage.longest_s * RATE)) // 320 * 320
            targets = [target(self.network.vocabulary, self.chance, _within(example, samples)) for example in batch]
            with torch.autocast("cpu", torch.bfloat16):
                encoded = self.network.encode(mel_of(batch, samples))
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
            clock.step(word + GUIDANCE_WEIGHT * guidance + CTC_WEIGHT * ctc, word=word, guidance=guidance, ctc=ctc)

    def onto(self, earlier: Path) -> None:
        if earlier.suffix == ".state":
            self.network.load_state_dict(torch.load(earlier, weights_only=True))
        else:
            self.network.load(earlier)

    def decoder(self, stage: Stage, minutes: float) -> None:
        """The decoder alone: what the encoder hears is computed once, which takes as long again as half the minutes."""
        windows = max(stage.batch, int(minutes * WINDOWS_PER_MINUTE))
        heard, spoken = self._hear(stage, windows)
        decoder = self.network.whisper.decoder
        optimizer = torch.optim.AdamW(decoder.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.02)
        clock = _Clock(optimizer, stage, minutes)
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

    def __init__(self, optimizer: torch.optim.Optimizer, stage: Stage, minutes: float) -> None:
        self._optimizer, self._stage, self._lasts = optimizer, stage, minutes * 60
        self._started, self._step = time.process_time(), 0
        self._sums: dict[str, float] = {}

    def goes_on(self) -> bool:
        done = min(1.0, (time.process_time() - self._started) / self._lasts)
        rate = self._stage.first_rate + (self._stage.last_rate - self._stage.first_rate) * done
        for group in self._optimizer.param_groups:
            group["lr"] = rate * min(1.0, (self._step + 1) / 60)
        return done < 1

    def step(self, loss: Tensor, **parts: Tensor) -> None:
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        utils.clip_grad_norm_([each for group in self._optimizer.param_groups for each in group["params"]], 1.0)
        self._optimizer.step()
        self._step += 1
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + value.item() / REPORT_STEPS
        if self._step % REPORT_STEPS == 0:
            means = ", ".join(f"{name} {value:.3f}" for name, value in self._sums.items())
            print(f"{time.process_time() - self._started:.0f} s, step {self._step}: {means}", flush=True)
            self._sums = {}


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
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    training = Training(Corpus(arguments.corpus), arguments.seed)
    if arguments.onto is not None:
        training.onto(arguments.onto)
    for name, _, minutes in (stage.partition(":") for stage in arguments.stages):
        if name == "decoder":
            training.decoder(STAGES[name], float(minutes))
        else:
            training.whole(STAGES[name], float(minutes))
        torch.save(training.network.state_dict(), arguments.checkpoint.with_suffix(".state"))
        training.network.export(arguments.checkpoint)


if __name__ == "__main__":
    main()
