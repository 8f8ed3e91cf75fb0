"""Mail addresses as people type them and as machines tag them."""

import re
from collections.abc import Sequence

from shared.errors import Invalid

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+\.[^\s@<>,;:\"()\[\]\\.]+")


def addresses_in(addresses: Sequence[str], field: str) -> list[str]:
    """Lower case, each once. Raises Invalid for what is no address."""
    clean = list(dict.fromkeys(address.strip().lower() for address in addresses if address.strip()))
    for address in clean:
        if len(address) > 254 or not _ADDRESS.fullmatch(address):
            raise Invalid("{address} is not an email address.", field=field, address=address[:100])
    return clean


def without_tag(address: str) -> str:
    """The mailbox behind a plus address: help@… of help+token@…"""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"
