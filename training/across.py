"""`python -m training across`: how the model fares on training writers that were left out of it, a part at a time.

The test writers are few, and of some kinds of urgency they hold a handful of messages. Here every training writer is
read once by a model that has not met him: topics, and the kinds of urgency by rules alone and with what the model
hears. Rules and ideas were written beside some of them, so those whom nobody had read who wrote these are counted apart
too, and of those the ones that are unread still. Takes ten minutes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.tickets.triage.features import document
from services.tickets.triage.heard import heard, joined
from services.tickets.triage.model import Model
from services.tickets.urgency.dangers import dangers
from services.tickets.urgency.find import find
from services.tickets.urgency.kinds import Kind
from training.model import train
from training.samples import Sample
from training.urgent import ALLOWED, says

PARTS = 3
STRANGERS = frozenset(
    ("abner", "adela", "agnes", "ambrosio", "ask", "azucena", "barrio", "bernardo", "bram", "briony", "celestino",
     "clement", "condado", "consuelo", "counsel", "county", "dagoberto", "deirdre", "derek", "dottie", "dusty",
     "efrain", "eulalia", "evaristo", "ezra", "familias", "felipa", "fermin", "floyd", "fritz", "glenda", "graciela",
     "gretel", "guadalupe", "hattie", "herminia", "herschel", "hilario", "hillside", "ignatz", "imani", "ines",
     "itzel", "jacinto", "josiah", "junie", "kendra", "lionel", "lisandro", "lorraine", "lowell", "lucinda", "maude",
     "maura", "mei", "merle", "messagecenter", "milpas", "nicanor", "nieves", "nolan", "octavia", "opal", "ophelia",
     "osvaldo", "petra", "pilar", "piotr", "preguntas", "primitivo", "profesora", "quincy", "quirina", "replies",
     "rosalind", "rosendo", "shanice", "shopfront", "soledad", "sunita", "switchboard", "sylvia", "tanisha", "tasha",
     "trevor", "valle", "valley", "winifred", "yesenia")
)  # fmt: skip
# What the rules missed of the others, and raised falsely, was read since, and rules were written for it.
UNREAD = frozenset(
    ("deirdre", "ezra", "floyd", "gretel", "guadalupe", "hattie", "hilario", "ignatz", "ines", "josiah", "kendra",
     "lionel", "maude", "nicanor", "nolan", "octavia", "ophelia", "primitivo", "quirina", "rosendo", "soledad")
)  # fmt: skip
_ANSWERS = {
    Kind.PRESS: frozenset({Kind.PRESS, Kind.REGULATOR}),
    Kind.DISCONNECTION: frozenset({Kind.DISCONNECTION, Kind.DISCONNECTED}),
}  # kinds that answer to a label, if not it alone


@dataclass(frozen=True, slots=True)
class Read:
    """One message as it was understood by a model that had not met its writer."""

    sample: Sample
    topic: str
    linear: str  # the topic without the second opinion
    rules: frozenset[Kind]
    both: frozenset[Kind]
    danger: bool  # gas, wires, fire: by rules alone


def across(learned: Sequence[Sample], choose: Sequence[Sample]) -> Iterator[Read]:
    """Every message of `learned`. `choose`: for temperature and thresholds, as in training."""
    writers = sorted({sample.writer for sample in learned})
    for part in range(PARTS):
        out = set(writers[part::PARTS])
        model = train([sample for sample in learned if sample.writer not in out], choose)
        yield from (read(model, sample) for sample in learned if sample.writer in out)


def read(model: Model, sample: Sample) -> Read:
    text = document(sample.text, sample.subject)
    understood, linear = model.understand_document(text), _without_reader(model).understand_document(text)
    rules = find(sample.text, sample.subject)
    both = joined(rules, heard(model, understood, sample.text, sample.subject))
    danger = bool(dangers(sample.text, sample.subject).dangers)
    return Read(sample, understood.topic, linear.topic, rules.kinds, frozenset(each.kind for each in both), danger)


def _without_reader(model: Model) -> Model:
    reader = model.reader
    return replace(model, reader=replace(reader, topics=np.zeros_like(reader.topics), bias=np.zeros_like(reader.bias)))


def told(reads: Sequence[Read]) -> Iterator[str]:
    """Figures, a line each: of all writers, of strangers, and of those whom nobody has read who wrote rules."""
    strangers = [each for each in reads if each.sample.writer in STRANGERS]
    unread = [each for each in reads if each.sample.writer in UNREAD]
    for called, these in (("all", reads), ("strangers", strangers), ("unread", unread)):
        if not these:
            continue
        yield f"{called}, {_topics(these)}"
        if mails := [each for each in these if each.sample.channel == "email"]:
            yield f"  of them {_topics(mails, 'mails')}"
        true = [each.danger for each in these if each.sample.emergency]
        others = [each.danger for each in these if not each.sample.emergency]
        yield f"  danger: of {len(true)} rules find {sum(true)}; false alarms of {len(others)}: {sum(others)}"
        yield from _of_kinds(these)


def _topics(these: Sequence[Read], called: str = "messages") -> str:
    both, linear = (
        np.mean([each.sample.accepts(topic) for each, topic in zip(these, topics, strict=True)])
        for topics in ([each.topic for each in these], [each.linear for each in these])
    )
    return f"{len(these)} {called}: topic acceptable {both:.1%} (linear model alone {linear:.1%})"


def _of_kinds(these: Sequence[Read]) -> Iterator[str]:
    for kind in (*ALLOWED, Kind.DISCONNECTION):
        answers = _ANSWERS.get(kind, frozenset({kind}))
        true = [each for each in these if says(each.sample, kind)]
        others = [each for each in these if kind.value not in each.sample.flags]
        yield (
            f"  {kind.value}: of {len(true)} rules alone find {_by_rules(true, answers)}, both "
            f"{_both(true, answers)}; false alarms of {len(others)}: {_by_rules(others, answers)}, both "
            f"{_both(others, answers)}"
        )


def _by_rules(reads: Sequence[Read], kinds: frozenset[Kind]) -> int:
    return sum(bool(each.rules & kinds) for each in reads)


def _both(reads: Sequence[Read], kinds: frozenset[Kind]) -> int:
    return sum(bool(each.both & kinds) for each in reads)
