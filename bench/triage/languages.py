"""Languages of messages by writers whose words were not counted, by length, beside lingua alone."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

from bench.figures import Figures, percentile
from shared.language import MIXED, UNKNOWN, Evidence, decide, read_text
from shared.language.words import OTHERS, learned
from training.language import BOTH, pieces
from training.samples import Sample, Split, corpus

LENGTHS = ((1, 2, "1–2 words"), (3, 7, "3–7 words"), (8, 20, "8–20 words"), (21, 10_000, "more"))
NAMES = {"en": "English", "es": "Spanish"}


@dataclass(frozen=True)
class Text:
    """A message or a piece of one, what it is written in, and what else its writer wrote."""

    text: str
    language: str
    before: str  # the writer's message before it; empty for the first


async def measure(size: int) -> Figures:
    """`size`: messages read for the time one takes."""
    return await asyncio.to_thread(_measure, size)


def _measure(size: int) -> Figures:
    samples = [sample for sample in corpus() if sample.split is Split.TEST]
    writers = sorted({sample.writer for sample in samples})
    figures = Figures(
        "Languages told",
        f"`python -m bench languages`: {len(samples)} messages by {len(writers)} writers ({', '.join(writers)}) whose"
        f" words were not counted (version {learned().version}), and short pieces of those in one language: a clause or"
        " a beginning, without names, numbers and addresses. The label of a piece is its message's, so a piece that"
        " could be either counts as wrong or unknown. «lingua»: the library alone, in its default accuracy, among the"
        " same languages. «With the one before»: together with the language that was read in the writer's message"
        " before. Other languages are by a training writer on whom their thresholds were tried: those figures are too"
        " good. All was written for this purpose (training/corpus/README.md).",
    )
    lingua = _lingua()
    texts = list(_texts(samples))
    for language in BOTH:
        for low, high, called in LENGTHS:
            part = [each for each in texts if each.language == language and low <= len(each.text.split()) <= high]
            if part:
                figures.add(f"{NAMES[language]}, {called} ({len(part)})", _told(part, lingua))
    short = [each for each in texts if len(each.text.split()) <= 2 and each.before]
    figures.add(f"1–2 words, with the one before ({len(short)})", _with_history(short))
    both = [_whole(sample) for sample in samples if sample.language == MIXED]
    one = [_whole(sample) for sample in samples if sample.language in BOTH]
    figures.add(f"in both languages, found ({len(both)})", _share([read_text(text).language == MIXED for text in both]))
    figures.add(
        f"taken for both ({len(one)})", _share([read_text(text).language == MIXED for text in one]), "under 1 %"
    )
    others = [sample for sample in corpus() if sample.language not in (*BOTH, MIXED, UNKNOWN)]
    part = [Text(_whole(sample), sample.language, "") for sample in others]
    figures.add(f"other languages, not held out ({len(part)})", _told(part, lingua))
    times = _times([_whole(sample) for sample in samples], size)
    figures.add(
        f"milliseconds of processor time for a message ({len(times)})",
        f"p50 {percentile(times, 50):.2f}, p95 {percentile(times, 95):.2f}",
        "under 2",
    )
    return figures


def _texts(samples: Sequence[Sample]) -> Iterator[Text]:
    before: dict[str, str] = {}
    for sample in samples:
        if sample.language in BOTH:
            last = before.get(sample.writer, "")
            yield Text(_whole(sample), sample.language, last)
            for _, piece in pieces(sample):
                yield Text(piece, sample.language, last)
            before[sample.writer] = _whole(sample)


def _whole(sample: Sample) -> str:
    return f"{sample.subject}.\n\n{sample.text}" if sample.subject else sample.text


def _told(texts: Sequence[Text], lingua: LanguageDetector) -> str:
    ours = [(each.language, read_text(each.text).language) for each in texts]
    alone = [(each.language, _alone(lingua, each.text)) for each in texts]
    return f"{_right(ours)} (lingua: {_right(alone)})"


def _with_history(texts: Sequence[Text]) -> str:
    found = [
        (
            each.language,
            decide(Evidence(text=read_text(each.text), earlier=(read_text(each.before).language,))).language,
        )
        for each in texts
    ]
    return _right(found)


def _right(found: Sequence[tuple[str, str]]) -> str:
    named = [(label, language) for label, language in found if language != UNKNOWN]
    right = sum(label == language for label, language in named) / max(len(named), 1)
    return f"right {100 * right:.1f} % of those named, unknown {100 * (1 - len(named) / len(found)):.1f} %"


def _share(hits: Sequence[bool]) -> str:
    return f"{100 * sum(hits) / max(len(hits), 1):.1f} %"


def _lingua() -> LanguageDetector:
    languages = [getattr(Language, name) for name in ("ENGLISH", "SPANISH", *OTHERS)]
    return LanguageDetectorBuilder.from_languages(*languages).build()


def _alone(lingua: LanguageDetector, text: str) -> str:
    found = lingua.detect_language_of(text)
    return found.iso_code_639_1.name.lower() if found is not None else UNKNOWN


def _times(texts: Sequence[str], size: int) -> list[float]:
    read_text(texts[0])  # what is loaded once is not part of a message
    times = []
    for number in range(size):
        started = time.process_time()
        read_text(texts[number % len(texts)])
        times.append((time.process_time() - started) * 1_000)
    return times
