"""Which facts screens hide until somebody asks to see them, and what stands in their place. Pure."""

from shared.models import FactKind

# By these somebody is let into an account. Where to call, what is owed and by when is what the work is about.
HIDDEN = frozenset((FactKind.ACCOUNT, FactKind.AGREEMENT))
SHOWN = 4  # digits, of the ten that name the account


def masked(value: str) -> str:
    """«1020304050-6» as «••••••4050-6»; a person who has the number before them can still tell that it is this one."""
    number, dash, check = value.partition("-")
    hidden = sum(char.isdigit() for char in number) - SHOWN
    shown = ""
    for char in number:
        if char.isdigit() and hidden > 0:
            char, hidden = "•", hidden - 1
        shown += char
    return shown + dash + check
