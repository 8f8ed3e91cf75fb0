"""Secrets at rest open only in their own row, with a key of this installation, and never twice the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from shared.secrets import CannotOpen, Safe
from shared.settings import Settings

PLACE = "mailbox_account:7:password"


def safe(key: str = "first", *old: str) -> Safe:
    return Safe(
        Settings.model_validate(
            {
                "database_url": "postgresql+asyncpg://",
                "secret_key": key * 10,
                "old_secret_keys": [SecretStr(each * 10) for each in old],
            }
        )
    )


@given(st.text())
def test_what_was_sealed_opens_again(secret: str) -> None:
    sealed = safe().seal(secret, PLACE)
    assert safe().open(sealed, PLACE) == secret
    assert sealed != safe().seal(secret, PLACE)
    if len(secret) > 3:
        assert secret.encode() not in sealed


@pytest.mark.parametrize("place", ["mailbox_account:8:password", "mailbox_account:7:client_secret", ""])
def test_in_another_place_it_opens_nothing(place: str) -> None:
    with pytest.raises(CannotOpen):
        safe().open(safe().seal("open sesame", PLACE), place)


def test_changed_or_cut_bytes_open_nothing() -> None:
    sealed = safe().seal("open sesame", PLACE)
    for at in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[at] ^= 1
        with pytest.raises(CannotOpen):
            safe().open(bytes(damaged), PLACE)
        with pytest.raises(CannotOpen):
            safe().open(sealed[:at], PLACE)


def test_a_key_of_before_opens_and_a_forgotten_one_does_not() -> None:
    sealed = safe("first").seal("open sesame", PLACE)
    changed = safe("later", "first")
    assert changed.open(sealed, PLACE) == "open sesame"
    assert changed.is_old(sealed)
    assert not changed.is_old(changed.seal("open sesame", PLACE))
    with pytest.raises(CannotOpen):
        safe("later").open(sealed, PLACE)
