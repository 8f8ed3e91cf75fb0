"""PGP inside plain text (RFC 9580, 6 and 7): signed text shown without its armour, encrypted text known as such."""

_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"
_END = "-----END PGP SIGNATURE-----"
_ENCRYPTED = "-----BEGIN PGP MESSAGE-----"


def is_encrypted(text: str) -> bool:
    """Nothing but an encrypted message: one that is quoted below the author's words does not count."""
    return text.lstrip().startswith(_ENCRYPTED)


def without_signature(text: str) -> str:
    """Clear-signed text as the author wrote it. What stands before and after the signed part stays."""
    if _SIGNED not in text:
        return text
    kept: list[str] = []
    where = "outside"
    for line in text.split("\n"):
        mark = line.rstrip()
        if where == "outside" and mark == _SIGNED:
            where = "headers"
        elif where == "headers":
            where = "headers" if mark else "signed"
        elif where == "signed" and mark == _SIGNATURE:
            where = "signature"
        elif where == "signature":
            where = "outside" if mark == _END else where
        else:
            kept.append(line.removeprefix("- ") if where == "signed" else line)
    return "\n".join(kept)
