"""What the model hears of urgency beside the rules: joined with theirs, quoted, and what they took back stays back."""

import pytest

from services.tickets.priority import triage
from services.tickets.triage.heard import FIRM, RULE, heard, joined
from services.tickets.triage.model import Understanding, model
from services.tickets.triage.understand import topic_of
from services.tickets.urgency.find import Signs, find
from services.tickets.urgency.kinds import Kind, Reason
from shared.models import Priority


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (
            "Please do not trouble about the bill any more. I have put my affairs in order and found a home for the "
            "dog, and I have decided that tonight is the last one.",
            Kind.CRISIS,
        ),
        ("ya le encargué mis hijos a mi hermana y dejé la carta en la mesa, hoy mismo descanso de todo", Kind.CRISIS),
    ],
)
def test_what_no_rule_foresaw_is_heard(text: str, kind: Kind) -> None:
    assert kind not in find(text).kinds
    read = triage(topic_of(text), text)
    assert read.has(kind)
    assert read.priority is Priority.EMERGENCY


def test_the_sentence_that_says_it_is_quoted() -> None:
    text = "My bill is 140 dollars. I do not want to see another morning, goodbye to all. The meter is by the gate."
    understood = Understanding("other", 1.0, 0.0, emergency=False, reasons=(), urgent={"crisis": 0.9})
    [said] = heard(model(), understood, text)
    assert said["words"] == "I do not want to see another morning, goodbye to all."
    assert text[said["start"] : said["end"]] == said["words"]
    assert (said["kind"], said["probability"], said["part"]) == ("crisis", 0.9, "text")


def test_a_long_transcript_is_quoted_in_part_and_a_mail_of_a_subject_from_it() -> None:
    understood = Understanding("other", 1.0, 0.0, emergency=False, reasons=(), urgent={"crisis": 0.9})
    [said] = heard(model(), understood, "so " * 200 + "i want to end my life " + "so " * 200)
    assert "end my life" in said["words"]
    assert len(said["words"]) < 130
    [said] = heard(model(), understood, "", "goodbye to everybody")
    assert (said["part"], said["words"]) == ("subject", "goodbye to everybody")


@pytest.mark.parametrize(
    "text",
    [
        "Hello. My name is Linda Lopez. My bill is too high. I would like to speak with a supervisor. Please call me "
        "tomorrow morning.",
        "My name is Tom Baker. I would like to speak with somebody. Please call me tomorrow morning.",
        "Buenos días, soy Rosa Medina. Quisiera hablar con alguien. Llámeme mañana por favor.",
    ],
)
def test_who_politely_asks_to_speak_with_somebody_is_not_the_press(text: str) -> None:
    assert not triage(topic_of(text), text).has(Kind.PRESS)


def test_rules_have_the_first_word() -> None:
    said = {"kind": "crisis", "probability": 0.9, "part": "text", "start": 0, "end": 4, "words": "words"}
    text = "ya no quiero vivir"
    assert joined(find(text), [said]) == find(text).findings
    [finding] = joined(Signs(), [said])
    assert (finding.kind, finding.rule, finding.quotes[0].words) == (Kind.CRISIS, RULE, "words")
    taken_back = Signs(taken_back={Kind.CRISIS: Reason.PAST})
    assert joined(taken_back, [said]) == ()
    assert joined(taken_back, [{**said, "probability": FIRM}])
