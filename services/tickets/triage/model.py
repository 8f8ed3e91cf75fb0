"""The trained model: what a text is about, how sure that is, and whether somebody is in danger.

`make model` writes `data/triage.npz`: weights and nothing that could run. It is read once for each process. Pure: the
same text, the same answer, with the version of the model that gave it.
"""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from services.tickets.topics import EMERGENCY, OTHER
from services.tickets.triage.features import Array, Document, Features, Weighting, blocks, document, idea_column
from services.tickets.triage.ideas import names
from services.tickets.triage.leaning import Leaning
from services.tickets.triage.meaning import lexicon
from services.tickets.triage.reader import Reader, of_parts, parts

MADE_OF = "linear, reader and leaning"  # what a file holds: another word, and files that were made before are not read
REASONS = 4  # ideas named as evidence
CLEAR = 2.5  # by how much ideas must speak for a topic rather than for «other»; chosen on the writers kept for choosing


@dataclass(frozen=True, slots=True)
class Understanding:
    """What the model makes of one text. Shares are probabilities of topics and sum to 1."""

    topic: str
    confidence: float
    danger: float  # 0…1, that somebody has to act now
    emergency: bool
    reasons: tuple[str, ...]  # the text's own words that spoke for the topic, the strongest first
    shares: dict[str, float] = field(default_factory=dict)
    urgent: dict[str, float] = field(default_factory=dict)  # kinds of urgency above their alarm, and their probability
    pushes: tuple[float, ...] = ()  # what the words say for each priority (leaning.py)
    version: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.version,
            "confidence": round(self.confidence, 3),
            "danger": round(self.danger, 3),
            "words": list(self.reasons),
            "shares": {topic: round(share, 3) for topic, share in self.shares.items()},
        }


@dataclass(frozen=True, slots=True)
class Tested:
    """How it did on writers it never met. `on` names their messages: figures on others cannot be compared."""

    on: str
    acceptable: float
    recall: float
    priority: float = 0.0


@dataclass(frozen=True)
class Model:
    """Weights of topics (one row each), of danger, of kinds of urgency and of priorities over the same features, a
    second opinion on topics, and, in a file of the center's own, what it learned of languages."""

    version: str
    topics: tuple[str, ...]
    weighting: Weighting
    weights: Array  # features × topics
    bias: Array
    temperature: float
    certain: float  # below this share the topic is «other»
    danger_weights: Array  # features
    danger_bias: float
    alarm: float  # from here on it is an emergency
    kinds: tuple[str, ...]  # of urgency, by the names of urgency/kinds.py
    kind_weights: Array  # features × kinds
    kind_bias: Array
    kind_alarms: Array
    reader: Reader
    leaning: Leaning
    tested: "Tested | None" = None
    language: bytes | None = None  # as shared/language/words.py reads it; None: what came with the software

    def understand(self, text: str, subject: str = "") -> Understanding:
        """What one message says. Empty text: other, no danger."""
        return self.understand_document(document(text, subject))

    def understand_document(self, text: Document) -> Understanding:
        features = self.weighting(text)
        return self._understanding(text, features, self.shares(self.scores(text, features)), self.danger(features))

    def scores(self, text: Document, features: Features) -> Array:
        """What speaks for each of `topics`: half by what is said, half by the order in which it is said."""
        # Not as a product of matrices: BLAS would start its threads for these few numbers.
        pushes = features.values[:, None] * self.weights[features.columns]
        scores: Array = (np.add.reduce(pushes) + self.bias + self.reader.scores(text.said)) / 2
        return scores

    def shares(self, scores: Array) -> Array:
        """Probabilities of topics, one column for each, from the scores of one text or a row for each of several."""
        scores = scores / self.temperature
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        total: Array = scores / scores.sum(axis=-1, keepdims=True)
        return total

    def priorities(self, understood: Understanding, topic: str) -> dict[str, float]:
        """How probable each priority is that people would give to these words, if they are about this topic."""
        return self.leaning.shares(understood.pushes, self.topics.index(topic))

    def danger(self, features: Features) -> float:
        """Probability of danger."""
        score = (features.values * self.danger_weights[features.columns]).sum() + self.danger_bias
        return float(1 / (1 + np.exp(-score)))

    def urgency(self, kind: str, features: Features) -> float:
        """Probability of one kind of urgency."""
        return float(self._urgency(features)[self.kinds.index(kind)])

    def _urgency(self, features: Features) -> Array:
        scores = np.add.reduce(features.values[:, None] * self.kind_weights[features.columns]) + self.kind_bias
        probabilities: Array = 1 / (1 + np.exp(-scores))
        return probabilities

    def _understanding(self, text: Document, features: Features, shares: Array, danger: float) -> Understanding:
        emergency = danger >= self.alarm
        if not emergency:
            # Without an alarm the words of one are about something else, and say nothing against what comes next.
            not_these = {EMERGENCY, OTHER} if self._names_a_topic(features) else {EMERGENCY}
            shares = shares.copy()
            shares[[at for at, topic in enumerate(self.topics) if topic in not_these]] = 0.0
            shares = shares / np.add.reduce(shares)
        order = np.argsort(-shares, kind="stable").tolist()
        each = shares.tolist()
        ranked = {self.topics[at]: each[at] for at in order}
        first = EMERGENCY if emergency else next(iter(ranked))
        if not emergency and ranked[first] < self.certain:
            first = OTHER  # without enough evidence, we do not know
        return Understanding(
            topic=first,
            confidence=danger if emergency else ranked[first],
            danger=danger,
            emergency=emergency,
            reasons=self._reasons(text, features, first, emergency=emergency),
            shares=dict(list(ranked.items())[:4]),
            urgent={
                kind: probability
                for kind, probability, alarm in zip(
                    self.kinds, self._urgency(features).tolist(), self.kind_alarms.tolist(), strict=True
                )
                if probability >= alarm
            },
            pushes=self.leaning.pushes(features),
            version=self.version,
        )

    def _names_a_topic(self, features: Features) -> bool:
        """Whether ideas alone speak clearly for some topic: «other» is for what names none, not for what is unusual."""
        ideas = slice(*np.searchsorted(features.columns, (blocks()[2], blocks()[4])))
        pushes = np.add.reduce(features.values[ideas, None] * self.weights[features.columns[ideas]])
        return bool((pushes - pushes[self.topics.index(OTHER)]).max() > CLEAR)

    def _reasons(self, text: Document, features: Features, topic: str, *, emergency: bool) -> tuple[str, ...]:
        weights = self.danger_weights if emergency else self.weights[:, self.topics.index(topic)]
        columns = [idea_column(idea) for idea in text.ideas]
        pushes = weights[columns] * features.values[np.searchsorted(features.columns, columns)]
        said: dict[str, float] = {}
        for words, push in zip(text.ideas.values(), pushes.tolist(), strict=True):
            if push > 0:
                word = max(words, key=len)
                said[word] = max(said.get(word, 0.0), push)
        strongest = sorted(said, key=lambda word: (-said[word], word))
        # «huele a gas» says what «gas» says, and more.
        whole = [word for word in strongest if not any(word != other and word in other for other in strongest)]
        return tuple(whole[:REASONS])


class OtherIdeas(ValueError):
    """The file is a model, made for other ideas than data/ideas.txt and the taxonomy hold."""


def load(path: Path | BinaryIO) -> Model:
    """Read what save() wrote. Raises OSError, KeyError or ValueError when it is none; OtherIdeas, a ValueError."""
    with np.load(path, allow_pickle=False) as data:
        if str(data["ideas"]) != ideas_read():
            raise OtherIdeas("it was made for other ideas than data/ideas.txt and the taxonomy hold")
        return Model(
            version=str(data["version"]),
            topics=tuple(str(topic) for topic in data["topics"]),
            weighting=Weighting(np.concatenate([data[f"idf_{number}"] for number in range(4)])),
            weights=np.ascontiguousarray(_dense(data, "weights").T),
            bias=data["bias"].astype(np.float64),
            temperature=float(data["temperature"]),
            certain=float(data["certain"]),
            danger_weights=_dense(data, "danger")[0],
            danger_bias=float(data["danger_bias"]),
            alarm=float(data["alarm"]),
            kinds=tuple(str(kind) for kind in data["kinds"]),
            kind_weights=np.ascontiguousarray(_dense(data, "urgent").T),
            kind_bias=data["kind_bias"].astype(np.float64),
            kind_alarms=data["kind_alarms"].astype(np.float64),
            reader=of_parts(data),
            leaning=Leaning(
                np.ascontiguousarray(_dense(data, "leaning").T),
                data["leaning_topics"].astype(np.float64),
                data["leaning_bias"].astype(np.float64),
            ),
            tested=_tested(data),
            language=data["language"].tobytes() if "language" in data else None,
        )


def tested(path: Path) -> Tested | None:
    """How the model of a file did when it was made, also where it was made for other ideas than there are now."""
    with np.load(path, allow_pickle=False) as data:
        return _tested(data)


def _tested(data: Any) -> Tested | None:
    if "tested_on" not in data:
        return None
    priority = float(data["tested_priority"]) if "tested_priority" in data else 0.0
    return Tested(str(data["tested_on"]), float(data["acceptable"]), float(data["recall"]), priority)


def ideas_read() -> str:
    """What tells one set of ideas and of words that mean something, each a column of the model, from another, and a
    model that is made of other parts."""
    return hashlib.sha256("\n".join((MADE_OF, *names(), *lexicon().places)).encode()).hexdigest()[:12]


def save(model: Model, path: Path) -> None:
    """Write the model so that `load` gives it back; the same model gives the same bytes."""
    idf = np.split(model.weighting.idf.astype(np.float16), blocks()[1:4])
    kept: dict[str, Any] = {f"idf_{number}": block for number, block in enumerate(idf)}
    kept |= _parts(model.weights.T, "weights") | _parts(model.danger_weights[None, :], "danger")
    kept |= _parts(model.kind_weights.T, "urgent") | _parts(model.leaning.weights.T, "leaning")
    kept |= parts(model.reader)
    kept |= {
        "version": np.array(model.version),
        "ideas": np.array(ideas_read()),
        "topics": np.array(model.topics),
        "bias": model.bias.astype(np.float32),
        "temperature": np.array(model.temperature),
        "certain": np.array(model.certain),
        "danger_bias": np.array(model.danger_bias),
        "alarm": np.array(model.alarm),
        "kinds": np.array(model.kinds),
        "kind_bias": model.kind_bias.astype(np.float32),
        "kind_alarms": model.kind_alarms.astype(np.float32),
        "leaning_topics": model.leaning.topics.astype(np.float32),
        "leaning_bias": model.leaning.bias.astype(np.float32),
    }
    if model.tested is not None:
        kept |= {
            "tested_on": np.array(model.tested.on),
            "acceptable": np.array(model.tested.acceptable),
            "recall": np.array(model.tested.recall),
            "tested_priority": np.array(model.tested.priority),
        }
    if model.language is not None:
        kept["language"] = np.frombuffer(model.language, dtype=np.uint8)
    np.savez_compressed(path, allow_pickle=False, **kept)


def _parts(weights: Array, name: str) -> dict[str, Array]:
    """Most weights are nought: the others and where they stand."""
    rows, columns = np.nonzero(weights)
    return {
        f"{name}_data": weights[rows, columns].astype(np.float16),
        f"{name}_columns": columns.astype(np.uint32),
        f"{name}_rows": np.searchsorted(rows, np.arange(len(weights) + 1)).astype(np.uint32),  # where each begins
        f"{name}_shape": np.array(weights.shape),
    }


def _dense(data: Any, name: str) -> Array:
    """In half precision as they are kept: the few that a message needs are widened when it is read."""
    values, columns, rows = (data[f"{name}_{part}"] for part in ("data", "columns", "rows"))
    dense: Array = np.zeros(tuple(data[f"{name}_shape"]), dtype=np.float16)
    dense[np.repeat(np.arange(len(dense)), np.diff(rows)), columns] = values
    return dense


_in_use: Model | None = None


def use(other: Model | None) -> None:
    """From now on this process reads with that model; None: with the one that came with the software."""
    global _in_use
    _in_use = other


def model() -> Model:
    """The model that this process reads with."""
    return _in_use if _in_use is not None else shipped()


@lru_cache(maxsize=1)
def shipped() -> Model:
    """The model that came with this version of the software."""
    with as_file(files("services.tickets").joinpath("data/triage.npz")) as path:
        return load(path)
