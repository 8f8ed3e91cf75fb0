"""What a run was worth: promises kept, waits, fairness; and the difference between two ways, seed by seed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from bench.routing.run import Run
from shared.models import Level, Role

Outcome = dict[str, float]


def outcome(run: Run) -> Outcome:
    """Percentages and open minutes of everything that arrived after the warm-up."""
    first = [each for each in run.contacts if each.first and each.at >= run.world.counted_from]
    later = [each for each in run.contacts if not each.first and each.at >= run.world.counted_from]
    open_now = run.opening.elapsed(run.now)
    for contact in run.contacts:
        if contact.done is None:
            contact.waited = open_now - contact.queued_open  # at least
    known = [each for each in first if each.done is not None or each.waited > each.target]

    def met(language: str | None = None, *, urgent: bool = False, level: Level | None = None) -> float:
        chosen = [
            each.waited <= each.target
            for each in known
            if (language is None or each.language == language)
            and (not urgent or each.urgent)
            and (level is None or each.level is level)
        ]
        return 100 * float(np.mean(chosen)) if chosen else math.nan

    def waits(language: str, percent: int) -> float:
        return float(np.percentile([each.waited for each in known if each.language == language], percent))

    csrs = [worker for worker in run.workers if worker.role is not Role.INTERN and worker.online > 0]
    bilinguals = [worker for worker in csrs if worker.spanish]
    english, spanish = met("en"), met("es")
    return {
        "met": met(),
        "met_en": english,
        "met_es": spanish,
        "gap": abs(english - spanish),
        "urgent": met(urgent=True),
        "es_complex": met("es", level=Level.CSR2),
        "en_p50": waits("en", 50),
        "en_p95": waits("en", 95),
        "es_p50": waits("es", 50),
        "es_p95": waits("es", 95),
        "longest": max(each.waited for each in known),
        "mean_wait": float(np.mean([each.waited for each in known])),
        "next_p95": float(np.percentile([each.waited for each in later], 95)),
        "utilisation": 100 * sum(each.worked for each in run.workers) / sum(each.online for each in run.workers),
        "gini": gini([worker.worked / worker.online for worker in csrs]),
        "bilingual_english": 100
        * sum(each.worked_english for each in bilinguals)
        / sum(each.worked for each in bilinguals),
        "handovers": 100 * run.tally.handovers / max(1, run.tally.follow_ups),
        "missed_offers": run.tally.missed_offers,
        "wrong_language": run.tally.wrong_language,
        "unverified": run.tally.unverified,
        "over_capacity": run.tally.over_capacity,
        "left": len(run.router.waiting()),
    }


def gini(values: Sequence[float]) -> float:
    """0: everybody the same; 1: one has it all."""
    ordered = np.sort(np.asarray(values, dtype=float))
    ranks = np.arange(1, len(ordered) + 1)
    return float((2 * ranks - len(ordered) - 1) @ ordered / (len(ordered) * ordered.sum()))


@dataclass(frozen=True, slots=True)
class Estimate:
    mean: float
    half: float  # of the 95 % confidence interval

    def text(self, digits: int = 1, *, signed: bool = False) -> str:
        sign = "+" if signed else ""
        return f"{self.mean:{sign}.{digits}f} ± {self.half:.{digits}f}"


def estimate(values: Sequence[float]) -> Estimate:
    """Student's t over seeds."""
    spread = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Estimate(float(np.mean(values)), float(student.ppf(0.975, max(1, len(values) - 1))) * spread)


def paired(ours: Sequence[Outcome], theirs: Sequence[Outcome], key: str) -> Estimate:
    """The mean difference, seed by seed: what both met alike cancels out."""
    return estimate([a[key] - b[key] for a, b in zip(ours, theirs, strict=True)])
