"""What the author wrote: this product and the libraries that do the same, on the same sample set."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

from bench.environment import environment
from bench.figures import Figures
from bench.trimming import samples
from bench.trimming.samples import Sample, exact, lost, quotes_right
from services.inbox.trim import read_written

REQUIREMENTS = (
    "mail-parser-reply", "email-reply-parser", "talon", "quotequail", "email-reply-extractor", "email-forward-parser",
)  # fmt: skip
FORWARDS = "email-forward-parser"
Pairs = list[tuple[Sample, str]]


async def measure(size: int) -> Figures:
    """The first `size` samples; without the libraries when that is not all of them."""
    everything = samples.load()
    chosen = everything[:size]
    figures = Figures(
        "What the author wrote",
        f"{len(everything)} invented mails, half of them Spanish, in the formats of more than 30 mail programs "
        "(`bench/trimming/samples.jsonl`), each with what its author wrote. Exact: the same words in the same order. "
        "Quotes right: only closing, signature or footers may be left over. Lost: a word of the author is missing. "
        "Libraries run in an environment made for this, each as its documentation says; a forwarded mail is content to "
        "some and a quote to others, so mails with one count in their own rows only.",
    )
    ours = [(sample, _ours(sample)) for sample in chosen]
    for name, held_out, aim in (("tuned part", False, "95 %"), ("held out", True, "85 %")):
        part = [(sample, new) for sample, (new, _) in ours if sample.held_out is held_out]
        if part:
            figures.add(f"centralita, {name} ({len(part)})", _told(part), f"exact {aim}, lost 0")
    plain = [sample for sample in chosen if not sample.forwarded]
    _rows(figures, "centralita", [(sample, new) for sample, (new, _) in ours if not sample.forwarded])
    forwards = [(sample, authors) for sample, (_, authors) in ours if sample.forwarded]
    told: dict[str, Any] = {}
    if len(chosen) == len(everything):
        told = await asyncio.to_thread(_libraries)
    for name, result in told.items():
        if result.get("error"):
            figures.add(name, f"did not run: {result['error']}")
        elif name != FORWARDS:
            answers = dict(zip((sample.id for sample in chosen), result["answers"], strict=True))
            pairs = [(sample, sample.text if (said := answers[sample.id]) is None else said) for sample in plain]
            _rows(figures, f"{name} {result['version']}", pairs)
    right = sum(authors == [_facts(each) for each in sample.forwarded] for sample, authors in forwards)
    figures.add(
        "forwards: author, address and subject right, nested ones too, centralita", f"{right} of {len(forwards)}"
    )
    if told.get(FORWARDS, {}).get("answers"):
        answers = told[FORWARDS]["answers"]
        outer = [(sample, found) for sample, found in zip(chosen, answers, strict=True) if sample.forwarded]
        right = sum(found == _facts(sample.forwarded[0]) for sample, found in outer)
        figures.add(f"forwards: the outermost only, {FORWARDS} {told[FORWARDS]['version']}", f"{right} of {len(outer)}")
    return figures


def _ours(sample: Sample) -> tuple[str, list[list[str]]]:
    written = read_written(sample.text, sample.html, subject=sample.subject, author=sample.author)
    return written.new, [[each.name, each.address, each.subject] for each in written.forwarded]


def _facts(forwarded: dict[str, Any]) -> list[str]:
    return [forwarded["name"], forwarded["address"], forwarded["subject"]]


def _rows(figures: Figures, name: str, pairs: Pairs) -> None:
    for language, called in (("en", "English"), ("es", "Spanish")):
        part = [pair for pair in pairs if pair[0].language == language]
        if part:
            figures.add(f"{name}, {called} ({len(part)})", _told(part))


def _told(pairs: Pairs) -> str:
    count = len(pairs)
    whole = sum(exact(*pair) for pair in pairs)
    quotes = sum(quotes_right(*pair) for pair in pairs)
    missing = sum(lost(*pair) for pair in pairs)
    return f"exact {100 * whole / count:.0f} %, quotes right {100 * quotes / count:.0f} %, lost in {missing}"


def _libraries() -> dict[str, Any]:
    """Their answers, from an environment that is thrown away afterwards: none of them is a dependency of ours."""
    script = Path(__file__).with_name("libraries.py")
    with environment(*REQUIREMENTS, all_of_them=False) as python:
        command = [str(python), "-W", "ignore", str(script), str(samples.PATH)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers
