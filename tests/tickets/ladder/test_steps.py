"""Which steps are due: the decision alone, over random centers and one case each."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tickets.ladder.steps import Shares, Step, due, is_there, missing, next_step, path, suited
from services.tickets.routing.rules import Situation
from services.tickets.routing.terms import Certificate, PersonState, Policy, TicketState
from services.tickets.shift_plan import Duty
from shared.models import Channel, Intent, Level, Missing, Priority, Role, Rung

SPANISH = frozenset({Certificate("es", "written"), Certificate("es", "spoken")})
CSR = PersonState(1, Role.CSR1)
BILINGUAL = PersonState(2, Role.CSR1, certificates=SPANISH)
SENIOR = PersonState(3, Role.CSR2)
HERE = Situation(Policy(), reviewer_live=True)
LANGUAGES = ("en", "es", "mixed", "unknown", "zh", "tl", "vi")


def ticket(language: str = "es", level: Level = Level.CSR1, priority: Priority = Priority.NORMAL) -> TicketState:
    return TicketState(1, Channel.EMAIL, language, level, priority)


def climbed(wanted: TicketState, *people: PersonState, policy: Policy | None = None) -> tuple[str | None, list[str]]:
    situation = Situation(policy or Policy(), reviewer_live=True)
    lacks, steps = path(wanted, people, situation, Shares())
    return lacks and lacks.value, [f"{step.rung.value} {step.share:g}" for step in steps]


SPANISH_LADDER = ["alert 0.5", "tell_customer 0.5", "supervisor 0.75", "interpreter 0.75"]


def test_spanish_without_a_bilingual_climbs_and_with_one_does_not() -> None:
    assert climbed(ticket(), CSR, SENIOR) == ("language", SPANISH_LADDER)
    assert climbed(ticket(), CSR, BILINGUAL) == (None, [])
    assert climbed(ticket()) == ("language", SPANISH_LADDER)


@pytest.mark.parametrize(
    "away",
    [
        {"intent": Intent.BREAK}, {"intent": Intent.OFFLINE}, {"live": False}, {"unresponsive": True},
        {"duty": Duty.OFF}, {"role": Role.MANAGER}, {"active": False},
        {"certificates": frozenset({Certificate("es", "spoken")})},
    ],
)  # fmt: skip
def test_a_bilingual_who_is_not_there_is_none(away: dict[str, Any]) -> None:
    assert climbed(ticket(), CSR, replace(BILINGUAL, **away))[0] == "language"


def test_one_who_is_busy_or_full_is_there() -> None:
    assert climbed(ticket(), replace(BILINGUAL, intent=Intent.BUSY))[0] is None
    assert climbed(ticket(), replace(BILINGUAL, load=3, capacity=1))[0] is None


def test_what_may_be_english_is_first_to_be_confirmed() -> None:
    for language in ("unknown", "mixed"):
        assert climbed(ticket(language), CSR) == ("language", ["confirm_language 0.25", *SPANISH_LADDER])


def test_a_high_level_goes_to_supervisors_and_a_bilingual_of_a_lower_one_keeps_spanish_from_its_ladder() -> None:
    senior_work = ["alert 0.75", "supervisor 0.75"]
    assert climbed(ticket("en", Level.CSR2), CSR) == ("level", senior_work)
    assert climbed(ticket("en", Level.CSR2), CSR, SENIOR) == (None, [])
    assert climbed(ticket("es", Level.CSR2), BILINGUAL) == ("level", senior_work)
    assert climbed(ticket("es", Level.CSR2), BILINGUAL, SENIOR) == ("both", SPANISH_LADDER)
    assert climbed(ticket("en"), replace(CSR, live=False)) == (None, [])


def test_other_languages_have_the_interpreter_at_once() -> None:
    speaks = replace(CSR, certificates=frozenset({Certificate("zh", "written")}))
    assert climbed(ticket("zh"), CSR) == ("language", ["interpreter 0"])
    assert climbed(ticket("zh"), speaks) == (None, [])
    assert climbed(ticket("zh", Level.CSR2), CSR) == ("level", ["interpreter 0", "alert 0.75", "supervisor 0.75"])
    # Where a bilingual is asked for: their ladder, without a text that speaks of Spanish.
    assert climbed(ticket("zh"), CSR, policy=Policy(other_languages="bilingual")) == (
        "language",
        ["alert 0.5", "supervisor 0.75", "interpreter 0.75"],
    )


def test_an_emergency_takes_all_its_steps_at_once() -> None:
    assert climbed(ticket(priority=Priority.EMERGENCY), CSR)[1] == ["alert 0", "supervisor 0", "interpreter 0"]


def test_what_is_due_and_what_comes_next() -> None:
    _, steps = path(ticket("unknown"), [CSR], HERE, Shares())
    assert [step.rung for step in due(steps, {Rung.CONFIRM_LANGUAGE}, 0.6)] == [Rung.ALERT, Rung.TELL_CUSTOMER]
    assert next_step(steps, set(), 0.6) == Step(Rung.SUPERVISOR, 0.75)
    assert due(steps, set(), None) == []
    assert next_step(steps, set(Rung), 0.1) is None


person = st.builds(
    PersonState,
    id=st.integers(1, 99),
    role=st.sampled_from(list(Role)),
    active=st.booleans(),
    intent=st.sampled_from(list(Intent)),
    live=st.booleans(),
    unresponsive=st.booleans(),
    certificates=st.sets(st.sampled_from(sorted(SPANISH, key=repr))).map(frozenset),
    duty=st.sampled_from(list(Duty)),
)


@given(
    st.lists(person, max_size=6),
    st.builds(ticket, st.sampled_from(LANGUAGES), st.sampled_from(list(Level)), st.sampled_from(list(Priority))),
    st.booleans(),
    st.floats(0, 2),
)
def test_a_ladder_stands_exactly_where_nobody_there_is_suited(
    people: list[PersonState], wanted: TicketState, reviewer: bool, used: float
) -> None:
    situation = Situation(Policy(), reviewer_live=reviewer)
    somebody = any(is_there(wanted, each, situation) and suited(wanted, each, situation) for each in people)
    lacks, steps = path(wanted, people, situation, Shares())
    if somebody:
        assert lacks is None or [step.rung for step in steps] == [Rung.INTERPRETER]
    elif wanted.language in ("es", "mixed", "unknown"):
        assert lacks is not None
        assert [step.rung for step in steps if step.rung is not Rung.CONFIRM_LANGUAGE]
    assert missing(wanted, people, situation) in (None, *Missing)
    later = {step.rung for step in due(steps, set(), used + 0.1)}
    assert {step.rung for step in due(steps, set(), used)} <= later  # time takes no step back
