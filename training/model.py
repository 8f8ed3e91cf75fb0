"""`make model`: learn from the corpus and what people corrected, choose on writers kept for choosing, ship what is no
worse.

Nothing here looks at the test writers but the comparison at the end. The same corpus and the same corrections give the
same bytes.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from services.tickets.topics import taxonomy
from services.tickets.triage.features import Array, Document, Features, Weighting, blocks, counted, document
from services.tickets.triage.leaning import Leaning
from services.tickets.triage.model import Model, Tested, load, save, tested
from shared.language.words import Learned, of_json, shipped
from training import language, leaning, reader
from training.corrections import against_people, agreement, divided, lessons_in
from training.figures import Figures, figures, worse, worse_languages
from training.meanings import Meanings
from training.samples import CORPUS, WHOLE, CorpusError, Sample, Says, Split, corpus
from training.urgent import learn

SHIPPED = Path(__file__).parents[1] / "services" / "tickets" / "data" / "triage.npz"
SMALL = 0.02  # weights below say nothing and are left out
CHANCE = 0.01  # of the acceptable share, on the few hundred messages that thresholds are chosen on


def documents_of(samples: Sequence[Sample]) -> list[Document]:
    return [document(sample.text, sample.subject) for sample in samples]


def train(samples: Sequence[Sample], choose: Sequence[Sample], *, strength: float = 10.0) -> Model:
    """A model from `samples`, its temperature and thresholds from `choose`."""
    with threadpool_limits(1):  # sums depend on how they are divided, and the same corpus gives the same bytes
        return _trained(samples, choose, strength)


def _trained(samples: Sequence[Sample], choose: Sequence[Sample], strength: float) -> Model:
    topics = tuple(taxonomy())
    documents = documents_of(samples)
    weighting = Weighting(_idf(documents))
    columns = _matrix([weighting(each) for each in documents])
    features, scaled = Meanings.read().instead_of_words(columns)
    rows, labels, shares = [], [], []
    for row, sample in enumerate(samples):
        if not sample.tells(Says.TOPIC):
            continue
        for topic, share in ((sample.topic, 1.0), *((each, reader.ALSO) for each in sample.also)):
            rows.append(row)
            labels.append(topics.index(topic))
            shares.append(share * sample.weights[Says.TOPIC])
    classifier = LogisticRegression(C=strength, max_iter=120)
    classifier.fit(features[rows], labels, sample_weight=shares)
    weights = np.zeros((len(topics), columns.shape[1]))
    bias = np.full(len(topics), -20.0)  # a topic nobody wrote about is never the answer
    weights[classifier.classes_], bias[classifier.classes_] = scaled.of_words(classifier.coef_, classifier.intercept_)
    danger = LogisticRegression(C=strength, class_weight="balanced", solver="liblinear")
    judged = [row for row, sample in enumerate(samples) if sample.tells(Says.DANGER)]
    danger.fit(
        features[judged],
        [samples[row].emergency for row in judged],
        sample_weight=[samples[row].weights[Says.DANGER] for row in judged],
    )
    danger_weights, danger_bias = scaled.of_words(danger.coef_, danger.intercept_)
    urgent = learn(features, samples, strength=strength)
    kind_weights, kind_bias = scaled.of_words(urgent.weights, urgent.bias)
    model = Model(
        version=_version(samples, choose),
        topics=topics,
        weighting=weighting,
        weights=np.ascontiguousarray(_without_small(weights).T),
        bias=bias,
        temperature=1.0,
        certain=0.0,
        danger_weights=_without_small(danger_weights)[0],
        danger_bias=float(danger_bias[0]),
        alarm=0.5,
        kinds=urgent.kinds,
        kind_weights=np.ascontiguousarray(_without_small(kind_weights).T),
        kind_bias=kind_bias,
        kind_alarms=urgent.alarms,
        reader=reader.taught(documents, samples, topics),
        leaning=_as_shipped(leaning.learn(features, samples, topics, scaled)),
    )
    return _chosen(model, choose)


def _as_shipped(learned: Leaning) -> Leaning:
    return replace(learned, weights=_without_small(learned.weights))


def _idf(documents: Sequence[Document]) -> Array:
    """How rare each feature is, smoothed as if one text had them all."""
    # Kept in half precision, so that training sees what the shipped model will.
    having = np.bincount(np.concatenate([counted(each).columns for each in documents]), minlength=blocks()[4])
    idf: Array = (np.log((1 + len(documents)) / (1 + having)) + 1).astype(np.float16)
    return idf


def _matrix(rows: Sequence[Features]) -> csr_matrix:
    """One row for each text."""
    ends = np.cumsum([0, *(len(row.columns) for row in rows)])
    columns, values = (np.concatenate([getattr(row, part) for row in rows]) for part in ("columns", "values"))
    return csr_matrix((values, columns, ends), shape=(len(rows), blocks()[-1]))


def _version(*parts: Sequence[Sample]) -> str:
    told = [
        (each.id, each.topic, each.also, each.priority, each.subject, each.text, *_unusual(each))
        for part in parts
        for each in part
    ]
    digest = hashlib.sha256(repr(told).encode()).hexdigest()[:8]
    return f"{sum(map(len, parts))}-{digest}"


def _unusual(sample: Sample) -> tuple[object, ...]:
    return () if sample.weights == WHOLE else (*sorted(sample.weights.items()), sample.language)


def _without_small(weights: Array) -> Array:
    """As they are shipped: in half precision, and without those that say nothing."""
    kept: Array = np.where(np.abs(weights) < SMALL, 0.0, weights).astype(np.float16).astype(np.float32)
    return kept


def _chosen(model: Model, samples: Sequence[Sample]) -> Model:
    """Temperature, threshold of certainty and of alarm, as they are best on these writers."""
    documents = documents_of(samples)
    features = [model.weighting(each) for each in documents]
    scores = np.array([model.scores(each, having) for each, having in zip(documents, features, strict=True)])
    labels = np.array([model.topics.index(sample.topic) for sample in samples])
    temperatures = np.linspace(0.3, 2.0, 35)
    losses = []
    for temperature in temperatures:
        shares = replace(model, temperature=float(temperature)).shares(scores)
        losses.append(-np.log(shares[np.arange(len(labels)), labels] + 1e-9).mean())
    model = replace(model, temperature=float(temperatures[int(np.argmin(losses))]))
    dangers = np.array([model.danger(each) for each in features])
    emergencies = np.array([sample.emergency for sample in samples])
    model = replace(model, alarm=_alarm(dangers[emergencies], dangers[~emergencies]))
    return replace(model, certain=_certain(model, samples))


def _alarm(true: Array, false: Array) -> float:
    """As low as three false alarms in two hundred messages allow: a miss is worse, and the rules raise some too."""
    allowed = float(np.quantile(false, 0.985))
    needed = float(true.min())
    # Where every emergency is found with room to spare, stand in the middle of the room.
    return round((needed + allowed) / 2 if needed > allowed else allowed, 4)


def _certain(model: Model, samples: Sequence[Sample]) -> float:
    """The share below which «other» is more often right than the guess: the lowest where more would be chance."""
    documents = documents_of(samples)
    right: dict[float, float] = {}
    for threshold in np.arange(0.0, 0.45, 0.03):
        tried = replace(model, certain=float(threshold))
        topics = [tried.understand_document(each).topic for each in documents]
        right[round(float(threshold), 2)] = float(
            np.mean([sample.accepts(topic) for sample, topic in zip(samples, topics, strict=True)])
        )
    return min(threshold for threshold, share in right.items() if share >= max(right.values()) - CHANCE)


@dataclass(frozen=True)
class Lessons:
    """What people corrected: what is learned from, and what is kept to see whether it helps."""

    learned: Sequence[Sample] = ()
    kept: Sequence[Sample] = ()

    @classmethod
    def of(cls, folder: Path | None) -> "Lessons":
        """Raises CorpusError."""
        if folder is None:
            return cls()
        learned, kept = divided(lessons_in(folder))
        return cls(learned, kept)


def _present(path: Path) -> Model | None:
    """The model that is there; None: there is none, or ideas have changed since."""
    try:
        return load(path)
    except (FileNotFoundError, KeyError, ValueError):
        return None


def _before(present: Model | None, path: Path, test: Sequence[Sample], on: str) -> Figures | Tested | None:
    """How the present model does on these writers; where ideas have changed since, how it did when it was made."""
    if present is not None:
        return figures(present, test)
    kept = tested(path) if path.exists() else None
    return kept if kept is not None and kept.on == on else None


def languages_of(model: Model) -> Learned:
    """By which languages are read together with the model."""
    return shipped() if model.language is None else of_json(model.language)


def against_corrections(new: Model, present: Model | None, lessons: Lessons) -> str | None:
    """Print how many are now as people said; why the new model must not replace the present one, or None."""
    for name, samples in (("learned from", lessons.learned), ("kept to see", lessons.kept)):
        if samples:
            now = _agreement(new, samples)
            was = "unknown" if present is None else str(sum(_agreement(present, samples)))
            print(f"judgements {name}: {len(now)}, as people say before {was}, after {sum(now)}")
    if present is None:
        return None
    return against_people(_agreement(new, lessons.kept), _agreement(present, lessons.kept))


def _agreement(model: Model, samples: Sequence[Sample]) -> list[bool]:
    return agreement(model, languages_of(model), samples)


def against_languages(new: Model, present: Model | None, test: Sequence[Sample]) -> str | None:
    """Why the words that were counted must not take the place of the present ones; None: they may, or are the same."""
    if new.language is None:
        return None
    old = shipped() if present is None else languages_of(present)
    return worse_languages(language.figures(test, languages_of(new)), language.figures(test, old))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, compare on the test writers and on corrections kept for it, and write the file unless it is worse."""
    parser = argparse.ArgumentParser(prog="python -m training.model", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the model; compared with the one that is there")
    parser.add_argument("--corrections", type=Path, help="folder with what export-corrections wrote")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="folder of the writers' files")
    options = parser.parse_args(arguments)
    try:
        samples, lessons = corpus(options.corpus), Lessons.of(options.corrections)
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 1
    split = {kind: [sample for sample in samples if sample.split is kind] for kind in Split}
    model = train([*split[Split.TRAIN], *lessons.learned], split[Split.TUNE])
    if any(each.tells(Says.LANGUAGE) for each in lessons.learned):
        taught = language.taught(shipped(), lessons.learned)
        model = replace(model, language=language.as_json(taught).encode())
    print(f"model {model.version}: temperature {model.temperature:.2f}, certain {model.certain}, alarm {model.alarm}")
    print("writers it was chosen on:", figures(model, split[Split.TUNE]))
    path = options.out if options.out.exists() else SHIPPED
    present = _present(path)
    after = figures(model, split[Split.TEST])
    now = Tested(_version(split[Split.TEST]), after.acceptable, after.recall, after.priority)
    before = _before(present, path, split[Split.TEST], now.on)
    print("before, test writers:", before or "nothing to compare with")
    print("after, test writers: ", after)
    reason = (
        (before and worse(now, before))
        or against_corrections(model, present, lessons)
        or against_languages(model, present, split[Split.TEST])
    )
    if reason:
        print(f"Not written: {reason}.", file=sys.stderr)
        return 1
    new = options.out.with_name(f".{options.out.stem}.new.npz")
    save(replace(model, tested=now), new)
    new.replace(options.out)  # whoever reads it meanwhile reads a whole one
    print(f"{options.out.name}: {options.out.stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
