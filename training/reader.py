"""Teach the second opinion on topics: a small convolutional network over words in their order (triage/reader.py).

Words begin as the vectors of training/meanings.py. A few thousand messages would be learned by heart, so a quarter of
the words, a fifth of what each word is, and most of what the filters met are hidden at random in each step. The numbers
below were chosen in cross-validation over training writers. The same messages give the same weights.
"""

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from services.tickets.triage.features import Array, Document
from services.tickets.triage.reader import FEW, MOST, Reader
from training.meanings import Meanings
from training.samples import Sample, Says

ALSO = 0.5  # how much a further topic counts beside the first
SPANS = (1, 3, 5)  # words that a filter sees
WIDTH, FILTERS = 96, 128  # of a word; of each span
BESIDE = {"minilm": 1.0, "wordllama": 0.7}  # how long the vectors of a word are on average
HIDDEN_WORDS, HIDDEN_IN_WORDS, HIDDEN_MET = 0.25, 0.2, 0.6  # shares
EPOCHS, BATCH, RATE, DECAY = 20, 64, 2e-3, 1e-2
THREADS = 1  # as many everywhere: sums depend on how they are divided


def taught(documents: Sequence[Document], samples: Sequence[Sample], topics: Sequence[str]) -> Reader:
    """`documents`: one for each sample. What people corrected counts by its weight."""
    words = _vectors()
    kinds: dict[tuple[int, ...], int] = {(): 0}  # what a word means → its number; nought: nothing known
    said = [
        np.array([kinds.setdefault(places, len(kinds)) for places in each.said[:MOST] or ((),)]) for each in documents
    ]
    table = np.array([words[list(places)].mean(axis=0) if places else np.zeros(words.shape[1]) for places in kinds])
    labels = np.array([_label(sample, topics) for sample in samples])
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(1)
            network = _Network(table.shape[1], len(topics))
            _learn(network, torch.tensor(table, dtype=torch.float32), said, labels)
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
    return _shipped(network, words)


class _Network(nn.Module):
    """As Reader reads, with what is hidden while it learns."""

    def __init__(self, size: int, topics: int) -> None:
        super().__init__()
        self.word = nn.Linear(size, WIDTH, bias=False)
        self.filters = nn.ModuleList(nn.Conv1d(WIDTH, FILTERS, span, padding=span // 2) for span in SPANS)
        self.topics = nn.Linear(2 * FILTERS * len(SPANS), topics)

    def forward(self, words: Tensor, there: Tensor) -> Tensor:
        """`words`: messages × words × size; `there`: messages × words, 1 for a word and 0 past the end."""
        rows = self.word(functional.dropout(words, HIDDEN_IN_WORDS, self.training)).transpose(1, 2)
        inside = there.unsqueeze(1)
        met = []
        for each in self.filters:
            hits = functional.relu(each(rows * inside)) * inside
            met += [hits.amax(dim=2), hits.sum(dim=2) / (inside.sum(dim=2) + FEW)]
        return cast(Tensor, self.topics(functional.dropout(torch.cat(met, dim=1), HIDDEN_MET, self.training)))


def _learn(network: _Network, table: Tensor, said: Sequence[Array], labels: Array) -> None:
    chance = np.random.default_rng(1)
    usable = np.flatnonzero(labels.sum(axis=1) > 0)
    steps = EPOCHS * -(-len(usable) // BATCH)
    if not steps:
        return
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    network.train()
    for _ in range(EPOCHS):
        for batch in _batches(chance.permutation(usable), said, chance):
            length = max(len(said[at]) for at in batch)
            words = np.zeros((len(batch), length), dtype=np.int64)
            there = np.zeros((len(batch), length), dtype=np.float32)
            for row, at in enumerate(batch):
                words[row, : len(said[at])], there[row, : len(said[at])] = said[at], 1
            words[chance.random(words.shape) < HIDDEN_WORDS] = 0
            scores = network(table[torch.from_numpy(words)], torch.from_numpy(there))
            wanted = torch.tensor(labels[batch], dtype=torch.float32)
            loss = -(wanted * functional.log_softmax(scores, dim=1)).sum(dim=1).mean()
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()


def _batches(order: Array, said: Sequence[Array], chance: np.random.Generator) -> Iterator[Array]:
    """Messages of like length together, so that little is padded; batches in no order."""
    together = 20 * BATCH
    batches = []
    for start in range(0, len(order), together):
        some = order[start : start + together]
        some = some[np.argsort([len(said[at]) for at in some], kind="stable")]
        batches += [some[at : at + BATCH] for at in range(0, len(some), BATCH)]
    yield from (batches[at] for at in chance.permutation(len(batches)))


def _label(sample: Sample, topics: Sequence[str]) -> Array:
    """Shares of its topics, times its weight; nought where it tells none."""
    label = np.zeros(len(topics))
    if sample.tells(Says.TOPIC):
        label[topics.index(sample.topic)] = 1.0
        for topic in sample.also:
            label[topics.index(topic)] = ALSO
        label *= sample.weights[Says.TOPIC] / label.sum()
    return label


def _vectors() -> Array:
    """One row for each word of the lexicon."""
    vectors = Meanings.read().vectors
    together: Array = np.hstack(
        [vectors[name] * (long / np.linalg.norm(vectors[name], axis=1).mean()) for name, long in BESIDE.items()]
    )
    return together


def _shipped(network: _Network, words: Array) -> Reader:
    """As it is kept: words in a hundred and twenty-seven steps either way, the rest in half precision."""
    with torch.no_grad():
        rows = network.word(torch.tensor(words, dtype=torch.float32)).numpy()
        step = (np.abs(rows).max(axis=0) / 127).astype(np.float16).astype(np.float32)
        return Reader(
            words=np.round(rows / step).clip(-127, 127).astype(np.int8),
            step=step,
            filters=tuple(_half(cast(nn.Conv1d, each).weight.permute(2, 1, 0)) for each in network.filters),
            thresholds=tuple(_half(cast(Tensor, each.bias)) for each in network.filters),
            topics=_half(network.topics.weight.T),
            bias=_half(network.topics.bias),
        )


def _half(weights: Tensor) -> Array:
    kept: Array = np.ascontiguousarray(weights.numpy()).astype(np.float16).astype(np.float32)
    return kept
