"""How well numbers, accounts and names are read from what callers say, by language and by how they say it."""

from collections import defaultdict

from bench.callers import samples
from bench.callers.samples import Score
from bench.figures import Figures


async def measure(size: int) -> Figures:
    """The first `size` samples."""
    chosen = [(sample, samples.score(sample)) for sample in samples.load()[:size]]
    figures = Figures(
        "What callers want",
        f"{len(chosen)} invented sentences, half of them Spanish (`bench/callers/samples.jsonl`), each with what a "
        "careful listener would note: callback numbers (also incomplete ones, as such), accounts, the caller's name. "
        "Exact: all of it and nothing else. Missed: something that was said is not noted. Wrong: something is noted "
        "that was not said so. Words as they were written down: how well they are heard is measured elsewhere.",
    )
    by_language: dict[str, list[Score]] = defaultdict(list)
    by_form: dict[str, list[Score]] = defaultdict(list)
    for sample, score in chosen:
        by_language[sample.language].append(score)
        by_form[sample.form].append(score)
    for name, scores in sorted(by_language.items()):
        figures.add({"en": "English", "es": "Spanish"}[name] + f" ({len(scores)})", _told(scores), "exact 95 %")
    for name, scores in sorted(by_form.items()):
        figures.add(f"{name} ({len(scores)})", _told(scores))
    return figures


def _told(scores: list[Score]) -> str:
    exact = sum(score.exact for score in scores)
    missed = sum(score.missed for score in scores)
    wrong = sum(score.wrong for score in scores)
    return f"exact {100 * exact / len(scores):.0f} %, missed in {missed}, wrong in {wrong}"
