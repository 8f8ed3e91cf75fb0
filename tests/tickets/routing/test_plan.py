"""The pure plan: hard rules hold in every state, urgency and fairness order what they should, and it explains."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.tickets.routing.plan import Proposal, plan
from services.tickets.routing.rules import OFFER_RULES, Scope, Situation, refused_by
from services.tickets.routing.terms import Certificate, PersonState, Policy, Snapshot, TicketState
from shared.models import Channel, Intent, Level, Priority, Role

POLICY = Policy()
WRITTEN, SPOKEN = Certificate("es", "written"), Certificate("es", "spoken")
BOTH = frozenset({WRITTEN, SPOKEN})


def person(id_: int, role: Role = Role.CSR1, **values: Any) -> PersonState:
    return PersonState(id=id_, role=role, **values)


def ticket(id_: int, language: str = "en", **values: Any) -> TicketState:
    facts: dict[str, Any] = {"channel": Channel.EMAIL, "level": Level.CSR1, "priority": Priority.NORMAL, **values}
    return TicketState(id=id_, language=language, **facts)


def pairs(people: list[PersonState], tickets: list[TicketState], **values: Any) -> list[tuple[int, int]]:
    return [(each.ticket_id, each.person_id) for each in proposals(people, tickets, **values)]


def proposals(
    people: list[PersonState], tickets: list[TicketState], policy: Policy = POLICY, reviewer_live: bool = True
) -> list[Proposal]:
    return plan(Snapshot(tuple(people), tuple(tickets), reviewer_live), policy)


people_strategy = st.lists(
    st.builds(
        PersonState,
        id=st.integers(1, 40),
        role=st.sampled_from(list(Role)),
        active=st.booleans(),
        intent=st.sampled_from([Intent.AVAILABLE, Intent.AVAILABLE, Intent.BUSY, Intent.BREAK, Intent.OFFLINE]),
        live=st.sampled_from([True, True, False]),
        unresponsive=st.sampled_from([False, False, True]),
        capacity=st.integers(0, 4),
        load=st.integers(0, 4),
        certificates=st.frozensets(
            st.sampled_from([WRITTEN, SPOKEN, Certificate("vi", "written"), Certificate("zh", "spoken")])
        ),
        idle_minutes=st.floats(0, 500),
    ),
    max_size=12,
    unique_by=lambda each: each.id,
)
tickets_strategy = st.lists(
    st.builds(
        TicketState,
        id=st.integers(1, 500),
        channel=st.sampled_from(list(Channel)),
        language=st.sampled_from(["en", "es", "mixed", "unknown", "vi"]),
        level=st.sampled_from(list(Level)),
        priority=st.sampled_from(list(Priority)),
        weight=st.integers(1, 3),
        waited=st.floats(0, 5000),
        target=st.floats(0, 500),
        previous_id=st.one_of(st.none(), st.integers(1, 40)),
        since_previous=st.floats(0, 500),
        barred=st.frozensets(st.integers(1, 40), max_size=3),
    ),
    max_size=30,
    unique_by=lambda each: each.id,
)


@given(people_strategy, tickets_strategy, st.booleans(), st.sampled_from(["any", "bilingual"]))
@settings(max_examples=200, deadline=None)
def test_hard_rules_hold_in_every_state(
    people: list[PersonState], tickets: list[TicketState], reviewer_live: bool, other: Any
) -> None:
    policy = Policy(other_languages=other)
    made = proposals(people, tickets, policy, reviewer_live)
    by_id, waiting = {each.id: each for each in people}, {each.id: each for each in tickets}
    load = {each.id: each.load for each in people}
    for proposal in made:
        who, what = by_id[proposal.person_id], waiting.pop(proposal.ticket_id)  # each ticket once
        load[who.id] += what.weight
        assert load[who.id] <= who.capacity or what.priority is Priority.EMERGENCY
        spoken = "written" if what.channel is Channel.EMAIL else "spoken"
        if what.language in ("es", "mixed", "unknown"):
            assert Certificate("es", spoken) in who.certificates
        elif what.language == "vi" and other == "bilingual":
            assert who.certificates
        if what.level is Level.CSR2:
            assert who.role in (Role.CSR2, Role.SUPERVISOR)
        if who.role is Role.INTERN:
            assert what.level is Level.INTERN
            assert what.priority in (Priority.NORMAL, Priority.LOW)
            assert reviewer_live
        assert who.role in (Role.INTERN, Role.CSR1, Role.CSR2, Role.SUPERVISOR)
        assert who.active
        assert who.live
        assert who.intent is Intent.AVAILABLE
        assert not who.unresponsive
        assert who.id not in what.barred


@given(people_strategy, tickets_strategy, st.booleans(), st.sampled_from(list(Scope)))
@settings(max_examples=40, deadline=None)
def test_a_rule_looks_at_no_more_of_a_ticket_than_it_says(
    people: list[PersonState], tickets: list[TicketState], reviewer_live: bool, scope: Scope
) -> None:
    """A pass asks such a rule once for all tickets that are alike to it."""
    situation = Situation(POLICY, reviewer_live, {each.id: each for each in people})
    for rule in OFFER_RULES:
        if rule.scope is scope:
            for who in people:
                verdicts: dict[object, bool] = {}
                for what in tickets:
                    alike = {Scope.PERSON: None, Scope.KIND: what.kind, Scope.TICKET: what.id}[scope]
                    assert verdicts.setdefault(alike, rule.allows(what, who, situation)) == rule.allows(
                        what, who, situation
                    )


def test_what_is_hard_is_declared_hard() -> None:
    assert {rule.name for rule in OFFER_RULES if rule.hard} == {
        "role", "available", "live", "responsive", "on_shift", "language", "level", "intern", "capacity", "shift_end",
    }  # fmt: skip
    assert [rule.scope for rule in OFFER_RULES] == sorted(rule.scope for rule in OFFER_RULES)


@given(people_strategy, tickets_strategy, st.booleans(), st.floats(0, 10), st.floats(0, 10))
@settings(max_examples=50, deadline=None)
def test_hard_rules_yield_to_no_time_and_no_setting(
    people: list[PersonState], tickets: list[TicketState], reviewer_live: bool, weight: float, share: float
) -> None:
    """However long a ticket waits and whatever the numbers of the policy are, in no state of its past."""
    policy = replace(POLICY, language_weight={"es": weight, "mixed": weight}, sticky_share=share, reserve_share=share)
    situation = Situation(policy, reviewer_live, {each.id: each for each in people})
    hard = tuple(rule for rule in OFFER_RULES if rule.hard and rule.name != "capacity")
    by_id, waiting = {each.id: each for each in people}, {each.id: each for each in tickets}
    for late in (0.0, 1e6):
        older = [
            replace(each, waited=each.waited + late, since_previous=each.since_previous + late) for each in tickets
        ]
        for made in proposals(people, older, policy, reviewer_live):
            assert refused_by(hard, waiting[made.ticket_id], by_id[made.person_id], situation) is None
            if waiting[made.ticket_id].language in ("es", "mixed", "unknown"):
                spoken = "written" if waiting[made.ticket_id].channel is Channel.EMAIL else "spoken"
                assert Certificate("es", spoken) in by_id[made.person_id].certificates


@given(people_strategy, tickets_strategy, st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_plan_does_not_depend_on_the_order_of_rows(
    people: list[PersonState], tickets: list[TicketState], random: Any
) -> None:
    first = proposals(people, tickets)
    random.shuffle(people)
    random.shuffle(tickets)
    assert proposals(people, tickets) == first


@given(people_strategy, tickets_strategy)
@settings(max_examples=100, deadline=None)
def test_nobody_idle_is_left_beside_a_ticket_they_could_have(
    people: list[PersonState], tickets: list[TicketState]
) -> None:
    """Work-conserving, but for the last free bilingual and a returning ticket's first minutes."""
    easy = [replace(each, previous_id=None, weight=1) for each in tickets]
    made = proposals(people, easy)
    given_away = {each.ticket_id for each in made}
    load = {each.id: each.load + sum(1 for made_ in made if made_.person_id == each.id) for each in people}
    for each in people:
        if load[each.id] >= each.capacity or each.bilingual(POLICY):
            continue
        left = [other for other in easy if other.id not in given_away]
        alone = proposals([replace(each, load=load[each.id])], left)
        assert alone == []


@given(people_strategy, tickets_strategy)
@settings(max_examples=100, deadline=None)
def test_no_emergency_waits_for_anybodys_work(people: list[PersonState], tickets: list[TicketState]) -> None:
    """Whether people have room or not, the same emergencies are offered, and to who has room if anybody may."""
    roomy = [replace(each, capacity=1000) for each in people]
    emergencies = {each.id: each for each in tickets if each.priority is Priority.EMERGENCY}
    wanted = {id_ for id_, _ in pairs(roomy, tickets)} & set(emergencies)
    by_id = {each.id: each for each in people}
    load = {each.id: each.load for each in people}
    made = [each for each in proposals(people, tickets) if each.ticket_id in emergencies]
    assert {each.ticket_id for each in made} == wanted
    for each in made:
        weight = emergencies[each.ticket_id].weight
        over = load[each.person_id] + weight > by_id[each.person_id].capacity
        assert ("over_capacity" in each.explanation["flags"]) == over
        if over:
            others = [one["person_id"] for one in each.explanation["candidates"]]
            assert all(load[id_] + weight > by_id[id_].capacity for id_ in others)
        load[each.person_id] += weight


@given(people_strategy, tickets_strategy, st.booleans())
@settings(max_examples=150, deadline=None)
def test_nothing_passes_an_urgent_ticket_by(
    people: list[PersonState], tickets: list[TicketState], reviewer_live: bool
) -> None:
    """Whatever the backlog: nobody is offered other work while they may take an urgent ticket that nobody has.

    And none that is neither urgent nor overdue while they may take an overdue one: no wait is without end.
    """
    made = proposals(people, tickets, reviewer_live=reviewer_live)
    given_away, now = {each.ticket_id for each in made}, {each.id: each for each in people}
    waiting = {each.id: each for each in tickets}
    situation = Situation(POLICY, reviewer_live, now)
    left = [each for each in tickets if each.urgent and each.id not in given_away]
    overdue = [each for each in tickets if each.overdue(POLICY) and each.id not in given_away]
    for each in made:
        who, what = now[each.person_id], waiting[each.ticket_id]
        passed_by = [] if what.urgent else left if what.overdue(POLICY) else [*left, *overdue]
        assert all(refused_by(OFFER_RULES, other, who, situation) is not None for other in passed_by)
        now[who.id] = replace(who, load=who.load + what.weight)


def test_urgent_comes_before_what_is_long_late() -> None:
    late = [ticket(number, "es", waited=100000) for number in range(1, 9)]
    urgent = ticket(9, priority=Priority.HIGH)
    assert pairs([person(1, certificates=BOTH)], [*late, urgent]) == [(9, 1)]
    older = ticket(8, priority=Priority.HIGH, waited=20, target=30)
    assert pairs([person(1)], [urgent, older]) == [(8, 1)]
    (made,) = proposals([person(1)], [urgent])
    assert made.explanation["urgent"] is True


def test_late_lets_pass_what_can_still_be_in_time_until_it_is_overdue() -> None:
    one, in_time = [person(1)], ticket(1, waited=150)
    assert pairs(one, [in_time, ticket(2, waited=239)]) == [(1, 1)]  # no answer takes less than what is left of it
    assert pairs(one, [in_time, ticket(2, waited=233)]) == [(2, 1)]
    assert pairs(one, [in_time, ticket(2, waited=290)]) == [(1, 1)]
    assert pairs(one, [ticket(1, waited=100), ticket(2, waited=290)]) == [(2, 1)]  # half of a long wait still counts
    assert pairs(one, [in_time, ticket(2, waited=479)]) == [(2, 1)]
    soon = ticket(1, "es", waited=200)
    assert pairs([person(1, certificates=BOTH)], [soon, ticket(2, waited=479)]) == [(1, 1)]
    (made,) = proposals([person(1, certificates=BOTH)], [soon, ticket(2, waited=480)])
    assert (made.ticket_id, made.explanation["overdue"]) == (2, True)
    assert pairs(one, [ticket(2, waited=5000), ticket(3, waited=31, target=30, priority=Priority.HIGH)]) == [(3, 1)]
    oldest_first = replace(POLICY, late_weight=1.0)
    assert [each.ticket_id for each in proposals(one, [in_time, ticket(2, waited=290)], oldest_first)] == [2]


def test_among_what_is_urgent_the_later_comes_first() -> None:
    hurried = [ticket(number, priority=Priority.HIGH, waited=20.0 + number, target=30) for number in (5, 15, 45)]
    assert pairs([person(1)], hurried) == [(45, 1)]


def test_who_may_close_what_few_may_does_that_first() -> None:
    few = [person(1, Role.CSR2)]
    assert pairs(few, [ticket(1, waited=120), ticket(2, waited=100, level=Level.CSR2)]) == [(2, 1)]
    assert pairs(few, [ticket(1, waited=130), ticket(2, waited=100, level=Level.CSR2)]) == [(1, 1)]


def test_an_emergency_goes_to_a_full_bilingual_rather_than_to_nobody() -> None:
    full = person(1, certificates=BOTH, load=1)
    leak = ticket(1, "es", priority=Priority.EMERGENCY)
    (made,) = proposals([full, person(2)], [leak, ticket(2, "es")])  # the other Spanish ticket waits
    assert (made.ticket_id, made.person_id) == (1, 1)
    assert made.explanation["flags"] == ["over_capacity"]
    assert made.explanation["rejected"] == {"language": [2]}
    assert pairs([replace(full, live=False), person(2)], [leak]) == []
    assert pairs([full, person(3, certificates=BOTH)], [leak]) == [(1, 3)]
    assert pairs([replace(full, capacity=0, load=0)], [leak]) == [(1, 1)]


def test_emergencies_come_first_and_spanish_ones_only_to_bilinguals() -> None:
    people = [person(1), person(2, certificates=BOTH)]
    tickets = [
        ticket(1, waited=100000),
        ticket(2, "es", priority=Priority.EMERGENCY),
        ticket(3, priority=Priority.EMERGENCY),
    ]
    assert sorted(pairs(people, tickets)) == [(2, 2), (3, 1)]


def test_urgent_beats_long_waiting_and_spanish_waits_less() -> None:
    assert pairs([person(1)], [ticket(1, waited=200), ticket(2, priority=Priority.HIGH)]) == [(2, 1)]
    bilingual = [person(1, certificates=BOTH)]
    assert pairs(bilingual, [ticket(1, waited=190), ticket(2, "es", waited=100)]) == [(2, 1)]
    assert pairs(bilingual, [ticket(1, waited=210), ticket(2, "es", waited=100)]) == [(1, 1)]


def test_a_certificate_counts_only_for_its_own_mode() -> None:
    writes = person(1, certificates=frozenset({WRITTEN}))
    assert pairs([writes], [ticket(1, "es")]) == [(1, 1)]
    assert pairs([writes], [ticket(1, "es", channel=Channel.VOICEMAIL)]) == []


def test_the_longest_idle_is_asked_among_equals() -> None:
    people = [person(1, idle_minutes=5), person(2, idle_minutes=50), person(3, idle_minutes=20)]
    assert pairs(people, [ticket(1)]) == [(1, 2)]


def test_those_who_can_do_least_else_are_asked_first() -> None:
    people = [person(1, Role.CSR2, idle_minutes=60), person(2, Role.CSR1), person(3, Role.INTERN)]
    assert pairs(people, [ticket(1, level=Level.INTERN)]) == [(1, 3)]
    assert pairs(people, [ticket(1)]) == [(1, 2)]
    assert pairs(people, [ticket(1, level=Level.CSR2)]) == [(1, 1)]


def test_supervisors_are_asked_last() -> None:
    assert pairs([person(1, Role.SUPERVISOR, idle_minutes=60), person(2, Role.CSR2)], [ticket(1)]) == [(1, 2)]
    assert pairs([person(1, Role.SUPERVISOR)], [ticket(1)]) == [(1, 1)]
    assert pairs([person(1, Role.MANAGER), person(2, Role.ADMINISTRATOR)], [ticket(1)]) == []


def test_an_easy_english_ticket_spares_the_last_free_bilingual_for_a_while() -> None:
    one = [person(1, certificates=BOTH)]
    assert pairs(one, [ticket(1, waited=59)]) == []
    assert pairs(one, [ticket(1, waited=60)]) == [(1, 1)]
    assert pairs(one, [ticket(1, waited=0, priority=Priority.HIGH)]) == [(1, 1)]
    two = [*one, person(2, Role.CSR2, certificates=BOTH)]
    assert pairs(two, [ticket(1, waited=0), ticket(2, waited=0)]) == [(1, 1)]
    assert pairs([person(1, Role.CSR2, certificates=BOTH)], [ticket(1, level=Level.CSR2)]) == [(1, 1)]


def test_everybody_gets_one_before_anybody_gets_two() -> None:
    people = [person(1, capacity=3), person(2, capacity=3)]
    assert sorted(who for _, who in pairs(people, [ticket(1), ticket(2)])) == [1, 2]
    assert len(pairs(people, [ticket(number) for number in range(1, 9)])) == 6


def test_who_knows_the_ticket_comes_first_for_a_while() -> None:
    people = [person(1, idle_minutes=50), person(2, capacity=1, load=1)]
    back = ticket(1, previous_id=2, since_previous=10)
    assert pairs(people, [back]) == []  # held for 2, who is at work
    assert pairs(people, [replace(back, since_previous=30)]) == [(1, 1)]
    assert pairs([people[0], replace(people[1], live=False)], [back]) == [(1, 1)]
    assert pairs([people[0], replace(people[1], load=0)], [replace(back, since_previous=40)]) == [(1, 2)]
    assert pairs(people, [replace(back, priority=Priority.HIGH)]) == [(1, 1)]
    outgrown = replace(back, level=Level.CSR2)
    assert pairs([person(1, Role.CSR2), people[1]], [outgrown]) == [(1, 1)]
    assert pairs(people, [replace(back, barred=frozenset({2}))]) == [(1, 1)]


def test_a_declined_ticket_does_not_hide_the_next_one() -> None:
    declined = [ticket(number, waited=500, barred=frozenset({1})) for number in range(1, 6)]
    assert pairs([person(1)], [*declined, ticket(9)]) == [(9, 1)]


def test_other_languages_go_to_anybody_with_an_interpreter_or_to_who_speaks_them() -> None:
    (made,) = proposals([person(1)], [ticket(1, "vi")])
    assert made.explanation["flags"] == ["interpreter"]
    speaks = person(2, certificates=frozenset({Certificate("vi", "written")}))
    (made,) = proposals([person(1, idle_minutes=60), speaks], [ticket(1, "vi")])
    assert made.person_id == 2
    assert made.explanation["flags"] == []
    assert proposals([person(1)], [ticket(1, "vi")], replace(POLICY, other_languages="bilingual")) == []


def test_it_says_why_this_person_and_why_not_the_others() -> None:
    people = [
        person(1, certificates=BOTH, idle_minutes=7),
        person(2, certificates=BOTH, idle_minutes=3),
        person(3),
        person(4, certificates=BOTH, live=False),
        person(5, certificates=BOTH, load=1),
        person(6, Role.INTERN, certificates=BOTH),
    ]
    (made,) = proposals(people, [ticket(1, "es", waited=120)])
    assert made.explanation["urgency"] == 1.0
    assert [each["person_id"] for each in made.explanation["candidates"]] == [1, 2]
    assert made.explanation["rejected"] == {"language": [3], "live": [4], "capacity": [5], "level": [6]}
    assert made.explanation["required_language"] == "es"
    assert made.explanation["idle_minutes"] == 7


def test_a_large_backlog_is_planned_quickly() -> None:
    from time import perf_counter

    people = [person(number, certificates=BOTH if number % 4 == 0 else frozenset()) for number in range(1, 41)]
    tickets = [
        ticket(number, "es" if number % 5 == 0 else "en", waited=float(number % 997)) for number in range(1, 3001)
    ]
    started = perf_counter()
    assert len(pairs(people, tickets)) == 40
    assert perf_counter() - started < 30
