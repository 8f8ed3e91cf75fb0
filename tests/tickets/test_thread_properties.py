"""Whatever a mail quotes, and in whatever order: it joins no ticket on which its sender does not take part."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.tickets.thread import Candidate, Known, evidence, place

NOW = datetime(2026, 11, 26, tzinfo=UTC)
TICKETS = list(range(1, 9))
IDS = [f"<{letter}@example.com>" for letter in "abcdef"]
tickets = st.sampled_from(TICKETS)
headers = st.lists(st.sampled_from([*IDS, "<unknown@example.com>"]), max_size=8)


@st.composite
def worlds(draw: st.DrawFn) -> Known:
    """Tickets merged, split and followed in any way, also in ways that the desk would never allow."""
    survivors = set(draw(st.lists(tickets, min_size=1)))
    merged = {
        ticket: draw(st.sampled_from(sorted(survivors)))
        for ticket in draw(st.lists(tickets, unique=True))
        if ticket not in survivors
    }
    return Known(
        of_token=draw(st.none() | tickets),
        of_ids=draw(st.dictionaries(st.sampled_from(IDS), st.lists(tickets, max_size=3))),
        existing=set(draw(st.lists(tickets))) | set(merged.values()),
        merged=merged,
        split_from=draw(st.dictionaries(tickets, tickets)),
        followed_by=draw(st.dictionaries(tickets, st.lists(tickets, max_size=3))),
    )


@given(
    known=worlds(),
    in_reply_to=headers,
    references=headers,
    number=st.none() | tickets | st.integers(min_value=10, max_value=10**12),
    participates=st.sets(tickets),
    closed=st.dictionaries(tickets, st.integers(min_value=0, max_value=400)),
)
def test_no_headers_let_a_stranger_in(
    known: Known,
    in_reply_to: list[str],
    references: list[str],
    number: int | None,
    participates: set[int],
    closed: dict[int, int],
) -> None:
    candidates = evidence(known, in_reply_to=in_reply_to, references=references, number=number)
    since = {ticket: NOW - timedelta(days=days) for ticket, days in closed.items()}
    placement = place(candidates, participates, since, at=NOW, reopen_days=30)
    assert len({each.ticket_id for each in candidates}) == len(candidates)
    if placement.ticket_id is None:
        joinable = [
            each for each in candidates if each.ticket_id in participates and closed.get(each.ticket_id, 0) <= 30
        ]
        assert not joinable
        assert (placement.linked_to is None) == (not candidates)
        return
    assert placement.ticket_id in participates
    assert placement.ticket_id in {each.ticket_id for each in candidates}
    assert closed.get(placement.ticket_id, 0) <= 30
    # And nothing is guessed: something in the mail pointed there, or to what it was merged into or followed.
    assert known.of_token is not None or in_reply_to or references or number is not None


def of(known: Known, *ids: str, number: int | None = None) -> list[tuple[int, str]]:
    found = evidence(known, in_reply_to=ids[:1], references=ids[1:], number=number)
    return [(each.ticket_id, each.by) for each in found]


def test_the_order_of_the_evidence() -> None:
    known = Known(of_token=4, of_ids={"<a>": [3], "<b>": [2], "<c>": [1]}, existing={1, 2, 3, 4, 5})
    # In-Reply-To, then References from the newest.
    assert of(known, "<a>", "<c>", "<b>", number=5) == [
        (4, "token"), (3, "in_reply_to"), (2, "references"), (1, "references"), (5, "subject"),
    ]  # fmt: skip
    assert of(Known(of_ids={}, existing={1}), number=2) == []


def test_two_mails_with_one_message_id_are_both_considered_the_own_delivery_first() -> None:
    known = Known(of_ids={"<a>": [7, 3]}, existing={3, 7})
    assert of(known, "<a>") == [(7, "in_reply_to"), (3, "in_reply_to")]
    assert place([Candidate(7, "x"), Candidate(3, "x")], {3}, {}, at=NOW, reopen_days=30).ticket_id == 3


def test_an_answer_follows_the_mail_that_was_split_off_although_its_token_is_the_old_tickets() -> None:
    known = Known(of_token=1, of_ids={"<moved>": [3], "<kept>": [1], "<other>": [9]},
                  existing={1, 2, 3, 9}, split_from={3: 2, 2: 1})  # fmt: skip
    assert of(known, "<moved>")[0] == (3, "token")
    assert of(known, "<kept>")[0] == (1, "token")
    assert of(known, "<other>")[0] == (1, "token"), "only what was split from the token's ticket goes before it"
    assert of(known)[0] == (1, "token")
    merged = Known(of_token=1, of_ids={"<moved>": [3]}, existing={1, 2, 3}, merged={1: 2}, split_from={3: 2})
    assert of(merged, "<moved>")[0] == (3, "token"), "also when the token's ticket goes on in the one that was split"


def test_everything_leads_to_where_a_ticket_goes_on() -> None:
    known = Known(of_token=1, of_ids={"<a>": [1]}, existing={1, 2}, merged={1: 2})
    assert of(known, "<a>", number=1) == [(2, "token")]


def test_what_followed_comes_last_and_only_what_is_not_long_closed_is_joined() -> None:
    known = Known(of_token=1, existing={1, 5}, followed_by={1: [5]})
    assert of(known) == [(1, "token"), (5, "token")]
    long_ago = {1: NOW - timedelta(days=90)}
    assert (
        place([Candidate(1, "token"), Candidate(5, "token")], {1, 5}, long_ago, at=NOW, reopen_days=30).ticket_id == 5
    )
    alone = place([Candidate(1, "token")], {1}, long_ago, at=NOW, reopen_days=30)
    assert (alone.ticket_id, alone.linked_to, alone.why) == (None, 1, "closed_long_ago")
