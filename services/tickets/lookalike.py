"""Senders who look like our staff, the center or the utility and are not: what is alike, and to whom. Pure.

A warning for people, never a reason to close or hold anything: a customer may well have a representative's name.
Characters that look alike come from Unicode (UTS 39, through confusable-homoglyphs), which domains belong together from
the public suffix list.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from confusable_homoglyphs import confusables

from shared.domains import organisational, without_suffix

MAX_CHARACTERS = 250  # of a name or domain that are looked at
LONG_WORD = 6  # in a shorter word one letter makes another name
SURE_DISTANCE = 9  # a name this long may differ in two letters
# Anybody may have an address here: to be alike or to be ours says nothing.
PUBLIC_PROVIDERS = frozenset(
    ("gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "rocketmail.com", "outlook.com", "hotmail.com",
     "live.com", "msn.com", "icloud.com", "me.com", "mac.com", "aol.com", "proton.me", "protonmail.com", "gmx.com",
     "gmx.net", "mail.com", "comcast.net", "att.net", "sbcglobal.net", "yahoo.es", "hotmail.es", "outlook.es",
     "yahoo.com.mx")
)  # fmt: skip
# Words around a name that make it an office's, and around a domain that make it look like one more of its owner's.
_OFFICE = frozenset(
    ("customer", "customers", "service", "services", "center", "centre", "care", "support", "help", "desk", "team",
     "dept", "department", "office", "representative", "supervisor", "manager", "billing", "csr", "from", "at", "of",
     "the", "clean", "power", "centro", "de", "del", "la", "al", "clientes", "cliente", "atencion", "servicio",
     "servicios", "soporte", "ayuda", "equipo", "oficina", "departamento", "representante", "supervisora", "gerente",
     "facturacion", "a", "y", "and")
)  # fmt: skip
_ADDED = frozenset(
    ("bill", "bills", "billing", "pay", "payment", "payments", "account", "accounts", "support", "help", "secure",
     "security", "service", "services", "login", "signin", "online", "my", "the", "refund", "rebate", "alert",
     "verify", "customer", "customers", "care", "center", "mail", "energy", "power", "pago", "pagos", "factura",
     "cuenta", "cuentas", "soporte", "ayuda", "servicio", "cliente", "clientes", "reembolso", "mi", "us", "usa",
     "ca", "info")
)  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
_AND = re.compile(r"(?<=\w)\s*&\s*(?=\w)")
_ADDRESS = re.compile(r"[^\s@<>()\"',;]+@([^\s@<>()\"',;]+\.[^\s@<>()\"',;.]+)")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_DRAWN = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"))  # within ASCII, as small letters are drawn


class Likeness(StrEnum):
    STAFF_NAME = "staff_name"
    CENTER_NAME = "center_name"
    PROTECTED_NAME = "protected_name"
    DOMAIN = "domain"
    ADDRESS_IN_NAME = "address_in_name"
    REPLY_TO = "reply_to"


class Trick(StrEnum):
    """How a domain is like another one."""

    LETTERS = "letters"  # other characters that look the same, also in punycode
    SPELLING = "spelling"
    ENDING = "ending"
    ADDED_WORDS = "added_words"
    INSIDE = "inside"  # the real one stands in front of another: pge.com.example.net


@dataclass(frozen=True)
class Suspicion:
    kind: Likeness
    found: str  # what the mail says
    like: str  # whom or what it is like; of REPLY_TO: the domain that it came from
    trick: Trick | None = None


@dataclass(frozen=True)
class Protected:
    """Whose names and domains nobody else should carry."""

    staff: tuple[tuple[str, str], ...] = ()  # name, address
    center_names: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # the utility's, from the settings
    domains: tuple[str, ...] = ()  # the utility's and our own, as their owners write them
    addresses: frozenset[str] = frozenset()  # our mailboxes

    def owns(self, domain: str) -> bool:
        return any(domain == each or domain.endswith(f".{each}") for each in self.domains)


def suspicions(name: str, address: str, reply_to: Sequence[str], protected: Protected) -> list[Suspicion]:
    """What is alike in a sender. Nothing about our own addresses and the domains that are protected themselves."""
    domain = domain_of(address)
    staff = {each for _, each in protected.staff}
    found: list[Suspicion] = []
    if address not in protected.addresses and address not in staff:
        if not protected.owns(domain):
            found += _names(name, protected)
            found += _domain(domain, protected)
        found += _address_in_name(name, domain)
    found += _reply_to(domain, reply_to, protected)
    return found


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].strip().strip(".").lower()[:MAX_CHARACTERS]


# Names


def _names(name: str, protected: Protected) -> Iterator[Suspicion]:
    words = name_words(_BRACKETS.sub(" ", name)) or name_words(name)
    if not words:
        return
    for person, _ in protected.staff:
        theirs = name_words(person)
        # One word is a first name: half the town has it.
        if len(theirs) >= 2 and _same_people(words, theirs):
            yield Suspicion(Likeness.STAFF_NAME, name, person)
            break
    for center in protected.center_names:
        if _same_office(words, name_words(center)):
            yield Suspicion(Likeness.CENTER_NAME, name, center)
            break
    for other in protected.names:
        if _stands_in(name_words(other), words):
            yield Suspicion(Likeness.PROTECTED_NAME, name, other)
            break


def name_words(text: str) -> list[str]:
    """The words of a name in one spelling: without accents, case and letters of other alphabets that look the same."""
    return _WORD.findall(_AND.sub("", skeleton(text[:MAX_CHARACTERS], drawn=False)))


def _same_people(words: Sequence[str], theirs: Sequence[str]) -> bool:
    """Every word of the person's name, in any order, and nothing beside it but what an office is called."""
    left = list(words)
    for word in theirs:
        match = next((each for each in left if each == word), None) or next(
            (each for each in left if _close(each, word)), None
        )
        if match is None:
            return False
        left.remove(match)
    return all(word in _OFFICE for word in left)


def _same_office(words: Sequence[str], theirs: Sequence[str]) -> bool:
    if not _stands_in(theirs, words):
        return False
    left = [word for word in words if word not in theirs]
    return all(word in _OFFICE for word in left)


def _stands_in(theirs: Sequence[str], words: Sequence[str]) -> bool:
    size = len(theirs)
    return size > 0 and any(
        all(_close(word, other) for word, other in zip(words[at : at + size], theirs, strict=True))
        for at in range(len(words) - size + 1)
    )


def _close(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) >= LONG_WORD and distance(one, other, 1) <= 1)


# Domains


def _domain(domain: str, protected: Protected) -> Iterator[Suspicion]:
    own = organisational(domain)
    if not domain or own in PUBLIC_PROVIDERS:
        return
    for other in protected.domains:
        if other not in PUBLIC_PROVIDERS and (trick := trick_of(domain, other)):
            yield Suspicion(Likeness.DOMAIN, readable(domain), other, trick)
            return


def trick_of(domain: str, other: str) -> Trick | None:
    """How `domain` may be taken for `other`, which somebody else owns; None: they are not alike."""
    domain, other = domain.lower()[:MAX_CHARACTERS], other.lower()
    shown = readable(domain)
    registered = organisational(domain)
    if registered == organisational(other):
        return None  # another part of the same house
    if f".{other}." in f".{domain}.":
        return Trick.INSIDE
    for each in dict.fromkeys((registered, domain)):
        name, wanted = without_suffix(each), without_suffix(other)
        if not name or not wanted:
            continue
        drawn = skeleton(readable(name))
        if drawn == skeleton(wanted) and (name != wanted or not shown.isascii()):
            return Trick.LETTERS
        if name == wanted:
            return Trick.ENDING
        if _added(drawn, skeleton(wanted)):
            return Trick.ADDED_WORDS
        allowed = 2 if len(wanted) >= SURE_DISTANCE else 1 if len(wanted) >= LONG_WORD - 1 else 0
        if allowed and distance(drawn, skeleton(wanted), allowed) <= allowed:
            return Trick.SPELLING
    return None


def _added(name: str, wanted: str) -> bool:
    """`pge-billing`, `mypge`, `secure-pge-login`: the name and nothing beside it but words that promise something."""
    if name == wanted or wanted not in name or len(wanted) < 3:
        return False
    at = name.find(wanted)
    before, after = name[:at].strip("-."), name[at + len(wanted) :].strip("-.")
    parts = [part for side in (before, after) for part in re.split(r"[-.]", side) if part]
    known = {skeleton(word) for word in _ADDED}
    return all(part in known or part.isdigit() for part in parts) or (
        len(wanted) >= SURE_DISTANCE and (not before or not after)
    )


def _address_in_name(name: str, domain: str) -> Iterator[Suspicion]:
    shown = _ADDRESS.search(name[:MAX_CHARACTERS])
    if shown and organisational(shown.group(1).lower()) != organisational(domain):
        yield Suspicion(Likeness.ADDRESS_IN_NAME, shown.group(), domain)


def _reply_to(domain: str, reply_to: Sequence[str], protected: Protected) -> Iterator[Suspicion]:
    for address in reply_to:
        other = domain_of(address)
        if other and organisational(other) != organisational(domain) and not protected.owns(other):
            yield Suspicion(Likeness.REPLY_TO, address, domain)
            return


def readable(domain: str) -> str:
    """Punycode as people see it; what cannot be decoded stays."""
    return ".".join(_label(label) for label in domain.split("."))


def _label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label


def skeleton(text: str, *, drawn: bool = True) -> str:
    """What a text looks like in small ASCII letters (after UTS 39). `drawn`: also rn as m, 0 as o and the like."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(_latin(c) for c in folded if not unicodedata.combining(c)).casefold()
    if drawn:
        for one, other in _DRAWN:
            plain = plain.replace(one, other)
    return plain


@lru_cache(maxsize=4096)
def _latin(character: str) -> str:
    """The Latin letters that a character of another alphabet may be taken for; the character itself if none."""
    if character.isascii():
        return character
    alike = [str(each["c"]) for each in confusables.confusables_data.get(character, [])]
    return next((each for each in alike if each.isascii() and each.isalnum()), character)


def distance(one: str, other: str, limit: int) -> int:
    """Letters to change, add, leave out or swap (optimal string alignment); `limit` + 1 when there are more."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        current = [i]
        for j, b in enumerate(other, 1):
            best = min(row[j] + 1, current[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            current.append(best)
        if min(current) > limit:
            return limit + 1
        before, row = row, current
    return row[-1]
