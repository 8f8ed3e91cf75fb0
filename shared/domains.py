"""Which domains belong together: the organisational domain of RFC 7489, by the public suffix list."""

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList


@cache
def _suffixes() -> PublicSuffixList:
    """The list that comes with the package; nothing is fetched."""
    return PublicSuffixList()


@lru_cache(maxsize=4096)
def organisational(domain: str) -> str:
    """`example.co.uk` for `mail.example.co.uk`; the domain itself where it is a public suffix or none of a kind."""
    name = domain.strip().strip(".").lower()
    return str(_suffixes().privatesuffix(name) or name)


def without_suffix(domain: str) -> str:
    """`mail.example` of `mail.example.co.uk`; empty when it is nothing but a public suffix."""
    suffix = str(_suffixes().publicsuffix(domain) or "")
    return domain[: -len(suffix) - 1] if suffix and domain != suffix else ""


def aligned(one: str, other: str) -> bool:
    """Relaxed alignment (RFC 7489, 3.1): both belong to the same organisation."""
    return bool(one and other) and organisational(one) == organisational(other)


def of_address(address: str) -> str:
    return address.rpartition("@")[2].lower()
