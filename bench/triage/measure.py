"""Topics and emergencies of messages by writers whom the model never met."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from threadpoolctl import threadpool_limits

from bench.figures import Figures, percentile
from services.tickets.priority import more_urgent, triage
from services.tickets.topics import EMERGENCY, match_topic
from services.tickets.triage.model import model
from services.tickets.triage.understand import topic_of
from services.tickets.urgency.dangers import dangers
from services.tickets.urgency.find import find
from services.tickets.urgency.kinds import Kind
from shared.models import Priority
from training.figures import figures as of_the_model
from training.samples import Sample, Split, corpus

Reader = Callable[[str, str], str]
CHANNELS = (("email", "mails", "90 %"), ("voicemail", "transcripts", "85 %"))
LANGUAGES = (("en", "English"), ("es", "Spanish"), ("mixed", "both"))
# A label of the corpus, and the kinds that answer to it.
KINDS = {
    "crisis": frozenset({Kind.CRISIS}),
    "threat": frozenset({Kind.THREAT}),
    "life_support": frozenset({Kind.LIFE_SUPPORT}),
    "disconnection": frozenset({Kind.DISCONNECTION, Kind.DISCONNECTED}),
    "vulnerable": frozenset({Kind.VULNERABLE}),
    "press": frozenset({Kind.PRESS, Kind.REGULATOR}),
    "legal": frozenset({Kind.LEGAL, Kind.REGULATOR}),
    "repeated": frozenset({Kind.REPEATED}),
}
# Whose emergencies are looked for, and what was done with them.
WHO = {
    Split.TEST: "writers whom nothing was tuned on",
    Split.TUNE: "writers whose errors the rules' author has read",
    Split.TRAIN: "writers on whom the model was trained",
}
# Whose other urgency is looked for.
WHOSE = {
    Split.TEST: "writers whom nothing was tuned on",
    Split.URGENCY: "held-out writers by the rules' author",
    Split.TUNE: "writers whose errors the rules' author has read",
}


async def measure(size: int) -> Figures:
    """`size`: messages read for the time one takes."""
    return await asyncio.to_thread(_measure, size)


def _measure(size: int) -> Figures:
    samples = [sample for sample in corpus() if sample.split is Split.TEST]
    learned = [sample for sample in corpus() if sample.split is Split.TRAIN]
    writers = sorted({sample.writer for sample in samples})
    figures = Figures(
        "Messages understood",
        f"`python -m bench triage`: {len(samples)} messages by {len(writers)} writers ({', '.join(writers)}) who wrote"
        f" nothing that the model (version {model().version}) was trained on, which was {len(learned)} messages by"
        f" {len({sample.writer for sample in learned})} others. «Acceptable»: the first topic is the label, one that"
        " the message raises too, or one that its label allows. All were written for this purpose, with the help of"
        " language models (training/corpus/README.md): a real center's mail has to be measured there.",
    )
    for channel, called, aim in CHANNELS:
        for language, name in LANGUAGES:
            part = [each for each in samples if each.channel == channel and each.language == language]
            if part:
                figures.add(f"topic acceptable, {name} {called} ({len(part)})", _both(part), aim)
    figures.add(f"priority as the label says ({len(samples)})", _priorities(samples))
    _emergencies(figures)
    _urgency(figures)
    calibration = of_the_model(model(), samples).calibration
    figures.add("expected calibration error of the model's topic, ten bins", f"{calibration:.3f}")
    times = _times(samples, size)
    figures.add(
        f"milliseconds of processor time for a message ({len(times)})",
        f"p50 {percentile(times, 50):.1f}, p95 {percentile(times, 95):.1f}",
        "under 5",
    )
    return figures


def _priorities(samples: Sequence[Sample]) -> str:
    """As a ticket gets them, and as topics and rules would give them without what people called such messages."""
    counted = []
    for rules_alone in (False, True):
        given = {each.id: _priority(each, rules_alone=rules_alone) for each in samples}
        high = [each for each in samples if each.priority is Priority.HIGH]
        lost = sum(more_urgent(Priority.HIGH, given[each.id]) for each in high)
        right = 100 * sum(given[each.id] is each.priority for each in samples) / len(samples)
        counted.append(f"{right:.1f} %, high taken for less {lost} of {len(high)}")
    return f"{counted[0]} (topics and rules alone: {counted[1]})"


def _priority(sample: Sample, *, rules_alone: bool) -> Priority:
    match = topic_of(sample.text, sample.subject)
    if rules_alone:
        match = replace(match, evidence={key: value for key, value in match.evidence.items() if key != "priorities"})
    return triage(match, sample.text, sample.subject).priority


def _emergencies(figures: Figures) -> None:
    """Found, and false alarms: by the model and the rules together as they are used, and by each alone."""
    for split, called in WHO.items():
        part = [each for each in corpus() if each.split is split]
        true = [each for each in part if each.emergency]
        others = [each for each in part if not each.emergency]
        decoys = [each for each in others if "decoy" in each.flags]
        figures.add(f"emergencies found, {called} ({len(true)})", _alarms(true), "100 %" if split is Split.TEST else "")
        figures.add(f"false alarms, {called} ({len(others)})", _alarms(others), "under 2 %")
        figures.add(f"of what only looks like one, {called} ({len(decoys)})", _alarms(decoys))


def _urgency(figures: Figures) -> None:
    """Each kind of urgency: found, and false alarms on what only looks like it and on everything else."""
    for split, called in WHOSE.items():
        part = [each for each in corpus() if each.split is split]
        rules = {each.id: find(each.text, each.subject).kinds for each in part}
        found = {each.id: _kinds(each) for each in part}
        for flag, kinds in KINDS.items():
            decoys = [each for each in part if flag in each.flags and "decoy" in each.flags]
            true = [each for each in part if flag in each.flags and "decoy" not in each.flags]
            if not true and not decoys:
                continue
            others = [each for each in part if flag not in each.flags]
            figures.add(
                f"{flag.replace('_', ' ')}, {called}",
                f"found {_of(true, found, kinds)} (rules alone {_of(true, rules, kinds)}); false alarms on decoys "
                f"{_of(decoys, found, kinds)}, on other messages {_of(others, found, kinds)} (rules alone "
                f"{_of(others, rules, kinds)})",
                "all; under 2 % of others",
            )


def _kinds(sample: Sample) -> frozenset[Kind]:
    """As a ticket gets them: what rules find and the model hears, but for what the topic rules out."""
    ticket = triage(topic_of(sample.text, sample.subject), sample.text, sample.subject)
    return frozenset(each.kind for each in ticket.findings)


def _of(samples: Sequence[Sample], found: dict[str, frozenset[Kind]], kinds: frozenset[Kind]) -> str:
    count = sum(bool(found[each.id] & kinds) for each in samples)
    return f"{count} of {len(samples)}" + (f" ({100 * count / len(samples):.1f} %)" if len(samples) > 99 else "")


def _ours(text: str, subject: str) -> str:
    return topic_of(text, subject).topic


def _phrases(text: str, subject: str) -> str:
    return match_topic(text, subject).topic


def _share(samples: Sequence[Sample], right: Callable[[Sample], bool]) -> str:
    return f"{100 * sum(map(right, samples)) / len(samples):.1f} %"


def _both(samples: Sequence[Sample]) -> str:
    ours = _share(samples, lambda each: each.accepts(_ours(each.text, each.subject)))
    phrases = _share(samples, lambda each: each.accepts(_phrases(each.text, each.subject)))
    return f"{ours} (phrase list alone: {phrases})"


def _alarms(samples: Sequence[Sample]) -> str:
    ours = _share(samples, lambda each: _ours(each.text, each.subject) == EMERGENCY)
    of_model = _share(samples, lambda each: model().understand(each.text, each.subject).emergency)
    rules = _share(samples, lambda each: bool(dangers(each.text, each.subject).dangers))
    phrases = _share(samples, lambda each: _phrases(each.text, each.subject) == EMERGENCY)
    return f"{ours} (model alone: {of_model}; rules alone: {rules}; phrase list alone: {phrases})"


def _times(samples: Sequence[Sample], size: int) -> list[float]:
    _ours(samples[0].text, "")  # what is loaded once is not part of a message
    times = []
    with threadpool_limits(1):  # as the tickets services set it (services/tickets/__main__.py)
        for number in range(size):
            sample = samples[number % len(samples)]
            started = time.process_time()
            _ours(sample.text, sample.subject)
            times.append((time.process_time() - started) * 1_000)
    return times
