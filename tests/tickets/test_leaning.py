"""What people call such messages takes the place of a topic's default priority, where no rule finds anything urgent."""

from datetime import date

import numpy as np
import pytest

from services.tickets.priority import triage
from services.tickets.topics import EMERGENCY, TopicMatch
from services.tickets.triage.features import document
from services.tickets.triage.leaning import CALM, PRIORITIES, SURE, Leaning, leaned
from services.tickets.triage.model import model
from services.tickets.triage.understand import topic_of
from shared.models import Priority

DAY = date(2026, 11, 26)


def shares(high: float, normal: float, low: float) -> dict[str, float]:
    return {"high": high, "normal": normal, "low": low}


@pytest.mark.parametrize(
    ("default", "said", "priority"),
    [
        (Priority.HIGH, shares(CALM + 0.01, 0.8, 0.09), Priority.HIGH),  # to miss one is worse
        (Priority.HIGH, shares(0.02, 0.9, 0.08), Priority.NORMAL),
        (Priority.HIGH, shares(0.02, 0.3, 0.68), Priority.LOW),
        (Priority.NORMAL, shares(SURE - 0.01, 0.2, 0.01), Priority.NORMAL),
        (Priority.NORMAL, shares(0.9, 0.1, 0.0), Priority.HIGH),
        (Priority.LOW, shares(0.05, 0.9, 0.05), Priority.NORMAL),
        (Priority.EMERGENCY, shares(0.0, 0.0, 1.0), Priority.EMERGENCY),
        (Priority.HIGH, {}, Priority.HIGH),
    ],
)
def test_only_what_is_sure_changes_a_default(default: Priority, said: dict[str, float], priority: Priority) -> None:
    assert leaned(default, said) is priority


def test_words_and_topic_together_say_it() -> None:
    one = Leaning(np.zeros((3, 3)), np.array([[4.0, 0, 0], [0, 0, 0]]), np.zeros(3))
    assert one.shares((0.0, 0.0, 0.0), 0)["high"] > 0.9
    assert one.shares((0.0, 5.0, 0.0), 1)["normal"] > 0.9
    assert sum(one.shares((1.0, 2.0, 3.0), 1).values()) == pytest.approx(1)
    assert one.fits(3, 2)
    assert not one.fits(3, 1)


@pytest.mark.parametrize(
    "text",
    [
        "Where do I find the map of planned outages? It is for a lesson at school.",
        "¿Dónde veo el mapa de los apagones programados? Es para una plática en la escuela.",
    ],
)
def test_a_question_about_outages_can_wait(text: str) -> None:
    found = triage(TopicMatch("outage_psps", (), topic_of(text).evidence), text, "", DAY)
    assert found.priority in (Priority.NORMAL, Priority.LOW)
    assert (found.evidence["instead_of"], found.raised) == ("high", False)


@pytest.mark.parametrize(
    "text",
    ["Our power has been out since four, when will it be back?", "Se fue la luz en toda la cuadra desde las seis"],
)
def test_an_outage_cannot(text: str) -> None:
    found = triage(topic_of(text), text, "", DAY)
    assert found.priority is Priority.HIGH
    assert "instead_of" not in found.evidence


def test_what_a_rule_finds_is_never_taken_back() -> None:
    text = "I got a final notice, they will shut off my power on Monday."
    match = TopicMatch("shutoff_notice", (), {"priorities": shares(0.0, 1.0, 0.0)})
    found = triage(match, text, "", DAY)
    assert (bool(found.findings), found.priority) == (True, Priority.HIGH)
    assert triage(TopicMatch(EMERGENCY, (), match.evidence), text).priority is Priority.EMERGENCY


def test_the_more_urgent_of_two_matters_is_not_lowered_by_the_other() -> None:
    match = TopicMatch("center_events", ("outage_psps",), {"priorities": shares(0.0, 0.0, 1.0)})
    assert triage(match, "When are you open, and what about outages?").priority is Priority.HIGH


def test_what_people_would_call_urgent_raises_the_ticket_it_joins() -> None:
    found = triage(TopicMatch("other", (), {"priorities": shares(0.95, 0.05, 0.0)}), "the heron is back")
    assert (found.priority, found.raised, found.findings) == (Priority.HIGH, True, ())


def test_the_evidence_says_how_probable_each_priority_is() -> None:
    found = topic_of("When is your center open on Saturdays?").evidence["priorities"]
    assert list(found) == [each.value for each in PRIORITIES]
    assert sum(found.values()) == pytest.approx(1, abs=0.01)
    read = model().understand_document(document("When is your center open on Saturdays?"))
    assert model().priorities(read, "center_events")["low"] > model().priorities(read, "outage_psps")["low"]
