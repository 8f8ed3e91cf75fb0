"""Passwords: what is a good one, and their argon2 hashes, computed beside the event loop."""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from pwdlib import PasswordHash

from shared.errors import Invalid

SHORTEST, LONGEST = 12, 200
# A hash takes 64 MiB while it is computed: a few at a time, the others wait their turn.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
_hasher = PasswordHash.recommended()


@cache
def _nobodys_hash() -> str:
    """Compared with when there is no such person: the answer takes as long as for a person."""
    return _hasher.hash("nobody has this password")


def normalised(password: str) -> str:
    """The same letters whichever keyboard wrote them: «ñ» is one character or two."""
    return unicodedata.normalize("NFKC", password)


def check_strength(password: str, email: str) -> None:
    """Raises Invalid for what would be guessed first."""
    plain = normalised(password)
    if len(plain) < SHORTEST:
        raise Invalid("A password needs at least {shortest} characters.", field="password", shortest=SHORTEST)
    if len(plain) > LONGEST:
        raise Invalid("A password has at most {longest} characters.", field="password", longest=LONGEST)
    folded = plain.casefold()
    local_part = email.partition("@")[0].casefold()
    if len(set(folded)) < 5 or (len(local_part) > 2 and local_part in folded):
        raise Invalid("This password is too easy to guess.", field="password")


async def hashed(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, normalised(password))


async def verify(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Whether it is right, and a new hash when the stored one is weaker than today's. `stored` None: always wrong."""

    def compare() -> tuple[bool, str | None]:
        right, fresh = _hasher.verify_and_update(normalised(password)[: LONGEST + 1], stored or _nobodys_hash())
        return (right, fresh) if stored else (False, None)

    return await asyncio.get_running_loop().run_in_executor(_threads, compare)
