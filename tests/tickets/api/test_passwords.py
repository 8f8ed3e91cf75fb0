"""What a good password is, and how it is kept."""

import pytest
from pwdlib import PasswordHash

from services.tickets import passwords
from shared.errors import Invalid


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "ana.lopez-2026!", "x" * 201, "            "])
def test_bad_ones_are_refused(password: str) -> None:
    with pytest.raises(Invalid):
        passwords.check_strength(password, "ana.lopez@center.example")


def test_good_ones_pass() -> None:
    passwords.check_strength("cuatro caballos verdes", "ana.lopez@center.example")


async def test_it_is_kept_as_argon2id_at_full_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHash.recommended())
    kept = await passwords.hashed("contraseña segura")
    assert kept.startswith("$argon2id$")
    assert "m=65536" in kept
    assert (await passwords.verify("contraseña segura", kept))[0]  # ñ typed as n and a tilde
    assert await passwords.verify("contrasena segura", kept) == (False, None)


async def test_nobody_has_no_password() -> None:
    assert await passwords.verify("nobody has this password", None) == (False, None)


async def test_a_weaker_hash_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    weak = await passwords.hashed("cuatro caballos verdes")
    monkeypatch.setattr(passwords, "_hasher", PasswordHash.recommended())
    right, fresh = await passwords.verify("cuatro caballos verdes", weak)
    assert right
    assert fresh is not None
    assert fresh != weak
