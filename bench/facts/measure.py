"""Facts of messages by writers who were held out, by kind, channel and language, beside libraries alone."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import phonenumbers

from bench.environment import environment
from bench.facts.score import RECEIVED, Score, score
from bench.figures import Figures, percentile
from services.tickets.facts import FactKind, Found, find
from training.samples import Sample, Split, corpus

CHANNELS = (("email", "mails"), ("voicemail", "transcripts"))
LANGUAGES = (("en", "English"), ("es", "Spanish"))


async def measure(size: int) -> Figures:
    """`size`: messages read for the time one takes; fewer than all are measured without the library for dates."""
    return await asyncio.to_thread(_measure, size)


def _measure(size: int) -> Figures:
    samples = [sample for sample in corpus() if sample.split is Split.TEST]
    writers = sorted({sample.writer for sample in samples})
    figures = Figures(
        "Facts in messages",
        f"`python -m bench facts`: {len(samples)} messages by {len(writers)} writers ({', '.join(writers)}) whom"
        " nothing was tuned on, with what they marked in them. Found: a fact of its kind stands where the mark is."
        " Exact: its value is the marked one too. Precision: how much of what was found is a mark; what is said twice"
        " counts once. Days count from 26 November 2026. Libraries: what they find by themselves in the same texts.",
    )
    for channel, called in CHANNELS:
        for language, name in LANGUAGES:
            part = [each for each in samples if each.channel == channel and each.language == language]
            for kind, each in score(part, find).items():
                if each.marks:
                    figures.add(f"{kind}, {name} {called} ({each.marks})", _told(each))
    whole = score(samples, find)
    figures.add(f"phone, all ({whole[FactKind.PHONE].marks})", _told(whole[FactKind.PHONE]))
    alone = score(samples, _phonenumbers)[FactKind.PHONE]
    figures.add(f"phone, all, phonenumbers {phonenumbers.__version__} alone", _told(alone))
    figures.add(f"date, all ({whole[FactKind.DATE].marks})", _told(whole[FactKind.DATE]))
    if size >= len(samples):
        _dateparser(figures, samples)
    times = _times(samples, size)
    figures.add(
        f"milliseconds of processor time for a message ({len(times)})",
        f"p50 {percentile(times, 50):.2f}, p95 {percentile(times, 95):.2f}",
        "typically under 1",
    )
    return figures


def _told(score: Score) -> str:
    return f"precision {100 * score.precision:.0f} %, found {100 * score.recall:.0f} %, exact {100 * score.right:.0f} %"


def _phonenumbers(text: str, received: date) -> Iterator[Found]:
    for match in phonenumbers.PhoneNumberMatcher(text, "US"):
        value = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        yield Found(FactKind.PHONE, value, match.start, match.end, 1.0)


def _dateparser(figures: Figures, samples: Sequence[Sample]) -> None:
    with environment("dateparser") as python:
        done = subprocess.run(
            [str(python), str(Path(__file__).parent / "library.py")],
            input=json.dumps({"received": RECEIVED.isoformat(), "texts": [each.text for each in samples]}),
            check=True, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    answers = {each.text: _placed(each.text, found) for each, found in zip(samples, told["answers"], strict=True)}
    alone = score(samples, lambda text, received: answers[text])[FactKind.DATE]
    figures.add(f"date, all, dateparser {told['version']} alone", f"{_told(alone)}; {told['ms']:.0f} ms a message")


def _placed(text: str, found: Iterable[Sequence[str]]) -> list[Found]:
    """What it found, in its place: it names the words in the order in which they stand."""
    placed, at = [], 0
    for words, day in found:
        start = text.find(words, at)
        if start >= 0:
            at = start + len(words)
            placed.append(Found(FactKind.DATE, day, start, at, 1.0))
    return placed


def _times(samples: Sequence[Sample], size: int) -> list[float]:
    find(samples[0].text, RECEIVED)  # what is loaded once is not part of a message
    times = []
    for number in range(size):
        sample = samples[number % len(samples)]
        started = time.process_time()
        find(sample.text, RECEIVED)
        times.append((time.process_time() - started) * 1_000)
    return times
