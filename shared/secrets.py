"""Secrets at rest: sealed with AES-256-GCM under a key derived from the installation's secret key.

A sealed secret is bound to the row and column it was written for (associated data), so that copying it into another
row opens nothing. It names the key that sealed it: after `CENTRALITA_SECRET_KEY` was changed, what an earlier key
sealed opens as long as that one stands in `CENTRALITA_OLD_SECRET_KEYS`.

    1 byte version · 4 bytes key id · 12 bytes nonce · ciphertext and tag
"""

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.settings import Settings

_VERSION = b"\x01"
_ID, _NONCE = 4, 12
_BEFORE = len(_VERSION) + _ID + _NONCE


class CannotOpen(Exception):
    """No key of this installation opens it: the secret key was changed, or the bytes were moved or damaged."""


class Safe:
    """Seals with the present key, opens with the present and the old ones. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        keys = [_derive(key.get_secret_value()) for key in (settings.secret_key, *settings.old_secret_keys)]
        self._present = _id_of(keys[0])
        self._ciphers = {_id_of(key): AESGCM(key) for key in reversed(keys)}

    def seal(self, secret: str, place: str) -> bytes:
        """`place` names the row and the column, `mailbox_account:7:password`; the same is needed to open it."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._ciphers[self._present].encrypt(nonce, secret.encode(), place.encode())
        return _VERSION + self._present + nonce + sealed

    def open(self, sealed: bytes, place: str) -> str:
        """Raises CannotOpen."""
        cipher = self._ciphers.get(sealed[1 : 1 + _ID]) if sealed[:1] == _VERSION else None
        if cipher is None:
            raise CannotOpen(f"{place}: sealed with a key that is not here")
        try:
            return cipher.decrypt(sealed[1 + _ID : _BEFORE], sealed[_BEFORE:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotOpen(f"{place}: moved or damaged") from error

    def is_old(self, sealed: bytes) -> bool:
        """Sealed with a key that is only kept to open it."""
        return sealed[1 : 1 + _ID] != self._present


def _derive(secret_key: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"centralita: secrets at rest").derive(secret_key.encode())


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"id of " + key).digest()[:_ID]
