"""Senders who look like staff, the center or the utility; and everybody who does not."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.tickets.lookalike import Likeness, Protected, Trick, distance, suspicions, trick_of

STAFF = (("Marta Lindqvist", "marta@center.example.org"), ("Mateo Rangel", "mateo@center.example.org"),
         ("Inés Marchetti", "ines@center.example.org"), ("Ana Li", "ana@center.example.org"))  # fmt: skip
PROTECTED = Protected(
    staff=STAFF,
    center_names=("Customer Center", "Centro de Clientes"),
    names=("PG&E", "Pacific Gas and Electric"),
    domains=("pge.com", "cleanpowervalley.org", "center.example.org"),
    addresses=frozenset({"help@center.example.org"}),
)
IN_CYRILLIC = "cle\u0430npowervalley.org"  # with a Cyrillic а
PUNYCODE = "xn--" + "cle\u0430npowervalley".encode("punycode").decode() + ".org"


def kinds(name: str, address: str = "somebody@example.com", reply_to: tuple[str, ...] = ()) -> set[Likeness]:
    return {each.kind for each in suspicions(name, address, reply_to, PROTECTED)}


@pytest.mark.parametrize(
    "name",
    ["Marta Lindqvist", "marta lindqvist", "Lindqvist, Marta", "Marta Lindquist", "M\u0430rta Lindqvist",
     "Mateo Rangel (Customer Center)", "Mateo Rangel - Centro de Clientes", "Ines Marchetti"],
)  # fmt: skip
def test_a_colleagues_name_with_another_address(name: str) -> None:
    assert kinds(name) == {Likeness.STAFF_NAME}


@pytest.mark.parametrize(
    "name",
    ["Marta", "Marta Lindberg", "Mateo Rangel Soto", "Ana Lu", "Ana Ruiz", "Rangel", "", "Dana Whitlock", "陈美兰",
     "Walmart Customer Center", "Círculo de Mujeres del Valle"],
)  # fmt: skip
def test_everybody_else(name: str) -> None:
    assert kinds(name) == set()


def test_colleagues_themselves_and_our_own_mailbox() -> None:
    assert kinds("Marta Lindqvist", "marta@center.example.org") == set()
    assert kinds("Customer Center", "help@center.example.org") == set()
    assert kinds("PG&E", "billing@mail.pge.com") == set()


WORDS = st.text(st.characters(codec="utf-8", categories=["Lu", "Ll"]), min_size=2, max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(STAFF), WORDS, st.lists(WORDS, max_size=2))
def test_who_merely_shares_a_first_name_is_not_flagged(
    colleague: tuple[str, str], surname: str, more: list[str]
) -> None:
    first, last = colleague[0].split()
    assume(all(distance(each.casefold(), last.casefold(), 3) > 3 for each in (surname, *more)))
    assert Likeness.STAFF_NAME not in kinds(" ".join([first, surname, *more]))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300), st.lists(st.text(max_size=80), max_size=3))
def test_nothing_raises(name: str, address: str, reply_to: list[str]) -> None:
    suspicions(name, address, reply_to, PROTECTED)


@pytest.mark.parametrize("name", ["PG&E", "PGE Billing", "Pacific Gas and Electric", "Paciflc Gas and Electric"])
def test_the_utilitys_name_from_elsewhere(name: str) -> None:
    assert kinds(name) == {Likeness.PROTECTED_NAME}


def test_the_centers_name_and_an_address_in_the_name() -> None:
    assert kinds("Customer Center") == {Likeness.CENTER_NAME}
    assert kinds("Atención a clientes, Centro de Clientes") == {Likeness.CENTER_NAME}
    assert kinds("help@center.example.org") == {Likeness.ADDRESS_IN_NAME}


@pytest.mark.parametrize(
    ("domain", "trick"),
    [
        ("pge.net", Trick.ENDING),
        ("mail.pge.net", Trick.ENDING),
        ("cleanpowervalley.com", Trick.ENDING),
        ("pge-billing.com", Trick.ADDED_WORDS),
        ("mypge.com", Trick.ADDED_WORDS),
        ("cleanpowervalley-pagos.org", Trick.ADDED_WORDS),
        ("pge.com.example.net", Trick.INSIDE),
        ("cleanpovvervalley.org", Trick.LETTERS),
        (IN_CYRILLIC, Trick.LETTERS),
        (PUNYCODE, Trick.LETTERS),
        ("cleanpowervaley.org", Trick.SPELLING),
        ("clenapowervalley.org", Trick.SPELLING),
    ],
)
def test_domains_that_look_like_one_of_ours(domain: str, trick: Trick) -> None:
    [found] = suspicions("Dana", f"dana@{domain}", (), PROTECTED)
    assert (found.kind, found.trick) == (Likeness.DOMAIN, trick)
    assert found.like in PROTECTED.domains


@pytest.mark.parametrize(
    "domain",
    ["pge.com", "mail.pge.com", "example.com", "example.org", "gmail.com", "page.com", "college.edu", "pgn.com",
     "valley.org", "xn--80ak6aa92e.com", "xn--", "", "localhost"],
)  # fmt: skip
def test_domains_that_do_not(domain: str) -> None:
    assert [each for each in PROTECTED.domains if trick_of(domain, each)] == []


def test_who_has_a_mailbox_with_a_public_provider_protects_no_provider() -> None:
    ours = Protected(domains=("gmail.com",), addresses=frozenset({"center@gmail.com"}))
    assert suspicions("Dana", "dana@ymail.com", (), ours) == []
    assert suspicions("Dana", "dana@gmaik.com", (), ours) == []


def test_answers_asked_for_on_another_domain() -> None:
    assert kinds("Dana", "dana@example.com", ("dana@mail.example.com",)) == set()
    assert kinds("Dana", "dana@example.com", ("dana@example.net",)) == {Likeness.REPLY_TO}
