"""What the shipped model makes of messages: sure things, decoys, and that it says why."""

from dataclasses import replace
from pathlib import Path

import pytest

from services.tickets.priority import triage
from services.tickets.topics import EMERGENCY, known
from services.tickets.triage.model import load, model, save
from services.tickets.triage.understand import topic_of
from shared.models import Priority
from training.figures import figures, worse
from training.model import SHIPPED
from training.samples import Split, corpus


@pytest.mark.parametrize(
    ("text", "topic", "word"),
    [
        ("Please opt me out and return me to PG&E.", "opt_out", "opt"),
        ("No puedo pagar todo, ¿me dan un plan de pagos?", "payment_assistance", "plan de pago"),
        ("Is there a rebate for a heat pump water heater?", "rebates", "rebate"),
        ("kiero saber por ke subio tanto mi recibo", "billing_dispute", "subio"),
        ("Me van a cortar la luz mañana", "shutoff_notice", "me van a cortar"),
    ],
)
def test_a_topic_comes_with_the_words_that_say_so(text: str, topic: str, word: str) -> None:
    found = topic_of(text)
    assert found.topic == topic
    assert any(word in said for said in found.evidence["phrases"][topic])
    assert found.evidence["model"] == model().version
    assert 0 < found.evidence["confidence"] < 1


@pytest.mark.parametrize(
    ("text", "danger"),
    [
        ("gas smel by the stove n it wont go away", True),
        ("se esta saliendo el gas de la estufa no le puedo cerrar", True),
        ("there's a wire down across my driveway and it's sparking", True),
        ("a mi hermano le pegó la corriente en el medidor", True),
        ("If there was a gas leak last year, would it be in your records?", False),
        ("We want to replace our gas stove with induction", False),
        ("This bill gave me a shock", False),
        ("Ya arreglaron el cable que se cayó la semana pasada", False),
        ("", False),
    ],
)
def test_danger_is_what_happens_now(text: str, danger: bool) -> None:
    assert (topic_of(text).topic == EMERGENCY) == danger


@pytest.mark.parametrize(
    "text",
    [
        "How far should one keep from a fallen power line? I am preparing a safety lesson for my class.",
        "We are writing the emergency plan for our school. What do staff do first if they smell gas?",
        "Para el simulacro de la escuela: ¿a quién se le llama primero si alguien huele gas, al 911 o a PG&E?",
    ],
)
def test_a_question_about_safety_is_a_topic_and_no_alarm(text: str) -> None:
    found = triage(topic_of(text), text)
    assert (found.topic, found.priority) == ("safety_question", Priority.NORMAL)


def test_an_emergency_always_has_words() -> None:
    """Alarms, pages and mails show them."""
    emergencies = [sample for sample in corpus() if sample.emergency]
    assert len(emergencies) > 300
    for sample in emergencies[::7]:
        found = topic_of(sample.text, sample.subject)
        assert known(found.topic)
        if found.topic == EMERGENCY:
            assert all(found.evidence["phrases"][EMERGENCY])


def test_it_understands_writers_it_never_met() -> None:
    """A floor against regressions, not an aim reached; the figures are in bench/RESULTS.md."""
    samples = [sample for sample in corpus() if sample.split is Split.TEST]
    told = [topic_of(sample.text, sample.subject).topic for sample in samples]
    right = [sample.accepts(topic) for sample, topic in zip(samples, told, strict=True)]
    assert sum(right) > 0.82 * len(samples)
    missed = [s.id for s, topic in zip(samples, told, strict=True) if s.emergency and topic != EMERGENCY]
    false = [s.id for s, topic in zip(samples, told, strict=True) if not s.emergency and topic == EMERGENCY]
    assert len(missed) <= 4, missed
    assert len(false) < 0.03 * len(samples), false


def test_a_model_survives_its_file(tmp_path: Path) -> None:
    again = tmp_path / "triage.npz"
    save(model(), again)
    assert again.read_bytes() == SHIPPED.read_bytes()
    text = "the bill doubled and nobody was home"
    assert load(again).understand(text) == model().understand(text)


def test_a_worse_model_is_refused() -> None:
    samples = [sample for sample in corpus() if sample.split is Split.TUNE]
    good = figures(model(), samples)
    blind = figures(replace(model(), alarm=2.0), samples)
    assert worse(good, good) is None
    assert "emergencies" in str(worse(blind, good))
